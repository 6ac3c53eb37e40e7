//! The decoder (RFC 9204 §2.2): field sections and the peer's encoder stream come in, field lines and the instructions of
//! our decoder stream go out.

use std::collections::HashMap;

use bytes::{Bytes, BytesMut};

use super::Limits;
use super::decoder_stream::Instruction;
use super::dynamic_table::{DynamicTable, OVERHEAD};
use super::encoder_stream;
use super::error::{Error, Fault};
use super::field_line::FieldLine;
use super::huffman::Stop;
use super::section::{Lines, Prefix};

/// One connection's decoder. An [`Error`] ends the connection, but for [`Error::is_of_stream`].
#[derive(Debug)]
pub struct Decoder {
    max_capacity: usize,
    max_blocked: usize,
    table: DynamicTable,
    encoder_stream: encoder_stream::Reader,
    /// The streams that wait for entries, and the Required Insert Count of each.
    blocked: HashMap<u64, u64>,
    /// What the encoder knows or is going to read of our Insert Count.
    known_received: u64,
    /// Instructions for our decoder stream that were not fetched yet.
    unsent: BytesMut,
}

/// What became of a field section.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Decoded {
    /// Every line was given out.
    Whole,
    /// No line was given out: the section needs this Insert Count. Decode it again when [`Decoder::insert_count`] is as
    /// large; until then its bytes stay in the flow control window of the stream, or are counted by the caller.
    Blocked(u64),
    /// The lines are larger than allowed; those that fit were given out. The caller abandons the stream, and says so with
    /// [`Decoder::cancel`].
    TooLarge,
}

impl Decoder {
    /// A decoder that keeps to what our SETTINGS frame says.
    #[must_use]
    pub fn new(limits: Limits) -> Self {
        Self {
            max_capacity: usize::try_from(limits.max_table_capacity).unwrap_or(usize::MAX),
            max_blocked: usize::try_from(limits.blocked_streams).unwrap_or(usize::MAX),
            table: DynamicTable::default(),
            encoder_stream: encoder_stream::Reader::default(),
            blocked: HashMap::new(),
            known_received: 0,
            unsent: BytesMut::new(),
        }
    }

    /// Follows what came on the peer's encoder stream, in pieces of any size.
    ///
    /// # Errors
    /// [`Error::EncoderStream`] for what cannot be followed.
    pub fn read_encoder_stream(&mut self, chunk: &[u8]) -> Result<(), Error> {
        self.encoder_stream.read(chunk, &mut self.table, self.max_capacity).map_err(Error::EncoderStream)
    }

    /// How many entries have come: a section that is blocked goes on when it needs no more than these.
    #[must_use]
    pub fn insert_count(&self) -> u64 {
        self.table.inserted()
    }

    /// Decodes a whole field section of `stream` into `sink`, in the order of the lines. The sections of a stream come in
    /// their order, so none is decoded while one before it is blocked: an acknowledgment is for the earliest one.
    ///
    /// `max_size` is the limit of RFC 9114 §4.2.2 on the decoded section. The sink cannot stop it: a message that turns
    /// out to be malformed is the stream's affair, and its section must be acknowledged or cancelled all the same.
    ///
    /// # Errors
    /// [`Error::Section`] when it cannot be decoded; lines may have been given out before. [`Error::UnreadDecoderStream`]
    /// when the peer does not read our acknowledgments.
    pub fn decode(
        &mut self,
        stream: u64,
        section: &Bytes,
        max_size: usize,
        mut sink: impl FnMut(FieldLine<Bytes>),
    ) -> Result<Decoded, Error> {
        let mut rest = &section[..];
        // The same section may be asked for again later: by §4.5.1.1 its count comes out the same while an encoder keeps
        // the rules, as it cannot evict what this section refers to.
        let max_entries = (self.max_capacity / OVERHEAD) as u64;
        let prefix = Prefix::read(&mut rest, self.table.inserted(), max_entries).map_err(Error::Section)?;
        if prefix.required > self.table.inserted() {
            return self.block(stream, prefix.required);
        }
        self.blocked.remove(&stream);
        // RFC 9204 §2.2: lines are given out in the order in which they stand.
        let mut lines = Lines::new(prefix, &self.table, section, rest, max_size);
        loop {
            match lines.next() {
                Ok(Some(line)) => sink(line),
                Ok(None) => break,
                Err(Stop::TooLong) => return Ok(Decoded::TooLarge),
                Err(Stop::Fault(fault)) => return Err(Error::Section(fault)),
            }
        }
        if prefix.required > 0 {
            // RFC 9204 §2.2.2.1 and §4.4.1: such a section is acknowledged, and all that it needed with it.
            self.send(Instruction::SectionAcknowledgment(stream))?;
            self.known_received = self.known_received.max(prefix.required);
        }
        Ok(Decoded::Whole)
    }

    /// Says that no more of `stream` is read: it was reset, or abandoned before its end.
    ///
    /// # Errors
    /// [`Error::UnreadDecoderStream`] when the peer does not read our cancellations.
    pub fn cancel(&mut self, stream: u64) -> Result<(), Error> {
        self.blocked.remove(&stream);
        // RFC 9204 §2.2.2.2: without a dynamic table it may be left out.
        if self.max_capacity == 0 { Ok(()) } else { self.send(Instruction::StreamCancellation(stream)) }
    }

    /// Whether [`Decoder::take_instructions`] would give any.
    #[must_use]
    pub fn has_instructions(&self) -> bool {
        !self.unsent.is_empty() || self.table.inserted() > self.known_received
    }

    /// What is to be written on our decoder stream now; empty when there is nothing.
    ///
    /// It tells of all entries that came: call it after a batch of events, not after each one, and only when what it gave
    /// before is written. What waits in here is limited.
    pub fn take_instructions(&mut self) -> Bytes {
        // RFC 9204 §4.4.3: the increment brings the peer to all that was inserted.
        let increment = self.table.inserted() - self.known_received;
        if increment > 0 {
            Instruction::InsertCountIncrement(increment).write(&mut self.unsent);
            self.known_received = self.table.inserted();
        }
        self.unsent.split().freeze()
    }

    fn block(&mut self, stream: u64, required: u64) -> Result<Decoded, Error> {
        let inserted = self.table.inserted();
        if self.blocked.len() >= self.max_blocked {
            // Those whose entries came are not blocked any more, though nobody has asked for them again yet.
            self.blocked.retain(|_, required| *required > inserted);
        }
        self.blocked.insert(stream, required);
        // RFC 9204 §2.1.2: more blocked streams than promised are QPACK_DECOMPRESSION_FAILED.
        if self.blocked.len() > self.max_blocked {
            return Err(Error::Section(Fault::TooManyBlockedStreams));
        }
        Ok(Decoded::Blocked(required))
    }

    fn send(&mut self, instruction: Instruction) -> Result<(), Error> {
        // RFC 9204 §7.3: what cannot be sent is limited.
        if self.unsent.len() >= MAX_UNSENT {
            return Err(Error::UnreadDecoderStream);
        }
        instruction.write(&mut self.unsent);
        Ok(())
    }
}

/// Bytes of instructions that may wait: thousands of acknowledgments.
const MAX_UNSENT: usize = 16 * 1024;
