//! Prefixed integers (RFC 9204 §4.1.1, RFC 7541 §5.1): read from a slice, or byte by byte as they come, and written.
//!
//! They are bounded in value and in length, so that neither can be used against us (RFC 9204 §7.4).

use bytes::{BufMut, BytesMut};

use super::error::Fault;

/// RFC 9204 §4.1.1: integers of up to 62 bits must be understood; larger ones are refused.
pub(super) const MAX: u64 = (1 << 62) - 1;

/// How far an integer is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Progress {
    Whole(u64),
    Partial(Partial),
}

/// An integer of which more bytes must come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Partial {
    value: u64,
    shift: u32,
}

impl Partial {
    /// Takes the next byte.
    pub(super) fn push(self, byte: u8) -> Result<Progress, Fault> {
        // Nine bytes hold 63 bits: a tenth one can only be padding, or too much.
        if self.shift > 56 {
            return Err(Fault::IntegerTooLarge);
        }
        let value = self.value + (u64::from(byte & 0x7f) << self.shift);
        if value > MAX {
            return Err(Fault::IntegerTooLarge);
        }
        let more = byte & 0x80 != 0;
        Ok(if more { Progress::Partial(Self { value, shift: self.shift + 7 }) } else { Progress::Whole(value) })
    }
}

/// Begins an integer in the low `prefix` bits (1 to 8) of `first`.
pub(super) fn begin(first: u8, prefix: u32) -> Progress {
    let max = largest_in(prefix);
    let value = first & max;
    if value < max { Progress::Whole(value.into()) } else { Progress::Partial(Partial { value: max.into(), shift: 0 }) }
}

/// Reads an integer in the low `prefix` bits of the first byte, and moves `input` behind it.
pub(super) fn read(input: &mut &[u8], prefix: u32) -> Result<u64, Fault> {
    let (first, mut rest) = input.split_first().ok_or(Fault::Truncated)?;
    let mut progress = begin(*first, prefix);
    loop {
        match progress {
            Progress::Whole(value) => {
                *input = rest;
                return Ok(value);
            }
            Progress::Partial(partial) => {
                let (next, after) = rest.split_first().ok_or(Fault::Truncated)?;
                progress = partial.push(*next)?;
                rest = after;
            }
        }
    }
}

/// Writes `value` into the low `prefix` bits of a byte that begins with `pattern`, and as many more as it takes.
pub(super) fn write(out: &mut BytesMut, pattern: u8, prefix: u32, value: u64) {
    let max = largest_in(prefix);
    if let Ok(value) = u8::try_from(value)
        && value < max
    {
        return out.put_u8(pattern | value);
    }
    out.put_u8(pattern | max);
    let mut rest = value.saturating_sub(max.into());
    while rest > 0x7f {
        let [.., low] = rest.to_be_bytes();
        out.put_u8(low | 0x80);
        rest >>= 7;
    }
    let [.., low] = rest.to_be_bytes();
    out.put_u8(low);
}

fn largest_in(prefix: u32) -> u8 {
    u8::MAX >> (8 - prefix)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn written(pattern: u8, prefix: u32, value: u64) -> Vec<u8> {
        let mut out = BytesMut::new();
        write(&mut out, pattern, prefix, value);
        out.to_vec()
    }

    #[test]
    fn rfc7541_c_1_integers() {
        for (prefix, value, bytes) in [(5, 10, &[0x0a][..]), (5, 1337, &[0x1f, 0x9a, 0x0a]), (8, 42, &[0x2a])] {
            assert_eq!(written(0, prefix, value), bytes);
            assert_eq!(read(&mut &bytes[..], prefix), Ok(value));
        }
    }

    #[test]
    fn rfc9204_4_1_1_integers_have_62_bits() {
        for prefix in 1..=8 {
            let bytes = written(0, prefix, MAX);
            assert_eq!(read(&mut &bytes[..], prefix), Ok(MAX));
            let bytes = written(0, prefix, MAX + 1);
            assert_eq!(read(&mut &bytes[..], prefix), Err(Fault::IntegerTooLarge));
        }
    }

    #[test]
    fn rfc9204_7_4_the_length_of_an_integer_is_limited() {
        let padded = |zeros: usize| [&[0xff][..], &vec![0x80; zeros], &[0x00]].concat();
        assert_eq!(read(&mut &padded(8)[..], 8), Ok(255));
        assert_eq!(read(&mut &padded(9)[..], 8), Err(Fault::IntegerTooLarge));
        assert_eq!(read(&mut &[0xff; 40][..], 8), Err(Fault::IntegerTooLarge));
    }

    #[test]
    fn an_integer_that_is_cut_short_is_truncated_and_moves_nothing() {
        let bytes = [0x1f, 0x9a];
        let mut input = &bytes[..];
        assert_eq!(read(&mut input, 5), Err(Fault::Truncated));
        assert_eq!(input, bytes);
    }

    proptest! {
        #[test]
        fn what_is_written_is_read(prefix in 1u32..=8, value in 0..=MAX, bits in 0u32..62, after: Vec<u8>) {
            let value = value >> bits;
            let pattern = if prefix < 8 { 0x80 } else { 0 };
            let mut bytes = written(pattern, prefix, value);
            prop_assert!(bytes.len() <= 10);
            bytes.extend(&after);
            let mut input = &bytes[..];
            prop_assert_eq!(read(&mut input, prefix), Ok(value));
            prop_assert_eq!(input, &after[..]);
        }
    }
}
