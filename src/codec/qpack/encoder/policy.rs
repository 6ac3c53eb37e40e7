//! Which field lines may go into the dynamic table, and which must never be indexed by anyone.
//!
//! A connection to a backend carries the requests of many clients, so what is secret stays out of a table that others can
//! probe (RFC 9204 §7.1). What changes with each message would only push out what repeats.

use std::hash::{BuildHasher, BuildHasherDefault, DefaultHasher};

use super::super::dynamic_table;
use super::super::field_line::FieldLine;

/// RFC 9204 §7.1.3: values that are short enough to be guessed, or that are worth a lot, are never indexed, on any hop.
pub(super) fn is_sensitive(line: &FieldLine<&[u8]>) -> bool {
    line.never_indexed
        || match line.name {
            b"authorization" | b"proxy-authorization" | b"set-cookie" => true,
            b"cookie" => line.value.len() < SHORT_COOKIE,
            _ => false,
        }
}

/// Whether lines of this name and size are worth an entry in a table of this capacity.
pub(super) fn may_insert(line: &FieldLine<&[u8]>, capacity: usize) -> bool {
    let small = dynamic_table::size(line.name, line.value) <= capacity / LARGEST_SHARE;
    small
        && !matches!(
            line.name,
            b":path"
                | b"age"
                | b"content-length"
                | b"content-range"
                | b"cookie"
                | b"date"
                | b"etag"
                | b"expires"
                | b"if-match"
                | b"if-modified-since"
                | b"if-none-match"
                | b"if-range"
                | b"if-unmodified-since"
                | b"last-modified"
                | b"location"
                | b"range"
                | b"x-request-id"
        )
}

/// Remembers field lines that were sent, in a table of fixed size in which newer ones push out older ones.
#[derive(Debug)]
pub(super) struct Seen {
    /// Another one for each connection: nobody can choose lines that push out others.
    key: u64,
    slots: Vec<u64>,
}

impl Default for Seen {
    fn default() -> Self {
        // In unit tests always the same, or a few in a hundred would find two of their lines in one slot.
        Self { key: if cfg!(test) { 0 } else { rand::random() }, slots: Vec::new() }
    }
}

impl Seen {
    /// Whether this line was sent before; from now on it was.
    pub(super) fn again(&mut self, line: &FieldLine<&[u8]>) -> bool {
        if self.slots.is_empty() {
            self.slots = vec![0; SLOTS];
        }
        let mark = BuildHasherDefault::<DefaultHasher>::new().hash_one((self.key, line.name, line.value));
        let [low, ..] = mark.to_le_bytes();
        self.slots.get_mut(usize::from(low)).is_some_and(|slot| std::mem::replace(slot, mark) == mark)
    }
}

/// Cookies that are shorter may be guessed.
const SHORT_COOKIE: usize = 20;

/// An entry takes at most this part of the table.
const LARGEST_SHARE: usize = 4;

/// One slot for each value of a byte.
const SLOTS: usize = 1 << 8;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rfc9204_7_1_3_secrets_and_short_cookies_are_never_indexed() {
        for (name, value, expected) in [
            ("authorization", "Basic YTpi", true),
            ("proxy-authorization", "Basic YTpi", true),
            ("set-cookie", "a=b; Path=/; a long one that is still never indexed", true),
            ("cookie", "lang=en", true),
            ("cookie", "session=0123456789abcdef0123456789abcdef", false),
            ("user-agent", "curl", false),
        ] {
            let line = FieldLine::new(name.as_bytes(), value.as_bytes());
            assert_eq!(is_sensitive(&line), expected, "{name}: {value}");
            assert!(is_sensitive(&FieldLine { never_indexed: true, ..line }), "{name}: {value}");
        }
    }

    #[test]
    fn what_repeats_is_noticed_and_what_is_large_or_changes_is_left_out() {
        let line = FieldLine::new(b"server", b"quicgate");
        let mut seen = Seen::default();
        assert!(!seen.again(&line));
        assert!(seen.again(&line));
        assert!(!seen.again(&FieldLine::new(b"server", b"another")));
        assert!(may_insert(&line, 4096));
        assert!(!may_insert(&line, 4 * 46 - 1));
        assert!(may_insert(&line, 4 * 46));
        assert!(!may_insert(&FieldLine::new(b"date", b"Mon, 21 Oct 2013 20:13:21 GMT"), 4096));
        assert!(!may_insert(&FieldLine::new(b"cookie", b"session=0123456789abcdef0123456789abcdef"), 4096));
    }
}
