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
pub(super) fn write_literal(out: &mut BytesMut, base: u64, name: Name<'_>, value: &[u8], never_indexed: bool) {
    let bit = |bit| if never_indexed { bit } else { 0 };
    match name {
        Name::Static(index) => integer::write(out, 0x50 | bit(0x20), 4, index),
        Name::Dynamic(index) => match index.checked_sub(base) {
            Some(post_base) => integer::write(out, bit(0x08), 3, post_base),
            None => integer::write(out, 0x40 | bit(0x20), 4, base - index - 1),
        },
        Name::Literal(name) => string::write(out, 0x20 | bit(0x10), 4, name),
    }
    string::write(out, 0x00, 8, value);
}

/// Bytes that a section begins with until [`write_prefix`]; most prefixes have as many.
pub(super) const PLACE: usize = 2;

/// Puts the prefix into its place at `start`, which is known when all lines are written.
pub(super) fn write_prefix(out: &mut BytesMut, start: usize, required: u64, base: u64, max_entries: u64) {
    if required == 0 {
        // RFC 9204 §4.5.1: two zeros, as they stand there already.
        return;
    }
    let mut prefix = BytesMut::with_capacity(2 * 10);
    // RFC 9204 §4.5.1.1: the count modulo twice the most entries, plus one.
    integer::write(&mut prefix, 0, 8, required.checked_rem(max_entries.saturating_mul(2)).unwrap_or(0) + 1);
    // RFC 9204 §4.5.1.2: the Base lies behind the Required Insert Count, or before it.
    match base.checked_sub(required) {
        Some(delta) => integer::write(&mut prefix, 0x00, 7, delta),
        None => integer::write(&mut prefix, 0x80, 7, required - base - 1),
    }
    let longer = prefix.len().saturating_sub(PLACE);
    let end = out.len();
    out.put_bytes(0, longer);
    out.copy_within(start + PLACE..end, start + PLACE + longer);
    if let Some(place) = out.get_mut(start..start + prefix.len()) {
        place.copy_from_slice(&prefix);
    }
}
