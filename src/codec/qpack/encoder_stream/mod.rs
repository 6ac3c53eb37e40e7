//! The instructions of an encoder stream (RFC 9204 §4.3): written here, read in [`Reader`].

mod reader;

use bytes::BytesMut;

use super::{integer, string};

pub(super) use reader::Reader;

/// Where an inserted entry has its name from.
#[derive(Clone, Copy, Debug)]
pub(super) enum Name<'a> {
    /// An index of the static table.
    Static(u64),
    /// An index of the dynamic table, relative to the newest entry.
    Recent(u64),
    Literal(&'a [u8]),
}

/// RFC 9204 §4.3.1: Set Dynamic Table Capacity.
pub(super) fn write_capacity(out: &mut BytesMut, capacity: usize) {
    integer::write(out, 0x20, 5, capacity as u64);
}

/// RFC 9204 §4.3.2 and §4.3.3: Insert with Name Reference, Insert with Literal Name.
pub(super) fn write_insert(out: &mut BytesMut, name: Name<'_>, value: &[u8]) {
    match name {
        Name::Static(index) => integer::write(out, 0xc0, 6, index),
        Name::Recent(index) => integer::write(out, 0x80, 6, index),
        Name::Literal(name) => string::write(out, 0x40, 6, name),
    }
    string::write(out, 0x00, 8, value);
}

/// RFC 9204 §4.3.4: Duplicate, by an index relative to the newest entry.
pub(super) fn write_duplicate(out: &mut BytesMut, recent: u64) {
    integer::write(out, 0x00, 5, recent);
}
