//! What makes a message of HTTP/2 or HTTP/3 well formed: RFC 9113 §8.2 and §8.3, RFC 9114 §4.1 to §4.4.
//!
//! One set of rules for both versions. The codec of HTTP/3 pushes the field lines of a section as it decodes them, so that
//! nothing is kept of a section that is refused, and takes the head, or the trailers, at the end. HTTP/2 comes in parts that
//! the h2 crate has typed, and they are checked as they are ([`check_request`]). A message that is not well formed is a
//! stream error and never reaches the upstream whole. Pure: no I/O.

mod content;
mod length;
mod request;
mod response;
mod section;
mod size;
mod target;
mod trailers;
mod typed;

#[cfg(test)]
mod tests;

use std::fmt;

pub use content::Content;
pub use length::ContentLength;
pub use request::{RequestHead, RequestSection};
pub use response::{ResponseHead, ResponseSection};
pub use trailers::TrailerSection;
pub use typed::{check_request, check_response, check_trailers};

/// What is wrong with a message. Displayed, it is the detail for the log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Malformed {
    /// A field name with an upper-case letter, or with a character that no name has.
    FieldName,
    /// A field value with a CR, LF, NUL or other control character, or with white space at an end.
    FieldValue,
    /// `connection` or another field that is about one connection of HTTP/1.
    ConnectionSpecific,
    /// `te` that says something else than `trailers`.
    Te,
    /// A pseudo-header field that this kind of message does not have.
    UnknownPseudo,
    /// A pseudo-header field twice.
    DuplicatePseudo,
    /// A pseudo-header field after a field that is none.
    LatePseudo,
    /// A pseudo-header field that has to be there, and is not.
    MissingPseudo,
    /// One that may not be there, as `:path` with CONNECT.
    ForbiddenPseudo,
    /// `:method` that is no token.
    Method,
    /// `:scheme` that is none.
    Scheme,
    /// `:authority` or `host` that is empty, has userinfo, or is no authority.
    Authority,
    /// `:authority` and `host` that differ.
    AuthorityAndHost,
    /// `:path` that is empty or no path.
    Path,
    /// `:protocol` that is no upgrade token.
    Protocol,
    /// `:status` that is no status, or one that this version does not have.
    Status,
    /// `content-length` that is no number, or several that differ.
    ContentLength,
    /// More or less content than `content-length` said.
    ContentLengthMismatch,
}

/// Why a section was not taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refused {
    /// The message is malformed.
    Malformed(Malformed),
    /// It has more fields than are taken.
    TooMany,
    /// Its fields take more bytes than are taken, counted as RFC 9114 §4.2.2 says.
    TooLarge,
}

/// How much a section may hold.
#[derive(Clone, Copy, Debug)]
pub struct SectionLimits {
    /// Bytes of names and values, with 32 more for each field line.
    pub bytes: usize,
    /// Field lines.
    pub fields: usize,
}

impl fmt::Display for Malformed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::FieldName => "invalid_field_name",
            Self::FieldValue => "invalid_field_value",
            Self::ConnectionSpecific => "connection_specific_field",
            Self::Te => "te_other_than_trailers",
            Self::UnknownPseudo => "unknown_pseudo_header",
            Self::DuplicatePseudo => "duplicate_pseudo_header",
            Self::LatePseudo => "pseudo_header_after_field",
            Self::MissingPseudo => "missing_pseudo_header",
            Self::ForbiddenPseudo => "pseudo_header_not_allowed",
            Self::Method => "invalid_method",
            Self::Scheme => "invalid_scheme",
            Self::Authority => "invalid_authority",
            Self::AuthorityAndHost => "authority_and_host_differ",
            Self::Path => "invalid_path",
            Self::Protocol => "invalid_protocol",
            Self::Status => "invalid_status",
            Self::ContentLength => "invalid_content_length",
            Self::ContentLengthMismatch => "content_length_mismatch",
        })
    }
}

impl std::error::Error for Malformed {}

impl From<Malformed> for Refused {
    fn from(malformed: Malformed) -> Self {
        Self::Malformed(malformed)
    }
}
