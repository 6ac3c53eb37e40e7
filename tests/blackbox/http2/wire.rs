//! HTTP/2 and HPACK as a client writes them by hand, or an upstream, and the little of them that it reads.
//!
//! RFC 9113 §4 and §6, RFC 7541 §5 and §6.

use crate::support::message::End;
use crate::support::wire::Reader;

/// A frame of the stream that a row is about.
pub(crate) fn frame(kind: u8, flags: u8, payload: impl AsRef<[u8]>) -> Vec<u8> {
    frame_on(ROW_STREAM, kind, flags, payload)
}

/// A frame of any stream.
pub(crate) fn frame_on(stream: u32, kind: u8, flags: u8, payload: impl AsRef<[u8]>) -> Vec<u8> {
    let payload = payload.as_ref();
    let length = u32::try_from(payload.len()).expect("a frame").to_be_bytes();
    [&length[1..], &[kind, flags], &stream.to_be_bytes(), payload].concat()
}

/// A DATA frame after which more may come.
pub(crate) fn data(content: impl AsRef<[u8]>) -> Vec<u8> {
    frame(DATA, 0, content)
}

/// A DATA frame that ends the stream.
pub(crate) fn last_data(content: impl AsRef<[u8]>) -> Vec<u8> {
    frame(DATA, END_STREAM, content)
}

/// A field section in as many frames as it takes.
pub(crate) fn headers(fields: &[(&str, &str)]) -> Vec<u8> {
    section(ROW_STREAM, 0, fields)
}

/// A field section that ends the stream.
pub(crate) fn last_headers(fields: &[(&str, &str)]) -> Vec<u8> {
    section(ROW_STREAM, END_STREAM, fields)
}

/// A field section: HEADERS, and CONTINUATION where a frame is full (RFC 9113 §6.10).
pub(crate) fn section(stream: u32, flags: u8, fields: &[(&str, &str)]) -> Vec<u8> {
    let block: Vec<u8> = fields.iter().flat_map(|(name, value)| line(name, value)).collect();
    let mut parts = block.chunks(MAX_FRAME).peekable();
    let first = parts.next().unwrap_or_default();
    let ends = |more: bool| if more { 0 } else { END_HEADERS };
    let mut frames = frame_on(stream, HEADERS, flags | ends(parts.peek().is_some()), first);
    while let Some(part) = parts.next() {
        frames.extend(frame_on(stream, CONTINUATION, ends(parts.peek().is_some()), part));
    }
    frames
}

/// A Literal Header Field without Indexing, with a new name (RFC 7541 §6.2.2).
pub(crate) fn line(name: &str, value: &str) -> Vec<u8> {
    [vec![0], text(name), text(value)].concat()
}

/// A string without Huffman code, with a length of 7 bits (RFC 7541 §5.2).
fn text(value: &str) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut rest = value.len();
    if rest < 0x7f {
        bytes.push(low_byte(rest));
    } else {
        bytes.push(0x7f);
        rest -= 0x7f;
        while rest >= 0x80 {
            bytes.push(low_byte(rest & 0x7f) | 0x80);
            rest >>= 7;
        }
        bytes.push(low_byte(rest));
    }
    bytes.extend_from_slice(value.as_bytes());
    bytes
}

fn low_byte(value: usize) -> u8 {
    value.to_be_bytes().into_iter().next_back().unwrap_or_default()
}

/// The `:status` that begins a section. This client allows no dynamic table.
pub(super) fn status(section: &[u8]) -> Option<u16> {
    match section {
        // RFC 7541 §6.3: the table is as small as was asked.
        [0x20..=0x3f, rest @ ..] => status(rest),
        // RFC 7541 Appendix A.
        [indexed @ 0x88..=0x8e, ..] => [200, 204, 206, 304, 400, 404, 500].get(usize::from(indexed - 0x88)).copied(),
        // RFC 7541 §6.2: a literal whose name has index 8 to 14, with indexing, without, or never.
        [0x48..=0x4e | 0x08..=0x0e | 0x18..=0x1e, length, value @ ..] => {
            let value = value.get(..usize::from(length & 0x7f))?;
            if length & 0x80 == 0 { std::str::from_utf8(value).ok()?.parse().ok() } else { huffman(value) }
        }
        _ => None,
    }
}

