//! HTTP/3 as bytes: frames, settings and priorities, parsed incrementally and bounded before anything is kept.
//!
//! RFC 9114 §6 and §7, RFC 9218. Pure: chunks of a stream go in, in pieces of any size, and what they say comes out; only
//! [`WireError`] knows codes.

mod control;
mod priority;
mod request;
mod settings;
mod varint;

#[cfg(test)]
mod tests;

use h3::error::Code;

pub use control::{Control, ControlReader};
pub use priority::Priority;
pub use request::{Piece, RequestReader};
pub use settings::Settings;
pub use varint::{Incomplete, decode, encode, encoded_len};

/// A peer that broke the protocol. All of them end the connection but where RFC 9114 lets the stream end alone, which the
/// caller knows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WireError {
    /// A frame that is not allowed on this stream, or not in this place.
    FrameUnexpected,
    /// A frame that is cut short, or whose content does not fit its type.
    Frame,
    /// A frame of which more has to be kept than is allowed.
    ExcessiveLoad,
    /// SETTINGS with a setting twice, one that is reserved, or a value that it cannot have.
    Settings,
    /// Another frame where SETTINGS has to be the first.
    MissingSettings,
    /// An identifier that is out of its range, or that may not grow or shrink.
    Id,
}

impl WireError {
    /// The code that tells the peer (RFC 9114 §8.1).
    #[must_use]
    pub fn code(self) -> Code {
        match self {
            Self::FrameUnexpected => Code::H3_FRAME_UNEXPECTED,
            Self::Frame => Code::H3_FRAME_ERROR,
            Self::ExcessiveLoad => Code::H3_EXCESSIVE_LOAD,
            Self::Settings => Code::H3_SETTINGS_ERROR,
            Self::MissingSettings => Code::H3_MISSING_SETTINGS,
            Self::Id => Code::H3_ID_ERROR,
        }
    }
}

/// RFC 9114 §7.2, RFC 9218 §7.2: the types of frames.
pub(super) mod kind {
    pub(in crate::codec::h3) const DATA: u64 = 0x0;
    pub(in crate::codec::h3) const HEADERS: u64 = 0x1;
    pub(in crate::codec::h3) const CANCEL_PUSH: u64 = 0x3;
    pub(in crate::codec::h3) const SETTINGS: u64 = 0x4;
    pub(in crate::codec::h3) const PUSH_PROMISE: u64 = 0x5;
    pub(in crate::codec::h3) const GOAWAY: u64 = 0x7;
    pub(in crate::codec::h3) const MAX_PUSH_ID: u64 = 0xd;
    pub(in crate::codec::h3) const PRIORITY_UPDATE: u64 = 0xf_0700;
    pub(in crate::codec::h3) const PRIORITY_UPDATE_PUSH: u64 = 0xf_0701;

    /// RFC 9114 §7.2.8: what HTTP/2 had and HTTP/3 has not. Every other unknown type is skipped.
    pub(super) fn is_of_http2(kind: u64) -> bool {
        matches!(kind, 0x2 | 0x6 | 0x8 | 0x9)
    }
}
