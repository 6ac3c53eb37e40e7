//! The encoder (RFC 9204 §2.1): field lines and the peer's decoder stream come in, field sections and the instructions of
//! our encoder stream go out.
//!
//! One pass over the lines. A line that repeats is inserted into the dynamic table when the peer allows one; it is referred
//! to at once where a stream may block, and otherwise when the peer has said that it arrived.

mod outstanding;
mod policy;
mod representation;

use bytes::{BufMut, Bytes, BytesMut};

use super::Limits;
use super::decoder_stream;
use super::dynamic_table::{self, DynamicTable, Entry, OVERHEAD};
use super::encoder_stream::{self, Name as InsertName};
use super::error::{Error, Fault};
use super::field_line::FieldLine;
use super::static_table::{self, Found};
use outstanding::{Outstanding, References};
use representation::{Name, Style};

/// One connection's encoder. An [`Error`] ends the connection; nothing here is of use after one.
#[derive(Debug)]
pub struct Encoder {
    /// What this side is ready to use.
    own: Limits,
    /// Whether literals are Huffman-coded where that is shorter.
    huffman: bool,
    /// What the peer's SETTINGS frame allows: nothing until it came.
    peer: Limits,
    table: DynamicTable,
    outstanding: Outstanding,
    seen: policy::Seen,
    decoder_stream: decoder_stream::Reader,
    /// Instructions for our encoder stream that were not fetched yet. What waits here is in the table and cannot be evicted
    /// before it arrived, so there is never more than about a table's capacity.
    unsent: BytesMut,
}

/// A field section while it is encoded.
#[derive(Debug)]
struct Section {
    /// The Base: the Insert Count at the beginning.
    base: u64,
    /// Whether it may refer to the dynamic table at all.
    uses_table: bool,
    /// Whether it may refer to entries that have not arrived.
    may_block: bool,
    required: u64,
    lowest: u64,
}

impl Section {
    fn refer(&mut self, index: u64) {
        self.required = self.required.max(index + 1);
        self.lowest = self.lowest.min(index);
    }
}

impl Encoder {
    /// An encoder that never uses more than `own` of what the peer allows; no dynamic table until
    /// [`Encoder::apply_settings`].
    #[must_use]
    pub fn new(own: Limits) -> Self {
        Self {
            own,
            huffman: true,
            peer: Limits::default(),
            table: DynamicTable::default(),
            outstanding: Outstanding::default(),
            seen: policy::Seen::default(),
            decoder_stream: decoder_stream::Reader::default(),
            unsent: BytesMut::new(),
        }
    }

    /// An encoder that refers to the static table and compresses nothing else.
    #[must_use]
    pub fn plain() -> Self {
        Self { huffman: false, ..Self::new(Limits::default()) }
    }

    /// Takes what the peer's SETTINGS frame says; with 0-RTT, before that what it said last time.
    ///
    /// # Errors
    /// [`Error::DecoderStream`] when the table capacity is not the one that was remembered.
    pub fn apply_settings(&mut self, peer: Limits) -> Result<(), Error> {
        let remembered = self.peer.max_table_capacity;
        // RFC 9204 §3.2.3: a capacity that was remembered must come again.
        if remembered != 0 && remembered != peer.max_table_capacity {
            return Err(Error::DecoderStream(Fault::RememberedCapacityChanged));
        }
        self.peer = peer;
        let capacity = usize::try_from(self.own.max_table_capacity.min(peer.max_table_capacity)).unwrap_or(usize::MAX);
        // RFC 9204 §3.2.3: without a table no instruction is sent.
        if capacity != self.table.capacity() {
            self.table.set_capacity(capacity);
            encoder_stream::write_capacity(&mut self.unsent, capacity);
        }
        Ok(())
    }

