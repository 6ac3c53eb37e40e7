//! One field line: a name, a value, and whether it must stay a literal on every hop.

use bytes::Bytes;
use http::{HeaderName, HeaderValue};

/// A field line, pseudo-header fields among them. The decoder gives `FieldLine<Bytes>`, the encoder takes `FieldLine<&[u8]>`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FieldLine<B> {
    /// The name as it came: whether its letters are lower case is for the rules about messages to say.
    pub name: B,
    /// The value, any bytes.
    pub value: B,
    /// RFC 9204 §4.5.4: the value came as a literal with the 'N' bit, and must leave as one.
    pub never_indexed: bool,
}

impl FieldLine<Bytes> {
    /// The line as an entry of an [`http::HeaderMap`]: the value is not copied, and is sensitive when it is never indexed.
    ///
    /// `None` for a pseudo-header field, and for what may not stand in a message: the message is malformed then.
    #[must_use]
    pub fn into_header(self) -> Option<(HeaderName, HeaderValue)> {
        // RFC 9114 §4.2: a name with an upper-case letter makes the message malformed.
        let name = HeaderName::from_lowercase(&self.name).ok()?;
        let mut value = HeaderValue::from_maybe_shared(self.value).ok()?;
        value.set_sensitive(self.never_indexed);
        Some((name, value))
    }
}

impl<'a> FieldLine<&'a [u8]> {
    /// A line that may be indexed, as pseudo-header fields are.
    #[must_use]
    pub fn new(name: &'a [u8], value: &'a [u8]) -> Self {
        Self { name, value, never_indexed: false }
    }
}

impl<'a> From<(&'a HeaderName, &'a HeaderValue)> for FieldLine<&'a [u8]> {
    fn from((name, value): (&'a HeaderName, &'a HeaderValue)) -> Self {
        Self { name: name.as_str().as_bytes(), value: value.as_bytes(), never_indexed: value.is_sensitive() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(name: &'static str, value: &'static [u8]) -> FieldLine<Bytes> {
        FieldLine { name: name.into(), value: Bytes::from_static(value), never_indexed: false }
    }

    #[test]
    fn rfc9114_4_2_names_with_upper_case_letters_are_no_headers() {
        assert!(line("accept", b"a").into_header().is_some());
        for (name, value) in [("Accept", &b"a"[..]), (":path", b"/"), ("", b""), ("a b", b""), ("a", b"x\r\ny")] {
            assert_eq!(line(name, value).into_header(), None, "{name}");
        }
    }

    #[test]
    fn rfc9204_4_5_4_what_is_never_indexed_stays_so() {
        let came = FieldLine { never_indexed: true, ..line("x-token", b"secret") };
        let (name, value) = came.into_header().unwrap();
        assert!(value.is_sensitive());
        assert!(FieldLine::from((&name, &value)).never_indexed);
    }
}
