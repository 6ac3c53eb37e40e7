//! What a field section takes, counted as RFC 9114 §4.2.2 and RFC 9113 §6.5.2 say.

use super::{Refused, SectionLimits};

/// The lines of a section so far, held against what it may take.
#[derive(Debug)]
pub(super) struct Size {
    limits: SectionLimits,
    bytes: usize,
    lines: usize,
}

impl Size {
    pub(super) fn new(limits: SectionLimits) -> Self {
        Self { limits, bytes: 0, lines: 0 }
    }

    /// Counts a field line; pseudo-header fields are lines like others.
    pub(super) fn count(&mut self, name: impl AsRef<[u8]>, value: impl AsRef<[u8]>) -> Result<(), Refused> {
        let (name, value) = (name.as_ref().len(), value.as_ref().len());
        self.lines += 1;
        self.bytes = self.bytes.saturating_add(name).saturating_add(value).saturating_add(OVERHEAD);
        if self.bytes > self.limits.bytes {
            return Err(Refused::TooLarge);
        }
        if self.lines > self.limits.fields {
            return Err(Refused::TooMany);
        }
        Ok(())
    }
}

/// RFC 9114 §4.2.2: what a field line takes beside its name and value.
const OVERHEAD: usize = 32;
