//! What the peer has not acknowledged yet: the sections that refer to the dynamic table, and how much of it has arrived
//! (RFC 9204 §2.1.4, the Known Received Count).

use std::collections::VecDeque;

use super::super::decoder_stream::Instruction;
use super::super::error::Fault;

/// Sections in the order in which they were encoded, at most [`MAX`] of them.
#[derive(Debug, Default)]
pub(super) struct Outstanding {
    sections: VecDeque<References>,
    known_received: u64,
}

/// What one section refers to.
#[derive(Clone, Copy, Debug)]
pub(super) struct References {
    pub(super) stream: u64,
    /// Its Required Insert Count.
    pub(super) required: u64,
    /// The lowest absolute index that it refers to.
    pub(super) lowest: u64,
}

impl Outstanding {
    pub(super) fn known_received(&self) -> u64 {
        self.known_received
    }

    /// RFC 9204 §7.3: no more references than we are ready to track.
    pub(super) fn is_full(&self) -> bool {
        self.sections.len() >= MAX
    }

    pub(super) fn push(&mut self, references: References) {
        self.sections.push_back(references);
    }

    /// Entries before this index are evictable: they arrived and nothing refers to them (RFC 9204 §2.1.1).
    ///
    /// As the oldest entry always goes first, the lowest reference of all sections is all there is to know.
    pub(super) fn evictable_before(&self) -> u64 {
        let lowest = self.sections.iter().map(|section| section.lowest);
        lowest.fold(self.known_received, u64::min)
    }

    /// Whether one more section of `stream` may be such that it can block.
    ///
    /// RFC 9204 §2.1.2: the streams that could become blocked are never more than the peer's limit. Sections are counted
    /// for streams; that is the same, or more careful.
    pub(super) fn may_block(&self, stream: u64, limit: u64, inserted: u64) -> bool {
        if self.known_received == inserted {
            return limit > 0;
        }
        let mut count = 0;
        for section in self.sections.iter().filter(|section| section.required > self.known_received) {
            if section.stream == stream {
                return true;
            }
            count += 1;
        }
        count < limit
    }

    /// Takes an instruction of the peer's decoder; `inserted` is our Insert Count.
    pub(super) fn take(&mut self, instruction: Instruction, inserted: u64) -> Result<(), Fault> {
        match instruction {
            Instruction::SectionAcknowledgment(stream) => {
                // RFC 9204 §4.4.1: the earliest unacknowledged section of the stream; none is an error.
                let at = self.sections.iter().position(|section| section.stream == stream);
                let section = at.and_then(|at| self.sections.remove(at)).ok_or(Fault::NothingToAcknowledge)?;
                self.known_received = self.known_received.max(section.required);
            }
            // RFC 9204 §4.4.2: it may name a stream that never referred to the table.
            Instruction::StreamCancellation(stream) => self.sections.retain(|section| section.stream != stream),
            Instruction::InsertCountIncrement(increment) => {
                let known = self.known_received.saturating_add(increment);
                // RFC 9204 §4.4.3: zero, and more than was sent, are errors.
                if increment == 0 || known > inserted {
                    return Err(Fault::ImpossibleIncrement);
                }
                self.known_received = known;
            }
        }
        Ok(())
    }
}

/// Sections that may be unacknowledged at once. Further ones do without the dynamic table.
const MAX: usize = 256;