    /// Encodes the field section of `lines` for `stream`, and appends it to `out`.
    ///
    /// Names must be in lower case, as those of an [`http::HeaderMap`] are (RFC 9114 §4.2). Instructions may have come of
    /// it: fetch them with [`Encoder::take_instructions`] and send them first.
    pub fn encode<'a>(
        &mut self,
        stream: u64,
        lines: impl IntoIterator<Item = FieldLine<&'a [u8]>>,
        out: &mut BytesMut,
    ) {
        let start = out.len();
        out.put_bytes(0, representation::PLACE);
        let mut section = self.begin(stream);
        for line in lines {
            self.write_line(&line, &mut section, out);
        }
        let Section { base, required, lowest, .. } = section;
        let max_entries = self.peer.max_table_capacity / OVERHEAD as u64;
        representation::write_prefix(out, start, required, base, max_entries);
        if required > 0 {
            self.outstanding.push(References { stream, required, lowest });
        }
    }

    /// Whether [`Encoder::take_instructions`] would give any.
    #[must_use]
    pub fn has_instructions(&self) -> bool {
        !self.unsent.is_empty()
    }

    /// What is to be written on our encoder stream, before the sections encoded so far; empty when there is nothing.
    ///
    /// RFC 9204 §2.1.3: write it when flow control lets all of it go. Until then, less is better: what is not fetched is
    /// limited by the table.
    pub fn take_instructions(&mut self) -> Bytes {
        self.unsent.split().freeze()
    }

    /// Takes what came on the peer's decoder stream, in pieces of any size.
    ///
    /// # Errors
    /// [`Error::DecoderStream`] for what cannot be true.
    pub fn read_decoder_stream(&mut self, mut chunk: &[u8]) -> Result<(), Error> {
        while let Some(instruction) = self.decoder_stream.next(&mut chunk).map_err(Error::DecoderStream)? {
            self.outstanding.take(instruction, self.table.inserted()).map_err(Error::DecoderStream)?;
        }
        Ok(())
    }

    fn begin(&self, stream: u64) -> Section {
        let inserted = self.table.inserted();
        let uses_table = self.table.capacity() > 0 && !self.outstanding.is_full();
        let limit = self.own.blocked_streams.min(self.peer.blocked_streams);
        let may_block = uses_table && self.outstanding.may_block(stream, limit, inserted);
        Section { base: inserted, uses_table, may_block, required: 0, lowest: u64::MAX }
    }

    fn write_line(&mut self, line: &FieldLine<&[u8]>, section: &mut Section, out: &mut BytesMut) {
        // RFC 9204 §4.5.4, §7.1.3: a line that is never indexed is a literal, whatever the tables know of it.
        let never_indexed = policy::is_sensitive(line);
        let known = static_table::find(line.name, line.value);
        if let (Some(Found::Line(index)), false) = (known, never_indexed) {
            return representation::write_static(out, index);
        }
        let mut name = match known {
            Some(Found::Line(index) | Found::Name(index)) => Name::Static(index),
            None => Name::Literal(line.name),
        };
        if section.uses_table && !never_indexed {
            let (same, same_name) = self.find(line);
            let index = match same {
                Some(index) if self.is_draining(index) => self.duplicate(index, section),
                Some(index) => Some(index),
                None => self.insert(line, name, same_name, section),
            };
            if let Some(index) = index.filter(|index| self.is_usable(*index, section)) {
                section.refer(index);
                return representation::write_dynamic(out, section.base, index);
            }
            if let (Name::Literal(_), Some(index)) = (name, same_name)
                && self.is_usable(index, section)
                && !self.is_draining(index)
            {
                section.refer(index);
                name = Name::Dynamic(index);
            }
        }
        let style = Style { never_indexed, huffman: self.huffman };
        representation::write_literal(out, section.base, name, line.value, style);
    }

    /// The newest entry that is this line, and the newest one of its name.
    fn find(&self, line: &FieldLine<&[u8]>) -> (Option<u64>, Option<u64>) {
        let mut same_name = None;
        for (index, entry) in self.table.entries().rev() {
            if entry.name == line.name {
                same_name = same_name.or(Some(index));
                if entry.value == line.value {
                    return (Some(index), same_name);
                }
            }
        }
        (None, same_name)
    }

    /// RFC 9204 §2.1.2: entries that have not arrived are for streams that may block.
    ///
    /// What is inserted for a line can evict the entry that was found for it.
    fn is_usable(&self, index: u64, section: &Section) -> bool {
        let arrived = index < self.outstanding.known_received();
        index >= self.table.oldest() && (arrived || section.may_block)
    }

    /// Whether the entry is among those that go next: what refers to it would keep others out (RFC 9204 §2.1.1.1).
    fn is_draining(&self, index: u64) -> bool {
        let keep = self.table.capacity() / DRAINING_SHARE;
        let mut room = self.table.free();
        for (older, entry) in self.table.entries() {
            if room >= keep {
                return false;
            }
            if older == index {
                return true;
            }
            room += entry.size();
        }
        false
    }

    /// Inserts the line when it is worth it and there is room; its index.
    fn insert(
        &mut self,
        line: &FieldLine<&[u8]>,
        name: Name<'_>,
        same_name: Option<u64>,
        section: &Section,
    ) -> Option<u64> {
        let size = dynamic_table::size(line.name, line.value);
        if !policy::may_insert(line, self.table.capacity()) || !self.seen.again(line) || !self.has_room(size, section) {
            return None;
        }
        let name = match (name, same_name) {
            (Name::Static(index), _) => InsertName::Static(index),
            (_, Some(index)) => InsertName::Recent(self.table.inserted() - 1 - index),
            (_, None) => InsertName::Literal(line.name),
        };
        encoder_stream::write_insert(&mut self.unsent, name, line.value);
        let [name, value] = [line.name, line.value].map(Bytes::copy_from_slice);
        self.add(Entry { name, value })
    }

    /// Inserts an entry again, so that it does not go with the oldest ones; its new index.
    fn duplicate(&mut self, index: u64, section: &Section) -> Option<u64> {
        let entry = self.table.entry(index)?.clone();
        if !self.has_room(entry.size(), section) {
            return None;
        }
        encoder_stream::write_duplicate(&mut self.unsent, self.table.inserted() - 1 - index);
        self.add(entry)
    }

    fn add(&mut self, entry: Entry) -> Option<u64> {
        let index = self.table.inserted();
        self.table.insert(entry).ok().map(|()| index)
    }

    /// Whether `size` fits when only what is evictable goes.
    ///
    /// RFC 9204 §2.1.1: an entry is not evicted while it has not arrived or a section refers to it, this one included.
    fn has_room(&self, size: usize, section: &Section) -> bool {
        let mut room = self.table.free();
        if room >= size {
            return true;
        }
        let evictable_before = self.outstanding.evictable_before().min(section.lowest);
        self.table.entries().take_while(|(index, _)| *index < evictable_before).any(|(_, entry)| {
            room += entry.size();
            room >= size
        })
    }
}

/// The part of the table, counted from its oldest entry on, that new sections do not refer to once it is nearly full.
const DRAINING_SHARE: usize = 4;
