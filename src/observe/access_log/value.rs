//! What an operator answers, and how it is written in text and in JSON.
//!
//! A value borrows from the record wherever it can: writing a line allocates nothing for it.

use std::io::Write as _;
use std::net::{IpAddr, SocketAddr};
use std::time::SystemTime;

use super::time_format::TimeFormat;

/// The answer of one operator for one record.
#[derive(Clone, Debug)]
pub(super) enum Value<'a> {
    /// There is nothing to say: `-` in text, `null` in JSON.
    Absent,
    /// Text; what a peer sent need not be UTF-8.
    Bytes(&'a [u8]),
    /// Text made for this line.
    Owned(Vec<u8>),
    /// A number, in JSON without quotes.
    Number(i128),
    /// An address with its port.
    Socket(SocketAddr),
    /// An address without its port.
    Ip(IpAddr),
    /// A moment, in a form of its own.
    Time(&'a TimeFormat, SystemTime),
}

// === impl Value ===

impl<'a> Value<'a> {
    pub(super) fn text(text: Option<&'a str>) -> Self {
        text.map_or(Self::Absent, |text| Self::Bytes(text.as_bytes()))
    }

    pub(super) fn number(number: impl Into<i128>) -> Self {
        Self::Number(number.into())
    }

    pub(super) fn socket(socket: Option<SocketAddr>) -> Self {
        socket.map_or(Self::Absent, Self::Socket)
    }

    pub(super) fn ip(socket: Option<SocketAddr>) -> Self {
        socket.map_or(Self::Absent, |socket| Self::Ip(socket.ip()))
    }

    pub(super) fn port(socket: Option<SocketAddr>) -> Self {
        socket.map_or(Self::Absent, |socket| Self::number(socket.port()))
    }

    /// The first `limit` bytes of a text.
    pub(super) fn cut(self, limit: Option<usize>) -> Self {
        let Some(limit) = limit else { return self };
        match self {
            Self::Bytes(bytes) => Self::Bytes(bytes.get(..limit).unwrap_or(bytes)),
            Self::Owned(mut bytes) => {
                bytes.truncate(limit);
                Self::Owned(bytes)
            }
            other => other,
        }
    }

    /// Writes it as text, `absent` where there is nothing.
    pub(super) fn write_text(&self, out: &mut Vec<u8>, absent: &str) {
        // Writing into memory does not fail.
        let _ = match self {
            Self::Absent => out.write_all(absent.as_bytes()),
            Self::Bytes(bytes) => out.write_all(bytes),
            Self::Owned(bytes) => out.write_all(bytes),
            Self::Number(number) => write!(out, "{number}"),
            Self::Socket(socket) => write!(out, "{socket}"),
            Self::Ip(ip) => write!(out, "{ip}"),
            Self::Time(format, time) => {
                format.write(*time, out);
                Ok(())
            }
        };
    }

    /// Writes it as a JSON value.
    pub(super) fn write_json(&self, out: &mut Vec<u8>) {
        match self {
            Self::Absent => out.extend_from_slice(b"null"),
            Self::Number(_) => self.write_text(out, ""),
            _ => {
                out.push(b'"');
                self.write_json_part(out, "");
                out.push(b'"');
            }
        }
    }

    /// Writes it as a part of a JSON string, `absent` where there is nothing.
    pub(super) fn write_json_part(&self, out: &mut Vec<u8>, absent: &str) {
        match self {
            Self::Bytes(bytes) => escape(bytes, out),
            Self::Owned(bytes) => escape(bytes, out),
            Self::Time(format, time) => {
                let mut text = Vec::new();
                format.write(*time, &mut text);
                escape(&text, out);
            }
            _ => self.write_text(out, absent),
        }
    }
}

/// Writes `bytes` as the inside of a JSON string. As Envoy: UTF-8 stays as it is; in anything else every byte that is not
/// plain ASCII becomes a `\u00XX`, so that a line is valid JSON whatever a peer sends.
pub(super) fn escape(bytes: &[u8], out: &mut Vec<u8>) {
    let valid = std::str::from_utf8(bytes).is_ok();
    for byte in bytes {
        let short = match byte {
            b'"' => Some(b'"'),
            b'\\' => Some(b'\\'),
            b'\n' => Some(b'n'),
            b'\r' => Some(b'r'),
            b'\t' => Some(b't'),
            0x08 => Some(b'b'),
            0x0c => Some(b'f'),
            _ => None,
        };
        match (valid, short) {
            (true, Some(letter)) => out.extend_from_slice(&[b'\\', letter]),
            (true, None) if *byte >= 0x20 => out.push(*byte),
            (false, None) if (0x20..0x7f).contains(byte) => out.push(*byte),
            _ => {
                let _ = write!(out, "\\u{byte:04x}");
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn escaped(bytes: &[u8]) -> String {
        let mut out = Vec::new();
        escape(bytes, &mut out);
        String::from_utf8(out).unwrap()
    }

    fn written(value: &Value<'_>) -> String {
        let mut out = Vec::new();
        value.write_text(&mut out, "-");
        String::from_utf8(out).unwrap()
    }

    /// As Envoy 1.40 wrote them.
    #[test]
    fn strings_are_escaped_as_envoy_does() {
        assert_eq!(escaped("é€z".as_bytes()), "é€z");
        assert_eq!(escaped("k\"\u{1}\u{7f}\u{2028}<>&/\\é".as_bytes()), "k\\\"\\u0001\u{7f}\u{2028}<>&/\\\\é");
        assert_eq!(escaped(b"a\tb"), r"a\tb");
        assert_eq!(escaped(b"\"a\\b<\xc3\xa9\xff\t>"), r"\u0022a\u005cb<\u00c3\u00a9\u00ff\u0009>");
        assert_eq!(escaped(b"\xc3"), r"\u00c3");
    }

    #[test]
    fn a_text_is_cut_by_bytes() {
        assert_eq!(written(&Value::Bytes(b"alpha").cut(Some(2))), "al");
        assert_eq!(written(&Value::Bytes(b"al").cut(Some(5))), "al");
        assert_eq!(written(&Value::Owned(b"alpha".to_vec()).cut(Some(0))), "");
        assert_eq!(written(&Value::Bytes(b"alpha").cut(None)), "alpha");
    }

    #[test]
    fn addresses_are_written_as_envoy_does() {
        let socket = |text: &str| Some(text.parse().unwrap());
        assert_eq!(written(&Value::socket(socket("[::1]:443"))), "[::1]:443");
        assert_eq!(written(&Value::ip(socket("[::1]:443"))), "::1");
        assert_eq!(written(&Value::port(socket("1.2.3.4:443"))), "443");
        assert_eq!(written(&Value::port(None)), "-");
    }

    #[test]
    fn a_quote_in_a_time_format_is_escaped_in_json() {
        let format = TimeFormat::parse("\"%Y\"", jiff::tz::TimeZone::UTC).unwrap();
        let mut out = Vec::new();
        Value::Time(&format, SystemTime::UNIX_EPOCH).write_json(&mut out);
        assert_eq!(out, br#""\"1970\"""#);
    }

    proptest! {
        #[test]
        fn whatever_is_written_is_json(bytes: Vec<u8>) {
            let mut out = Vec::new();
            Value::Bytes(&bytes).write_json(&mut out);
            let back: String = serde_json::from_slice(&out).unwrap();
            if let Ok(text) = std::str::from_utf8(&bytes) {
                prop_assert_eq!(back, text);
            }
        }
    }
}