/// A number in the code of RFC 7541 Appendix B, where 0 to 2 have five bits and the other digits six.
fn huffman(bytes: &[u8]) -> Option<u16> {
    let bits = bytes.iter().fold(0_u64, |bits, byte| bits << 8 | u64::from(*byte));
    let mut left = 8 * bytes.len();
    let mut number = 0;
    while left >= 5 {
        let five = bits >> (left - 5) & 0x1f;
        let (digit, length) = match five {
            0..=2 => (five, 5),
            // What pads the last byte begins with ones.
            0x1f => break,
            _ => ((bits >> left.checked_sub(6)? & 0x3f).checked_sub(0x16)?, 6),
        };
        number = number * 10 + u16::try_from(digit).ok()?;
        left -= length;
    }
    Some(number)
}

/// The preface, and SETTINGS with a dynamic table of no bytes (RFC 9113 §3.4, §6.5.2).
pub(super) fn preface() -> Vec<u8> {
    let settings = frame_on(0, SETTINGS, 0, [0, 1, 0, 0, 0, 0]);
    [b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", &settings[..]].concat()
}

/// A frame as it came (RFC 9113 §4.1).
#[derive(Debug)]
pub(crate) struct Frame {
    pub(crate) kind: u8,
    pub(crate) flags: u8,
    pub(crate) stream: u32,
    pub(crate) payload: Vec<u8>,
}

/// Reads the next frame.
pub(crate) async fn read(wire: &mut Reader) -> Result<Frame, End> {
    let head = exactly(wire, 9).await?;
    let [length @ .., kind, flags, a, b, c, d] = head.as_slice() else { return Err(End::Broken) };
    let length = length.iter().fold(0, |length, byte| length << 8 | usize::from(*byte));
    let (kind, flags, stream) = (*kind, *flags, u32::from_be_bytes([*a, *b, *c, *d]));
    Ok(Frame { kind, flags, stream, payload: exactly(wire, length).await? })
}

/// Reads so many bytes.
pub(crate) async fn exactly(wire: &mut Reader, length: usize) -> Result<Vec<u8>, End> {
    let mut bytes = Vec::new();
    while bytes.len() < length {
        wire.some((length - bytes.len()) as u64, &mut bytes).await?;
    }
    Ok(bytes)
}

/// The number that a payload, or what is left of it, begins with.
pub(crate) fn number(bytes: Option<&[u8]>) -> u32 {
    let bytes = bytes.unwrap_or_default().iter().take(4);
    bytes.fold(0, |number, byte| number << 8 | u32::from(*byte))
}

/// The stream of the request that a row is about.
pub(crate) const ROW_STREAM: u32 = 1;

/// What every server takes in one frame (RFC 9113 §6.5.2).
const MAX_FRAME: usize = 16_384;

/// RFC 9113 §6.
pub(crate) const DATA: u8 = 0;
pub(crate) const HEADERS: u8 = 1;
pub(crate) const RST_STREAM: u8 = 3;
pub(crate) const SETTINGS: u8 = 4;
pub(crate) const PING: u8 = 6;
pub(crate) const GOAWAY: u8 = 7;
pub(crate) const WINDOW_UPDATE: u8 = 8;
const CONTINUATION: u8 = 9;

pub(crate) const ACK: u8 = 0x1;
pub(crate) const END_STREAM: u8 = 0x1;
pub(crate) const END_HEADERS: u8 = 0x4;
pub(super) const PADDED: u8 = 0x8;
