//! Reads an encoded field section (RFC 9204 §4.5): its prefix, then line after line.
//!
//! What can be shared is not copied: plain literals are slices of the section, table entries are the table's own. All
//! Huffman-coded strings of a section share one allocation.

use bytes::{Bytes, BytesMut};

use super::dynamic_table::{DynamicTable, Entry, OVERHEAD};
use super::error::Fault;
use super::field_line::FieldLine;
use super::huffman::{self, Stop};
use super::{integer, static_table, string};

/// The prefix of a section: how much of the dynamic table it needs, and where its indices count from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Prefix {
    /// The Required Insert Count; zero when nothing refers to the dynamic table.
    pub(super) required: u64,
    /// The Base.
    pub(super) base: u64,
}

impl Prefix {
    /// Reads the prefix, with the Insert Count of this side and the most entries that its table can have.
    pub(super) fn read(input: &mut &[u8], inserted: u64, max_entries: u64) -> Result<Self, Fault> {
        let required = required_insert_count(integer::read(input, 8)?, inserted, max_entries)?;
        let negative = input.first().is_some_and(|first| first & 0x80 != 0);
        let delta = integer::read(input, 7)?;
        let base = if negative {
            // RFC 9204 §4.5.1.2: a Base below zero is invalid.
            required.checked_sub(delta).and_then(|base| base.checked_sub(1)).ok_or(Fault::NegativeBase)?
        } else {
            required.saturating_add(delta)
        };
        Ok(Self { required, base })
    }
}

/// RFC 9204 §4.5.1.1: the Required Insert Count out of its encoded form, which counts modulo twice the most entries.
fn required_insert_count(encoded: u64, inserted: u64, max_entries: u64) -> Result<u64, Fault> {
    if encoded == 0 {
        return Ok(0);
    }
    let range = max_entries.saturating_mul(2);
    if encoded > range {
        return Err(Fault::ImpossibleInsertCount);
    }
    let max = inserted.saturating_add(max_entries);
    let wrapped = max - max % range;
    let mut required = wrapped.saturating_add(encoded - 1);
    if required > max {
        required = required.checked_sub(range).ok_or(Fault::ImpossibleInsertCount)?;
    }
    // RFC 9204 §4.5.1.1: zero has a form of its own.
    if required == 0 { Err(Fault::ImpossibleInsertCount) } else { Ok(required) }
}

/// The lines of a section, one by one.
#[derive(Debug)]
pub(super) struct Lines<'a> {
    prefix: Prefix,
    table: &'a DynamicTable,
    section: &'a Bytes,
    /// What is not read yet, of `section`.
    rest: &'a [u8],
    /// What the lines may still have of the decoded size.
    budget: usize,
    /// One more than the largest absolute index referred to.
    needed: u64,
    /// Where Huffman-coded strings are decoded.
    decoded: BytesMut,
}

impl<'a> Lines<'a> {
    /// The lines in `rest`, which is what `section` has behind its prefix.
    pub(super) fn new(
        prefix: Prefix,
        table: &'a DynamicTable,
        section: &'a Bytes,
        rest: &'a [u8],
        budget: usize,
    ) -> Self {
        Self { prefix, table, section, rest, budget, needed: 0, decoded: BytesMut::new() }
    }

    /// The next line; `None` at the end of the section.
    pub(super) fn next(&mut self) -> Result<Option<FieldLine<Bytes>>, Stop> {
        let Some(first) = self.rest.first().copied() else {
            // RFC 9204 §2.2.1: a Required Insert Count larger than needed may be an error; no encoder needs it.
            let exact = self.needed == self.prefix.required;
            return if exact { Ok(None) } else { Err(Fault::UnneededInsertCount.into()) };
        };
        // RFC 9114 §4.2.2: each line counts its name, its value and 32 bytes.
        self.charge(OVERHEAD)?;
        let line = match first {
            // RFC 9204 §4.5.2: Indexed Field Line.
            0xc0.. => self.static_line()?,
            0x80.. => {
                let index = integer::read(&mut self.rest, 6)?;
                self.dynamic_line(self.before_base(index)?)?
            }
            // RFC 9204 §4.5.4: Literal Field Line with Name Reference.
            0x40.. => {
                let index = integer::read(&mut self.rest, 4)?;
                let name = if first & 0x10 != 0 {
                    Bytes::from_static(static_entry(index)?.0.as_bytes())
                } else {
                    self.refer(self.before_base(index)?)?.name.clone()
                };
                self.literal(name, first & 0x20 != 0)?
            }
            // RFC 9204 §4.5.6: Literal Field Line with Literal Name.
            0x20.. => {
                let name = self.text(4)?;
                self.value(name, first & 0x10 != 0)?
            }
            // RFC 9204 §4.5.3: Indexed Field Line with Post-Base Index.
            0x10.. => {
                let index = integer::read(&mut self.rest, 4)?;
                self.dynamic_line(self.behind_base(index))?
            }
            // RFC 9204 §4.5.5: Literal Field Line with Post-Base Name Reference.
            _ => {
                let index = integer::read(&mut self.rest, 3)?;
                let name = self.refer(self.behind_base(index))?.name.clone();
                self.literal(name, first & 0x08 != 0)?
            }
        };
        Ok(Some(line))
    }

