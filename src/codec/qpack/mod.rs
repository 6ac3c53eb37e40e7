//! QPACK, RFC 9204: field sections of HTTP/3 compressed against a table that both sides keep.
//!
//! Pure: no I/O, no task, no clock. The HTTP/3 layer hands over what came on request streams and on
//! the two QPACK streams, and writes what comes out. [`Decoder`] is for the peer's sections, [`Encoder`] for ours.
//!
//! Lines are given to a callback, not out of an iterator: a section is decoded to its end or to its limit in one call, so
//! none is left half read and unacknowledged. They are [`bytes::Bytes`], so that a value becomes a header's without a copy.

mod decoder;
mod decoder_stream;
mod dynamic_table;
mod encoder;
mod encoder_stream;
mod error;
mod field_line;
mod huffman;
mod integer;
mod section;
mod static_table;
mod string;

pub use decoder::{Decoded, Decoder};
pub use encoder::Encoder;
pub use error::{Error, Fault};
pub use field_line::FieldLine;

/// What a decoder lets the encoder on the other side do: the two settings of RFC 9204 §5.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Limits {
    /// `SETTINGS_QPACK_MAX_TABLE_CAPACITY`: bytes that the dynamic table may have; 0 is none.
    pub max_table_capacity: u64,
    /// `SETTINGS_QPACK_BLOCKED_STREAMS`: streams that may wait for the encoder stream at once.
    pub blocked_streams: u64,
}

#[cfg(test)]
mod tests;
