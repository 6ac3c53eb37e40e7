//! HTTP/3 messages as bytes, made once: the client writes them as they are.

use bytes::{BufMut, Bytes, BytesMut};
use quicgate::codec::h3::wire::encode;
use quicgate::codec::qpack::{Encoder, FieldLine, Limits};

/// A GET as a browser's: four pseudo-header fields and eight others.
pub(crate) fn request(path: &str) -> Bytes {
    let lines = [
        (":method", "GET"),
        (":scheme", "https"),
        (":authority", "localhost"),
        (":path", path),
        ("user-agent", "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"),
        ("accept", "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"),
        ("accept-language", "en-GB,en;q=0.7,de;q=0.3"),
        ("accept-encoding", "gzip, deflate, br"),
        ("referer", "https://localhost/catalogue/chairs"),
        ("cookie", "session=0b5a6e1c9d7f4e2a8c3b; theme=dark"),
        ("sec-fetch-mode", "navigate"),
        ("priority", "u=1, i"),
    ];
    headers(&lines)
}

/// The fields of every answer, beside `content-length`.
pub(crate) const ANSWER: [(&str, &str); 6] = [
    ("content-type", "application/json"),
    ("cache-control", "public, max-age=60"),
    ("date", "Sat, 21 Nov 2026 12:00:00 GMT"),
    ("etag", "\"5f3c-62a7e91b0c3d8\""),
    ("server", "bench"),
    ("vary", "accept-encoding"),
];

/// An answer with this content: as many bytes as an HTTP/3 server writes.
pub(crate) fn answer(content: &Bytes) -> Bytes {
    let length = content.len().to_string();
    let mut lines = vec![(":status", "200"), ("content-length", &length)];
    lines.extend(ANSWER);
    let mut head = Vec::new();
    encode(DATA, &mut head);
    encode(content.len() as u64, &mut head);
    [&headers(&lines)[..], &head[..], &content[..]].concat().into()
}

/// The control stream of a client that lets no dynamic table be used: its type and empty SETTINGS.
pub(crate) const CONTROL: [u8; 3] = [0x00, 0x04, 0x00];

/// Whether an answer begins with a field section that begins with `:status: 200`.
pub(crate) fn is_ok(answer: &[u8]) -> bool {
    let [HEADERS_BYTE, length, rest @ ..] = answer else { return false };
    // A length of two bytes has 01 in front.
    let section = if length & 0xc0 == 0 { rest } else { rest.get(1..).unwrap_or_default() };
    // RFC 9204 §4.5.2: line 25 of the static table.
    section.starts_with(&[0, 0, 0xc0 | 0x19])
}

fn headers(lines: &[(&str, &str)]) -> Bytes {
    let lines = lines.iter().map(|(name, value)| FieldLine::new(name.as_bytes(), value.as_bytes()));
    let mut section = BytesMut::new();
    Encoder::new(Limits::default()).encode(0, lines, &mut section);
    let mut frame = Vec::new();
    encode(HEADERS, &mut frame);
    encode(section.len() as u64, &mut frame);
    frame.put_slice(&section);
    frame.into()
}

const DATA: u64 = 0x0;
const HEADERS: u64 = 0x1;
const HEADERS_BYTE: u8 = 0x1;
