//! Reads a peer's encoder stream from chunks of any size, and does in the dynamic table what it says.
//!
//! Between chunks it holds an integer, or the decoded part of one string that the table has room for: what would not fit
//! is refused as soon as its length is known.

use bytes::{Bytes, BytesMut};

use super::super::dynamic_table::{self, DynamicTable, Entry};
use super::super::error::Fault;
use super::super::huffman::{self, Stop};
use super::super::integer::{self, Partial, Progress};
use super::super::{static_table, string};

/// The state between two chunks.
#[derive(Debug, Default)]
pub(in super::super) struct Reader {
    step: Step,
    /// The name of the entry that comes, once it is known.
    name: Bytes,
    /// The string that comes, decoded so far. The memory stays for the next one.
    text: BytesMut,
}

/// What the next byte belongs to.
#[derive(Clone, Copy, Debug, Default)]
enum Step {
    #[default]
    Instruction,
    ValueLength,
    Integer(Number, Partial),
    Text(Text),
}

/// What an integer says.
#[derive(Clone, Copy, Debug)]
enum Number {
    Capacity,
    Duplicate,
    StaticName,
    DynamicName,
    NameLength { huffman: bool },
    ValueLength { huffman: bool },
}

/// A string that comes.
#[derive(Clone, Copy, Debug)]
struct Text {
    is_name: bool,
    /// Encoded bytes to come.
    left: usize,
    /// Decoded bytes that it may have.
    max: usize,
    huffman: Option<huffman::Decoder>,
}

impl Reader {
    /// Follows the instructions in `chunk`; one that it ends within goes on with the next chunk.
    pub(in super::super) fn read(
        &mut self,
        mut chunk: &[u8],
        table: &mut DynamicTable,
        max_capacity: usize,
    ) -> Result<(), Fault> {
        while let Some((byte, rest)) = chunk.split_first() {
            let (number, progress) = match self.step {
                Step::Instruction => begin_instruction(*byte),
                Step::ValueLength => {
                    (Number::ValueLength { huffman: string::is_huffman(*byte, 8) }, integer::begin(*byte, 7))
                }
                Step::Integer(number, partial) => (number, partial.push(*byte)?),
                Step::Text(text) => {
                    chunk = self.read_text(text, chunk, table)?;
                    continue;
                }
            };
            chunk = rest;
            match progress {
                Progress::Partial(partial) => self.step = Step::Integer(number, partial),
                Progress::Whole(value) => {
                    self.step = Step::Instruction;
                    self.take_number(number, value, table, max_capacity)?;
                }
            }
        }
        Ok(())
    }

    fn take_number(
        &mut self,
        number: Number,
        value: u64,
        table: &mut DynamicTable,
        max_capacity: usize,
    ) -> Result<(), Fault> {
        match number {
            Number::Capacity => {
                // RFC 9204 §4.3.1: a capacity above the limit is QPACK_ENCODER_STREAM_ERROR.
                let capacity = usize::try_from(value).ok().filter(|capacity| *capacity <= max_capacity);
                table.set_capacity(capacity.ok_or(Fault::CapacityAboveLimit)?);
            }
            Number::Duplicate => {
                // RFC 9204 §2.2.3: a reference to an evicted entry is QPACK_ENCODER_STREAM_ERROR.
                let entry = table.recent(value).ok_or(Fault::NoDynamicEntry)?.clone();
                table.insert(entry)?;
            }
            Number::StaticName => {
                // RFC 9204 §3.1: an invalid static index here is QPACK_ENCODER_STREAM_ERROR.
                let (name, _) = static_table::entry(value).ok_or(Fault::NoStaticEntry)?;
                self.name = Bytes::from_static(name.as_bytes());
                self.step = Step::ValueLength;
            }
            Number::DynamicName => {
                // RFC 9204 §3.2.2: the name is kept, as the entry may be evicted by the one that refers to it.
                self.name = table.recent(value).ok_or(Fault::NoDynamicEntry)?.name.clone();
                self.step = Step::ValueLength;
            }
            Number::NameLength { huffman } => {
                self.name = Bytes::new();
                self.begin_text(true, huffman, value, table)?;
            }
            Number::ValueLength { huffman } => self.begin_text(false, huffman, value, table)?,
        }
        Ok(())
    }

    /// RFC 9204 §7.4: the length of a string is checked before any of it is kept.
    fn begin_text(&mut self, is_name: bool, huffman: bool, length: u64, table: &mut DynamicTable) -> Result<(), Fault> {
        let used = dynamic_table::size(&self.name, &[]);
        // RFC 9204 §3.2.2: an entry that is larger than the table is QPACK_ENCODER_STREAM_ERROR.
        let max = table.capacity().checked_sub(used).ok_or(Fault::EntryTooLarge)?;
        let shortest = if huffman { huffman::shortest_decoded(length) } else { length };
        if shortest > max as u64 {
            return Err(Fault::EntryTooLarge);
        }
        let left = usize::try_from(length).map_err(|_| Fault::EntryTooLarge)?;
        self.text.clear();
        let text = Text { is_name, left, max, huffman: huffman.then(huffman::Decoder::default) };
        if left == 0 {
            return self.end_text(is_name, table);
        }
        self.step = Step::Text(text);
        Ok(())
    }

    /// Takes what `chunk` has of the string, and returns what follows it.
    fn read_text<'a>(&mut self, mut text: Text, chunk: &'a [u8], table: &mut DynamicTable) -> Result<&'a [u8], Fault> {
        let (came, rest) = chunk.split_at_checked(text.left).unwrap_or((chunk, &[]));
        text.left -= came.len();
        if let Some(decoder) = &mut text.huffman {
            let max = text.max.saturating_sub(self.text.len());
            decoder.push(came, &mut self.text, max).map_err(|stop| match stop {
                Stop::Fault(fault) => fault,
                Stop::TooLong => Fault::EntryTooLarge,
            })?;
        } else {
            self.text.extend_from_slice(came);
        }
        self.step = Step::Text(text);
        if text.left == 0 {
            text.huffman.map_or(Ok(()), huffman::Decoder::finish)?;
            self.end_text(text.is_name, table)?;
        }
        Ok(rest)
    }

    fn end_text(&mut self, is_name: bool, table: &mut DynamicTable) -> Result<(), Fault> {
        // A copy of the exact size: what the table holds is what it counts.
        let text = Bytes::copy_from_slice(&self.text);
        if is_name {
            self.name = text;
            self.step = Step::ValueLength;
            return Ok(());
        }
        self.step = Step::Instruction;
        table.insert(Entry { name: std::mem::take(&mut self.name), value: text })
    }
}

fn begin_instruction(first: u8) -> (Number, Progress) {
    let (number, prefix) = match first {
        0xc0.. => (Number::StaticName, 6),
        0x80.. => (Number::DynamicName, 6),
        0x40.. => (Number::NameLength { huffman: string::is_huffman(first, 6) }, 5),
        0x20.. => (Number::Capacity, 5),
        _ => (Number::Duplicate, 5),
    };
    (number, integer::begin(first, prefix))
}
