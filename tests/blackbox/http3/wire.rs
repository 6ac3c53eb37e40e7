//! HTTP/3 and QPACK as a client writes them by hand, and the little of them that it reads.
//!
//! RFC 9000 §16, RFC 9114 §7, RFC 9204 §4.

/// An integer of QUIC, in as few bytes as it takes.
pub(crate) fn varint(value: u64) -> Vec<u8> {
    let (length, mark) = match value {
        0..=0x3f => (1, 0),
        0x40..=0x3fff => (2, 0x40),
        0x4000..=0x3fff_ffff => (4, 0x80),
        _ => (8, 0xc0),
    };
    let mut bytes: Vec<u8> = value.to_be_bytes().into_iter().skip(8 - length).collect();
    if let Some(first) = bytes.first_mut() {
        *first |= mark;
    }
    bytes
}

/// A whole frame.
pub(crate) fn frame(kind: u64, payload: impl AsRef<[u8]>) -> Vec<u8> {
    let payload = payload.as_ref();
    cut_frame(kind, payload.len() as u64, payload)
}

/// A frame that announces `length`, whatever comes of it.
pub(crate) fn cut_frame(kind: u64, length: u64, payload: impl AsRef<[u8]>) -> Vec<u8> {
    [&varint(kind), &varint(length), payload.as_ref()].concat()
}

/// A DATA frame.
pub(crate) fn data(content: impl AsRef<[u8]>) -> Vec<u8> {
    frame(DATA, content)
}

/// A HEADERS frame of literal field lines, without any table.
pub(crate) fn headers(fields: &[(&str, &str)]) -> Vec<u8> {
    frame(HEADERS, section(fields))
}

/// A SETTINGS frame.
pub(crate) fn settings(pairs: &[(u64, u64)]) -> Vec<u8> {
    let payload: Vec<u8> = pairs.iter().flat_map(|(id, value)| [varint(*id), varint(*value)].concat()).collect();
    frame(SETTINGS, payload)
}

/// An encoded field section of literal lines (RFC 9204 §4.5.6).
pub(crate) fn section(fields: &[(&str, &str)]) -> Vec<u8> {
    let lines = fields.iter().flat_map(|(name, value)| line(name, value));
    [0, 0].into_iter().chain(lines).collect()
}

/// A Literal Field Line with Literal Name.
pub(crate) fn line(name: &str, value: &str) -> Vec<u8> {
    [integer(0x20, 3, name.len() as u64), name.as_bytes().to_vec(), text(value)].concat()
}

/// A string without Huffman code, with a length of 7 bits.
pub(crate) fn text(value: &str) -> Vec<u8> {
    [integer(0, 7, value.len() as u64), value.as_bytes().to_vec()].concat()
}

/// An integer in the low `prefix` bits of a byte that begins with `pattern`, and in as many more as it takes (RFC 9204
/// §4.1.1).
pub(crate) fn integer(pattern: u8, prefix: u32, value: u64) -> Vec<u8> {
    let max = (1 << prefix) - 1;
    if value < max {
        return vec![pattern | low_byte(value)];
    }
    let mut bytes = vec![pattern | low_byte(max)];
    let mut rest = value - max;
    while rest >= 0x80 {
        bytes.push(low_byte(rest & 0x7f) | 0x80);
        rest >>= 7;
    }
    bytes.push(low_byte(rest));
    bytes
}

fn low_byte(value: u64) -> u8 {
    value.to_be_bytes().into_iter().next_back().unwrap_or_default()
}

/// What came on a request stream.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Answer {
    /// The statuses, the final one last.
    pub(crate) statuses: Vec<u16>,
    pub(crate) content: Vec<u8>,
}

impl Answer {
    /// Reads the frames of a response; `None` when they are not whole.
    pub(crate) fn read(mut bytes: &[u8]) -> Option<Self> {
        let mut answer = Self::default();
        while !bytes.is_empty() {
            let kind = take_varint(&mut bytes)?;
            let length = usize::try_from(take_varint(&mut bytes)?).ok()?;
            let (payload, rest) = bytes.split_at_checked(length)?;
            bytes = rest;
            match kind {
                HEADERS => answer.statuses.extend(status(payload)),
                DATA => answer.content.extend_from_slice(payload),
                _ => {}
            }
        }
        Some(answer)
    }
}

