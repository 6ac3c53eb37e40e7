//! Variable-length integers of QUIC (RFC 9000 §16).

/// More bytes are needed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Incomplete;

/// The integer at the beginning of some bytes, and how many it takes.
///
/// # Errors
/// [`Incomplete`] when it does not end within them.
pub fn decode(bytes: &[u8]) -> Result<(u64, usize), Incomplete> {
    let first = bytes.first().ok_or(Incomplete)?;
    let length = 1 << (first >> 6);
    let rest = bytes.get(1..length).ok_or(Incomplete)?;
    let value = rest.iter().fold(u64::from(first & 0x3f), |value, byte| value << 8 | u64::from(*byte));
    Ok((value, length))
}

/// How many bytes an integer takes, 0 for one that is above 2^62 - 1.
#[must_use]
pub fn encoded_len(value: u64) -> usize {
    match value {
        0..=0x3f => 1,
        0x40..=0x3fff => 2,
        0x4000..=0x3fff_ffff => 4,
        0x4000_0000..=MAX => 8,
        _ => 0,
    }
}

/// Appends an integer in its shortest form. One that is above 2^62 - 1 cannot be said: nothing is appended.
pub fn encode(value: u64, out: &mut Vec<u8>) {
    let bytes = value.to_be_bytes();
    let length = encoded_len(value);
    let mark = match length {
        2 => 0x40,
        4 => 0x80,
        8 => 0xc0,
        _ => 0,
    };
    let start = out.len();
    out.extend_from_slice(bytes.get(bytes.len() - length..).unwrap_or_default());
    if let Some(first) = out.get_mut(start) {
        *first |= mark;
    }
}

/// RFC 9000 §16: the greatest integer.
pub(super) const MAX: u64 = (1 << 62) - 1;
