//! Writes a field section (RFC 9204 §4.5): its prefix and its lines.

use bytes::{BufMut, BytesMut};

use super::super::{integer, string};

/// Where a literal line has its name from.
#[derive(Clone, Copy, Debug)]
pub(super) enum Name<'a> {
    Static(u64),
    /// An absolute index of the dynamic table.
    Dynamic(u64),
    Literal(&'a [u8]),
}

/// How a literal line is written.
#[derive(Clone, Copy, Debug)]
pub(super) struct Style {
    /// RFC 9204 §7.1.3: no one on the way may put it into a table.
    pub(super) never_indexed: bool,
    /// Whether strings are Huffman-coded where that is shorter.
    pub(super) huffman: bool,
}

/// RFC 9204 §4.5.2: Indexed Field Line, static table.
pub(super) fn write_static(out: &mut BytesMut, index: u64) {
    integer::write(out, 0xc0, 6, index);
}

/// RFC 9204 §4.5.2 and §4.5.3: Indexed Field Line, before the Base or behind it.
pub(super) fn write_dynamic(out: &mut BytesMut, base: u64, index: u64) {
    match index.checked_sub(base) {
        Some(post_base) => integer::write(out, 0x10, 4, post_base),
        None => integer::write(out, 0x80, 6, base - index - 1),
    }
}

/// RFC 9204 §4.5.4, §4.5.5 and §4.5.6: a literal value, with a name that is referred to or literal.
pub(super) fn write_literal(out: &mut BytesMut, base: u64, name: Name<'_>, value: &[u8], style: Style) {
    let bit = |bit| if style.never_indexed { bit } else { 0 };
    let write = if style.huffman { string::write } else { string::write_plain };
    match name {
        Name::Static(index) => integer::write(out, 0x50 | bit(0x20), 4, index),
        Name::Dynamic(index) => match index.checked_sub(base) {
            Some(post_base) => integer::write(out, bit(0x08), 3, post_base),
            None => integer::write(out, 0x40 | bit(0x20), 4, base - index - 1),
        },
        Name::Literal(name) => write(out, 0x20 | bit(0x10), 4, name),
    }
    write(out, 0x00, 8, value);
}

/// Bytes that a section begins with until [`write_prefix`]; most prefixes have as many.
pub(super) const PLACE: usize = 2;

/// Puts the prefix into its place at `start`, which is known when all lines are written.
pub(super) fn write_prefix(out: &mut BytesMut, start: usize, required: u64, base: u64, max_entries: u64) {
    if required == 0 {
        // RFC 9204 §4.5.1: two zeros, as they stand there already.
        return;
    }
    let end = out.len();
    // RFC 9204 §4.5.1.1: the count modulo twice the most entries, plus one.
    integer::write(out, 0, 8, required.checked_rem(max_entries.saturating_mul(2)).unwrap_or(0) + 1);
    // RFC 9204 §4.5.1.2: the Base lies behind the Required Insert Count, or before it.
    match base.checked_sub(required) {
        Some(delta) => integer::write(out, 0x00, 7, delta),
        None => integer::write(out, 0x80, 7, required - base - 1),
    }
    // It was written behind the lines: it moves to its place, which is seldom too small.
    let length = out.len() - end;
    if length > PLACE {
        out.put_bytes(0, length - PLACE);
        out.copy_within(start + PLACE..end + length, start + length);
    }
    let written = out.len() - length;
    out.copy_within(written.., start);
    out.truncate(written);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rfc9204_4_5_1_the_prefix_moves_to_its_place_whatever_its_length() {
        for (required, base, max_entries, prefix) in [
            (0, 7, 128, &[0, 0][..]),
            (1, 0, 128, &[2, 0x80]),
            (254, 254, 128, &[0xff, 0, 0]),
            (255, 255, 128, &[0xff, 1, 0]),
            (256, 256, 128, &[1, 0]),
            (1, 128, 128, &[2, 0x7f, 0]),
            (300, 0, 1 << 20, &[0xff, 0x2e, 0xff, 0xac, 0x01]),
        ] {
            for lines in [&b""[..], b"a", b"some lines of a section"] {
                let mut out = BytesMut::from(&b"before\0\0"[..]);
                out.put_slice(lines);
                write_prefix(&mut out, 6, required, base, max_entries);
                assert_eq!(out, [&b"before"[..], prefix, lines].concat(), "{required} {base}");
            }
        }
    }
}