/// The identifiers and values of SETTINGS.
pub(super) fn pairs(mut payload: &[u8]) -> Vec<(u64, u64)> {
    let payload = &mut payload;
    std::iter::from_fn(|| take_varint(payload).zip(take_varint(payload))).collect()
}

fn take_varint(bytes: &mut &[u8]) -> Option<u64> {
    let length = 1 << (bytes.first()? >> 6);
    let (value, rest) = bytes.split_at_checked(length)?;
    *bytes = rest;
    let value = value.iter().fold(0, |value: u64, byte| value << 8 | u64::from(*byte));
    // The two bits of the length are not of the value.
    Some(value & (u64::MAX >> (64 - 8 * length + 2)))
}

/// The `:status` that begins a section: from the static table, or as a literal with a name of it. This client allows no
/// dynamic table.
fn status(section: &[u8]) -> Option<u16> {
    let line = section.strip_prefix(&[0, 0])?;
    match line {
        // RFC 9204 §4.5.2, indices up to 62, then of more.
        [first @ 0xc0..=0xfe, ..] => static_status(usize::from(first & 0x3f)),
        [0xff, more, ..] => static_status(usize::from(*more) + 0x3f),
        // RFC 9204 §4.5.4: the name has index 24, or another from which 15 is taken first.
        [0x50..=0x7f, _, length, value @ ..] => {
            let value = value.get(..usize::from(length & 0x7f))?;
            let digits = if length & 0x80 == 0 { value.to_vec() } else { huffman_digits(value) };
            String::from_utf8(digits).ok()?.parse().ok()
        }
        _ => None,
    }
}

/// RFC 9204 Appendix A.
fn static_status(index: usize) -> Option<u16> {
    let first = [103, 200, 304, 404, 503];
    let second = [100, 204, 206, 302, 400, 403, 421, 425, 500];
    let found = index.checked_sub(24).and_then(|at| first.get(at));
    found.or_else(|| index.checked_sub(63).and_then(|at| second.get(at))).copied()
}

/// RFC 7541 Appendix B: the digits 0 to 2 have five bits, the others six.
fn huffman_digits(bytes: &[u8]) -> Vec<u8> {
    let bits: Vec<u8> = bytes.iter().flat_map(|byte| (0..8).rev().map(move |at| byte >> at & 1)).collect();
    let mut rest = &bits[..];
    let number = |bits: &[u8]| bits.iter().fold(0, |number, bit| number << 1 | bit);
    let mut digits = Vec::new();
    while let Some(five) = rest.get(..5).map(number) {
        if five <= 2 {
            digits.push(b'0' + five);
            rest = rest.get(5..).unwrap_or_default();
        } else if let Some(six @ 0x19..=0x1f) = rest.get(..6).map(number) {
            digits.push(b'3' + six - 0x19);
            rest = rest.get(6..).unwrap_or_default();
        } else {
            break;
        }
    }
    digits
}

pub(crate) const DATA: u64 = 0x0;
pub(crate) const HEADERS: u64 = 0x1;
pub(crate) const CANCEL_PUSH: u64 = 0x3;
pub(crate) const SETTINGS: u64 = 0x4;
pub(crate) const PUSH_PROMISE: u64 = 0x5;
pub(crate) const GOAWAY: u64 = 0x7;
pub(crate) const MAX_PUSH_ID: u64 = 0xd;
pub(crate) const PRIORITY_UPDATE: u64 = 0xf_0700;
pub(crate) const PRIORITY_UPDATE_PUSH: u64 = 0xf_0701;

/// RFC 9114 §7.2.8: a type that means nothing.
pub(crate) const RESERVED: u64 = 0x1f * 7 + 0x21;

/// RFC 9114 §6.2, RFC 9204 §4.2: what a unidirectional stream begins with.
pub(crate) const CONTROL: &[u8] = &[0x0];
pub(crate) const PUSH: &[u8] = &[0x1];
pub(crate) const ENCODER: &[u8] = &[0x2];
pub(crate) const DECODER: &[u8] = &[0x3];
