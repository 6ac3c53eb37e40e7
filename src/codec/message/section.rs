//! A field section as it is decoded: its ordinary fields and its size.

use bytes::Bytes;
use http::header::TE;
use http::{HeaderMap, HeaderName, HeaderValue};

use super::{Malformed, Refused, SectionLimits};

/// The ordinary fields so far, and what all lines of the section took.
#[derive(Debug)]
pub(super) struct Section {
    limits: SectionLimits,
    bytes: usize,
    lines: usize,
    pub(super) headers: HeaderMap,
}

impl Section {
    pub(super) fn new(limits: SectionLimits) -> Self {
        Self { limits, bytes: 0, lines: 0, headers: HeaderMap::new() }
    }

    /// Counts a field line before anything of it is kept.
    pub(super) fn count(&mut self, name: &[u8], value: &Bytes) -> Result<(), Refused> {
        self.lines += 1;
        self.bytes = self.bytes.saturating_add(name.len()).saturating_add(value.len()).saturating_add(OVERHEAD);
        if self.bytes > self.limits.bytes {
            return Err(Refused::TooLarge);
        }
        if self.lines > self.limits.fields {
            return Err(Refused::TooMany);
        }
        Ok(())
    }

    /// Takes a field that is no pseudo-header.
    pub(super) fn field(&mut self, name: &[u8], value: Bytes) -> Result<(), Refused> {
        // RFC 9114 §4.2, RFC 9113 §8.2.1: names are in lower case.
        let name = HeaderName::from_lowercase(name).map_err(|_| Malformed::FieldName)?;
        // RFC 9114 §4.2, RFC 9113 §8.2.2: what is about one connection of HTTP/1 has no place here.
        if CONNECTION_SPECIFIC.contains(&name.as_str()) {
            return Err(Malformed::ConnectionSpecific.into());
        }
        if name == TE && !value.eq_ignore_ascii_case(b"trailers") {
            return Err(Malformed::Te.into());
        }
        let value = self::value(value)?;
        // The map cannot hold more than its own bound, which is above every limit on fields that is sensible.
        self.headers.try_append(name, value).map_err(|_| Refused::TooMany)?;
        Ok(())
    }
}

/// A field value that may stand in any version.
pub(super) fn value(value: Bytes) -> Result<HeaderValue, Malformed> {
    // RFC 9113 §8.2.1: no white space at either end.
    let is_space = |byte: Option<&u8>| matches!(byte, Some(b' ' | b'\t'));
    if is_space(value.first()) || is_space(value.last()) {
        return Err(Malformed::FieldValue);
    }
    // RFC 9110 §5.5, RFC 9114 §10.3: no CR, LF or NUL, which would end a line of HTTP/1.
    HeaderValue::from_maybe_shared(value).map_err(|_| Malformed::FieldValue)
}

/// RFC 9114 §4.2.2: what a field line takes beside its name and value.
const OVERHEAD: usize = 32;

/// RFC 9114 §4.2: fields of HTTP/1 that are about the connection.
const CONNECTION_SPECIFIC: [&str; 5] = ["connection", "keep-alive", "proxy-connection", "transfer-encoding", "upgrade"];
