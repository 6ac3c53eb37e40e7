//! String literals (RFC 9204 §4.1.2): a flag, a length, and bytes that may be Huffman-coded.

use bytes::{BufMut, BytesMut};

use super::error::Fault;
use super::{huffman, integer};

/// A string as it stands in a field section.
#[derive(Clone, Copy, Debug)]
pub(super) struct Literal<'a> {
    pub(super) huffman: bool,
    pub(super) bytes: &'a [u8],
}

/// Reads a string literal with a prefix of `prefix` bits, the flag among them, and moves `input` behind it.
pub(super) fn read<'a>(input: &mut &'a [u8], prefix: u32) -> Result<Literal<'a>, Fault> {
    let huffman = is_huffman(*input.first().ok_or(Fault::Truncated)?, prefix);
    let length = usize::try_from(integer::read(input, prefix - 1)?).map_err(|_| Fault::Truncated)?;
    let (bytes, rest) = input.split_at_checked(length).ok_or(Fault::Truncated)?;
    *input = rest;
    Ok(Literal { huffman, bytes })
}

/// Whether the flag of a string literal is set.
pub(super) fn is_huffman(first: u8, prefix: u32) -> bool {
    first & flag(prefix) != 0
}

/// Writes a string literal behind `pattern`, Huffman-coded when that is shorter.
pub(super) fn write(out: &mut BytesMut, pattern: u8, prefix: u32, text: &[u8]) {
    let encoded = huffman::encoded_length(text);
    if encoded < text.len() {
        integer::write(out, pattern | flag(prefix), prefix - 1, encoded as u64);
        huffman::encode(text, out);
    } else {
        write_plain(out, pattern, prefix, text);
    }
}

/// Writes a string literal behind `pattern` as it stands.
pub(super) fn write_plain(out: &mut BytesMut, pattern: u8, prefix: u32, text: &[u8]) {
    integer::write(out, pattern, prefix - 1, text.len() as u64);
    out.put_slice(text);
}

fn flag(prefix: u32) -> u8 {
    1 << (prefix - 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(pattern: u8, prefix: u32, text: &str) -> Vec<u8> {
        let mut out = BytesMut::new();
        write(&mut out, pattern, prefix, text.as_bytes());
        out.to_vec()
    }

    #[test]
    fn rfc9204_4_1_2_huffman_only_when_shorter() {
        assert_eq!(written(0, 8, "302"), [0x82, 0x64, 0x02]);
        assert_eq!(written(0, 8, "#$|"), b"\x03#$|");
        assert_eq!(written(0, 8, "0"), b"\x010");
        assert_eq!(written(0, 8, ""), b"\x00");
    }

    #[test]
    fn rfc9204_4_1_2_strings_begin_within_a_byte() {
        assert_eq!(written(0x40, 6, "302"), [0x62, 0x64, 0x02]);
        assert_eq!(written(0x20, 4, "#$|"), b"\x23#$|");
        assert_eq!(written(0x20, 4, "#$|\x01\x02\x03\x04"), b"\x27\x00#$|\x01\x02\x03\x04");
        let literal = read(&mut &b"\x23#$|"[..], 4).unwrap();
        assert_eq!((literal.huffman, literal.bytes), (false, &b"#$|"[..]));
    }

    #[test]
    fn a_string_ends_within_its_input() {
        for input in [&b""[..], b"\x01", b"\x7f", b"\x7f\xff", b"\x03ab", b"\x7f\xff\xff\xff\xff\xff\xff\xff\xff\x3e"] {
            assert_eq!(read(&mut &input[..], 8).err(), Some(Fault::Truncated), "{input:?}");
        }
    }
}