    fn static_line(&mut self) -> Result<FieldLine<Bytes>, Stop> {
        let (name, value) = static_entry(integer::read(&mut self.rest, 6)?)?;
        self.charge(name.len() + value.len())?;
        let [name, value] = [name, value].map(|text| Bytes::from_static(text.as_bytes()));
        Ok(FieldLine { name, value, never_indexed: false })
    }

    fn dynamic_line(&mut self, index: u64) -> Result<FieldLine<Bytes>, Stop> {
        let Entry { name, value } = self.refer(index)?;
        self.charge(name.len() + value.len())?;
        Ok(FieldLine { name: name.clone(), value: value.clone(), never_indexed: false })
    }

    /// A line whose name stands in a table.
    fn literal(&mut self, name: Bytes, never_indexed: bool) -> Result<FieldLine<Bytes>, Stop> {
        self.charge(name.len())?;
        self.value(name, never_indexed)
    }

    fn value(&mut self, name: Bytes, never_indexed: bool) -> Result<FieldLine<Bytes>, Stop> {
        Ok(FieldLine { name, value: self.text(8)?, never_indexed })
    }

    /// RFC 9204 §3.2.5: relative indices count down from the entry before the Base.
    fn before_base(&self, relative: u64) -> Result<u64, Fault> {
        let index = self.prefix.base.checked_sub(relative).and_then(|index| index.checked_sub(1));
        index.ok_or(Fault::NoDynamicEntry)
    }

    /// RFC 9204 §3.2.6: post-Base indices count up from the Base.
    fn behind_base(&self, post_base: u64) -> u64 {
        self.prefix.base.saturating_add(post_base)
    }

    fn refer(&mut self, index: u64) -> Result<&'a Entry, Fault> {
        // RFC 9204 §2.2.3: a reference at or behind the Required Insert Count is QPACK_DECOMPRESSION_FAILED,
        if index >= self.prefix.required {
            return Err(Fault::BeyondRequiredInsertCount);
        }
        self.needed = self.needed.max(index + 1);
        // and so is one to an entry that was evicted.
        self.table.entry(index).ok_or(Fault::NoDynamicEntry)
    }

    fn text(&mut self, prefix: u32) -> Result<Bytes, Stop> {
        let before = self.rest.len();
        let literal = string::read(&mut self.rest, prefix)?;
        if !literal.huffman {
            self.charge(literal.bytes.len())?;
            return Ok(self.section.slice_ref(literal.bytes));
        }
        if self.decoded.capacity() == 0 {
            self.decoded.reserve(huffman::longest_decoded(before).min(self.budget));
        }
        let mut decoder = huffman::Decoder::default();
        decoder.push(literal.bytes, &mut self.decoded, self.budget)?;
        decoder.finish()?;
        self.charge(self.decoded.len())?;
        Ok(self.decoded.split().freeze())
    }

    fn charge(&mut self, size: usize) -> Result<(), Stop> {
        self.budget = self.budget.checked_sub(size).ok_or(Stop::TooLong)?;
        Ok(())
    }
}

impl From<Fault> for Stop {
    fn from(fault: Fault) -> Self {
        Self::Fault(fault)
    }
}

/// RFC 9204 §3.1: an invalid static index in a field line is `QPACK_DECOMPRESSION_FAILED`.
fn static_entry(index: u64) -> Result<(&'static str, &'static str), Fault> {
    static_table::entry(index).ok_or(Fault::NoStaticEntry)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rfc9204_4_5_1_1_the_example_of_the_specification() {
        assert_eq!(required_insert_count(4, 10, 3), Ok(9));
    }

    #[test]
    fn rfc9204_4_5_1_1_every_count_a_rule_abiding_encoder_can_mean_is_found() {
        for max_entries in 1..6 {
            for inserted in 0..40u64 {
                for required in (inserted + 1).saturating_sub(max_entries).max(1)..=inserted + max_entries {
                    let encoded = required % (2 * max_entries) + 1;
                    assert_eq!(required_insert_count(encoded, inserted, max_entries), Ok(required));
                }
            }
        }
    }

    #[test]
    fn rfc9204_4_5_1_1_impossible_counts() {
        for (encoded, inserted, max_entries) in [(1, 0, 0), (1, 0, 3), (7, 10, 3), (5, 0, 3), (integer::MAX, 10, 3)] {
            let result = required_insert_count(encoded, inserted, max_entries);
            assert_eq!(result, Err(Fault::ImpossibleInsertCount), "{encoded} {inserted} {max_entries}");
        }
    }

    #[test]
    fn rfc9204_4_5_1_2_the_example_of_the_specification() {
        // Required Insert Count 9, with room for eight entries; sign 1, Delta Base 2.
        assert_eq!(Prefix::read(&mut &[10, 0x82][..], 9, 8), Ok(Prefix { required: 9, base: 6 }));
        assert_eq!(Prefix::read(&mut &[10, 0x02][..], 9, 8), Ok(Prefix { required: 9, base: 11 }));
        assert_eq!(Prefix::read(&mut &[10, 0x88][..], 9, 8), Ok(Prefix { required: 9, base: 0 }));
        assert_eq!(Prefix::read(&mut &[10, 0x89][..], 9, 8), Err(Fault::NegativeBase));
        assert_eq!(Prefix::read(&mut &[0, 0x80][..], 9, 8), Err(Fault::NegativeBase));
    }
}
