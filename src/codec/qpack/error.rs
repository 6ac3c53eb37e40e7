//! What a peer can do wrong in QPACK, and the code that ends the connection for it (RFC 9204 §6).

use std::fmt;

use h3::error::Code;

/// A peer broke QPACK: the connection ends with [`Error::code`], but for what [`Error::is_of_stream`] says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Error {
    /// An encoded field section cannot be decoded.
    Section(Fault),
    /// An instruction on the peer's encoder stream cannot be followed.
    EncoderStream(Fault),
    /// An instruction on the peer's decoder stream, or a setting of its decoder, cannot be true.
    DecoderStream(Fault),
    /// The peer makes us answer on our decoder stream, and does not read it.
    UnreadDecoderStream,
}

impl Error {
    /// Whether only the stream of the section ends: it is reset with the code, and cancelled at the decoder.
    #[must_use]
    pub fn is_of_stream(&self) -> bool {
        // RFC 9204 §7.4: a value too large to decode is a stream error on a request stream; both tables are still the same.
        matches!(self, Self::Section(Fault::IntegerTooLarge))
    }

    /// The error code of the connection, or of the stream.
    #[must_use]
    pub fn code(&self) -> Code {
        match self {
            Self::Section(_) => Code::QPACK_DECOMPRESSION_FAILED,
            Self::EncoderStream(_) => Code::QPACK_ENCODER_STREAM_ERROR,
            Self::DecoderStream(_) => Code::QPACK_DECODER_STREAM_ERROR,
            // RFC 9204 §7.3: closing the connection is one of the answers to an excess of unsent data.
            Self::UnreadDecoderStream => Code::H3_EXCESSIVE_LOAD,
        }
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Section(fault) => write!(f, "QPACK field section: {fault}"),
            Self::EncoderStream(fault) => write!(f, "QPACK encoder stream: {fault}"),
            Self::DecoderStream(fault) => write!(f, "QPACK decoder stream: {fault}"),
            Self::UnreadDecoderStream => f.write_str("QPACK decoder stream: the peer does not read what it asks for"),
        }
    }
}

impl std::error::Error for Error {}

/// What is wrong, wherever it stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// An integer has more than 62 bits, or more bytes than such an integer needs.
    IntegerTooLarge,
    /// The section ends within a field line.
    Truncated,
    /// The bits after the last Huffman code are more than seven, or not all ones.
    HuffmanPadding,
    /// A Huffman-coded string holds the end-of-string symbol.
    HuffmanEndOfString,
    /// The static table has no entry of this index.
    NoStaticEntry,
    /// The dynamic table had no such entry, or has it no longer.
    NoDynamicEntry,
    /// A field line refers to an entry outside of what the section's Required Insert Count allows.
    BeyondRequiredInsertCount,
    /// No encoder that follows the rules writes this Required Insert Count.
    ImpossibleInsertCount,
    /// The Required Insert Count is larger than any reference of the section needs.
    UnneededInsertCount,
    /// The Base would be less than zero.
    NegativeBase,
    /// More streams wait for the encoder stream than the settings allow.
    TooManyBlockedStreams,
    /// The capacity set for the dynamic table is larger than the settings allow.
    CapacityAboveLimit,
    /// An entry is larger than the dynamic table.
    EntryTooLarge,
    /// A section is acknowledged on a stream that has none to acknowledge.
    NothingToAcknowledge,
    /// The Insert Count Increment is zero, or counts entries that were never sent.
    ImpossibleIncrement,
    /// The table capacity in SETTINGS is not the one that the peer let us remember for 0-RTT.
    RememberedCapacityChanged,
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::IntegerTooLarge => "an integer has more than 62 bits",
            Self::Truncated => "it ends within a field line",
            Self::HuffmanPadding => "a Huffman-coded string is not padded with up to seven ones",
            Self::HuffmanEndOfString => "a Huffman-coded string holds the end-of-string symbol",
            Self::NoStaticEntry => "the static table has no such entry",
            Self::NoDynamicEntry => "the dynamic table has no such entry",
            Self::BeyondRequiredInsertCount => "a reference is not covered by the Required Insert Count",
            Self::ImpossibleInsertCount => "the Required Insert Count is impossible",
            Self::UnneededInsertCount => "the Required Insert Count is larger than needed",
            Self::NegativeBase => "the Base is negative",
            Self::TooManyBlockedStreams => "more streams are blocked than the settings allow",
            Self::CapacityAboveLimit => "the capacity is larger than the settings allow",
            Self::EntryTooLarge => "an entry is larger than the dynamic table",
            Self::NothingToAcknowledge => "the stream has no section to acknowledge",
            Self::ImpossibleIncrement => "the Insert Count Increment is impossible",
            Self::RememberedCapacityChanged => "the table capacity is not the one remembered for 0-RTT",
        })
    }
}
