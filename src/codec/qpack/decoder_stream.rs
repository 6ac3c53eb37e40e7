//! The instructions of a decoder stream (RFC 9204 §4.4): written by a decoder, read by the encoder on the other side.

use bytes::BytesMut;

use super::error::Fault;
use super::integer::{self, Partial, Progress};

/// What a decoder tells the encoder.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Instruction {
    /// RFC 9204 §4.4.1: the earliest section of this stream that is not yet acknowledged was decoded.
    SectionAcknowledgment(u64),
    /// RFC 9204 §4.4.2: no further section of this stream will be decoded.
    StreamCancellation(u64),
    /// RFC 9204 §4.4.3: so many more entries have come.
    InsertCountIncrement(u64),
}

impl Instruction {
    pub(super) fn write(self, out: &mut BytesMut) {
        match self {
            Self::SectionAcknowledgment(stream) => integer::write(out, 0x80, 7, stream),
            Self::StreamCancellation(stream) => integer::write(out, 0x40, 6, stream),
            Self::InsertCountIncrement(increment) => integer::write(out, 0x00, 6, increment),
        }
    }
}

/// Reads instructions from chunks of any size.
#[derive(Debug, Default)]
pub(super) struct Reader {
    /// The first byte of the instruction within which the last chunk ended, and its integer so far.
    begun: Option<(u8, Partial)>,
}

impl Reader {
    /// The next instruction that ends within `chunk`, which moves on; `None` at its end.
    pub(super) fn next(&mut self, chunk: &mut &[u8]) -> Result<Option<Instruction>, Fault> {
        while let Some((byte, rest)) = chunk.split_first() {
            *chunk = rest;
            let (first, progress) = match self.begun.take() {
                Some((first, partial)) => (first, partial.push(*byte)?),
                None => (*byte, integer::begin(*byte, prefix(*byte))),
            };
            match progress {
                Progress::Whole(value) => return Ok(Some(instruction(first, value))),
                Progress::Partial(partial) => self.begun = Some((first, partial)),
            }
        }
        Ok(None)
    }
}

fn prefix(first: u8) -> u32 {
    if first & 0x80 != 0 { 7 } else { 6 }
}

fn instruction(first: u8, value: u64) -> Instruction {
    match first {
        0x80.. => Instruction::SectionAcknowledgment(value),
        0x40.. => Instruction::StreamCancellation(value),
        _ => Instruction::InsertCountIncrement(value),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn instructions() -> impl Strategy<Value = Vec<Instruction>> {
        let value = (0..=integer::MAX, 0u32..62).prop_map(|(value, bits)| value >> bits);
        let one = (0..3, value).prop_map(|(kind, value)| match kind {
            0 => Instruction::SectionAcknowledgment(value),
            1 => Instruction::StreamCancellation(value),
            _ => Instruction::InsertCountIncrement(value),
        });
        prop::collection::vec(one, 0..20)
    }

    proptest! {
        #[test]
        fn rfc9204_4_4_instructions_come_in_any_pieces(sent in instructions(), size in 1usize..12) {
            let mut wire = BytesMut::new();
            for instruction in &sent {
                instruction.write(&mut wire);
            }
            let mut reader = Reader::default();
            let mut came = Vec::new();
            for mut chunk in wire.chunks(size) {
                while let Some(instruction) = reader.next(&mut chunk).unwrap() {
                    came.push(instruction);
                }
            }
            prop_assert_eq!(came, sent);
        }
    }
}
