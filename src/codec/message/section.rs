//! A field section as it is decoded: its ordinary fields, and the rules that each of them keeps.

use bytes::Bytes;
use http::header::TE;
use http::{HeaderMap, HeaderName, HeaderValue};

use super::size::Size;
use super::{Malformed, Refused, SectionLimits};

/// The ordinary fields so far, and what all lines of the section took.
#[derive(Debug)]
pub(super) struct Section {
    size: Size,
    pub(super) headers: HeaderMap,
}

impl Section {
    pub(super) fn new(limits: SectionLimits) -> Self {
        Self { size: Size::new(limits), headers: HeaderMap::new() }
    }

    /// Counts a field line before anything of it is kept.
    pub(super) fn count(&mut self, name: &[u8], value: &[u8]) -> Result<(), Refused> {
        self.size.count(name, value)
    }

    /// Takes a field that is no pseudo-header.
    pub(super) fn field(&mut self, name: &[u8], value: Bytes) -> Result<(), Refused> {
        // RFC 9114 §4.2, RFC 9113 §8.2.1: names are in lower case.
        let name = HeaderName::from_lowercase(name).map_err(|_| Malformed::FieldName)?;
        check_field(&name, &value)?;
        // RFC 9110 §5.5, RFC 9114 §10.3: no CR, LF or NUL, which would end a line of HTTP/1.
        let value = HeaderValue::from_maybe_shared(value).map_err(|_| Malformed::FieldValue)?;
        // The map cannot hold more than its own bound, which is above every limit on fields that is sensible.
        self.headers.try_append(name, value).map_err(|_| Refused::TooMany)?;
        Ok(())
    }
}

/// What a field may say in a version that has no fields about the connection.
pub(super) fn check_field(name: &HeaderName, value: &[u8]) -> Result<(), Malformed> {
    // RFC 9110 §5.6.2: a name is a token, in which `HeaderName::from_lowercase` takes a quotation mark all the same.
    if name.as_str().contains('"') {
        return Err(Malformed::FieldName);
    }
    // RFC 9114 §4.2, RFC 9113 §8.2.2: what is about one connection of HTTP/1 has no place here.
    if CONNECTION_SPECIFIC.contains(&name.as_str()) {
        return Err(Malformed::ConnectionSpecific);
    }
    // RFC 9114 §4.2, RFC 9113 §8.2.2: `te` says `trailers` and nothing else.
    if name == TE && !value.eq_ignore_ascii_case(b"trailers") {
        return Err(Malformed::Te);
    }
    // RFC 9113 §8.2.1: no white space at either end.
    let is_space = |byte: Option<&u8>| matches!(byte, Some(b' ' | b'\t'));
    if is_space(value.first()) || is_space(value.last()) {
        return Err(Malformed::FieldValue);
    }
    Ok(())
}

/// RFC 9114 §4.2, RFC 9113 §8.2.2: fields of HTTP/1 that are about the connection.
const CONNECTION_SPECIFIC: [&str; 5] = ["connection", "keep-alive", "proxy-connection", "transfer-encoding", "upgrade"];
