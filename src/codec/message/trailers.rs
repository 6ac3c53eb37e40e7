//! Trailers.

use bytes::Bytes;
use http::HeaderMap;

use super::section::Section;
use super::{Malformed, Refused, SectionLimits};

/// The field section that ends a message, as it is decoded.
#[derive(Debug)]
pub struct TrailerSection(Section);

impl TrailerSection {
    /// An empty section.
    #[must_use]
    pub fn new(limits: SectionLimits) -> Self {
        Self(Section::new(limits))
    }

    /// Takes the next field line.
    ///
    /// # Errors
    /// [`Refused`] when the trailers are malformed or too large: nothing more is to be pushed then.
    pub fn push(&mut self, name: &[u8], value: Bytes) -> Result<(), Refused> {
        self.0.count(name, &value)?;
        // RFC 9114 §4.3: trailers have no pseudo-header fields.
        if name.starts_with(b":") {
            return Err(Malformed::ForbiddenPseudo.into());
        }
        self.0.field(name, value)
    }

    /// The trailers, at the end of the section.
    #[must_use]
    pub fn finish(self) -> HeaderMap {
        self.0.headers
    }
}
