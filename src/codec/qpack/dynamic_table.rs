//! The dynamic table (RFC 9204 §3.2), the same for both directions: entries in the order of their insertion, oldest first.

use std::collections::VecDeque;

use bytes::Bytes;

use super::error::Fault;

/// What an entry counts beside its name and value (RFC 9204 §3.2.1).
pub(super) const OVERHEAD: usize = 32;

/// A field line in the table. Each part is an allocation of its own, so that a name that outlives its entry in another one
/// holds no more memory than is counted there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Entry {
    pub(super) name: Bytes,
    pub(super) value: Bytes,
}

impl Entry {
    /// RFC 9204 §3.2.1: the lengths of name and value, not Huffman-coded, and 32.
    pub(super) fn size(&self) -> usize {
        size(&self.name, &self.value)
    }
}

/// The size of an entry of this name and value.
pub(super) fn size(name: &[u8], value: &[u8]) -> usize {
    name.len().saturating_add(value.len()).saturating_add(OVERHEAD)
}

/// The table; its initial capacity is zero.
#[derive(Debug, Default)]
pub(super) struct DynamicTable {
    entries: VecDeque<Entry>,
    size: usize,
    capacity: usize,
    inserted: u64,
}

impl DynamicTable {
    pub(super) fn capacity(&self) -> usize {
        self.capacity
    }

    /// What can be inserted before anything is evicted.
    pub(super) fn free(&self) -> usize {
        self.capacity - self.size
    }

    /// The Insert Count: one more than the absolute index of the newest entry.
    pub(super) fn inserted(&self) -> u64 {
        self.inserted
    }

    /// The absolute index of the oldest entry.
    pub(super) fn oldest(&self) -> u64 {
        self.inserted - self.entries.len() as u64
    }

    /// The entry at an absolute index.
    pub(super) fn entry(&self, index: u64) -> Option<&Entry> {
        self.entries.get(usize::try_from(index.checked_sub(self.oldest())?).ok()?)
    }

    /// The entry at an index relative to the newest one (RFC 9204 §3.2.5), as instructions have it.
    pub(super) fn recent(&self, relative: u64) -> Option<&Entry> {
        self.entry(self.inserted.checked_sub(relative)?.checked_sub(1)?)
    }

    /// The entries and their absolute indices, oldest first.
    pub(super) fn entries(&self) -> impl DoubleEndedIterator<Item = (u64, &Entry)> + ExactSizeIterator {
        let oldest = self.oldest();
        self.entries.iter().enumerate().map(move |(at, entry)| (oldest + at as u64, entry))
    }

    /// RFC 9204 §3.2.2: the oldest entries go until the rest fits.
    pub(super) fn set_capacity(&mut self, capacity: usize) {
        self.capacity = capacity;
        self.evict_to(capacity);
    }

    /// Inserts an entry; the oldest ones go until there is room (RFC 9204 §3.2.2).
    pub(super) fn insert(&mut self, entry: Entry) -> Result<(), Fault> {
        let size = entry.size();
        // RFC 9204 §3.2.2: an entry that is larger than the table is an error.
        let rest = self.capacity.checked_sub(size).ok_or(Fault::EntryTooLarge)?;
        self.evict_to(rest);
        self.entries.push_back(entry);
        self.size += size;
        self.inserted += 1;
        Ok(())
    }

    fn evict_to(&mut self, size: usize) {
        while self.size > size
            && let Some(entry) = self.entries.pop_front()
        {
            self.size -= entry.size();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(name: &'static str, value: &'static str) -> Entry {
        Entry { name: name.into(), value: value.into() }
    }

    fn names(table: &DynamicTable) -> Vec<(u64, String)> {
        table.entries().map(|(index, entry)| (index, String::from_utf8_lossy(&entry.name).into_owned())).collect()
    }

    #[test]
    fn rfc9204_3_2_1_size_is_name_value_and_32() {
        assert_eq!(entry("abc", "de").size(), 37);
        assert_eq!(entry("", "").size(), 32);
    }

    #[test]
    fn rfc9204_3_2_2_the_oldest_go_first_and_only_as_many_as_must() {
        let mut table = DynamicTable::default();
        assert_eq!(table.insert(entry("", "")), Err(Fault::EntryTooLarge));
        table.set_capacity(100);
        for name in ["a", "b", "c"] {
            table.insert(entry(name, "")).unwrap();
        }
        assert_eq!(names(&table), [(0, "a".into()), (1, "b".into()), (2, "c".into())]);
        table.insert(entry("d", "")).unwrap();
        assert_eq!(names(&table), [(1, "b".into()), (2, "c".into()), (3, "d".into())]);
        table.insert(entry("e", "12345678901234567890123456789012345")).unwrap();
        assert_eq!(names(&table), [(4, "e".into())].into_iter().collect::<Vec<_>>());
        assert_eq!(table.insert(entry("", &"-".repeat(69).leak()[..])), Err(Fault::EntryTooLarge));
        assert_eq!(table.free(), 32);
        table.set_capacity(67);
        assert!(names(&table).is_empty());
        assert_eq!((table.oldest(), table.inserted(), table.free()), (5, 5, 67));
    }

    #[test]
    fn rfc9204_3_2_4_indices_are_absolute_and_relative_to_the_newest() {
        let mut table = DynamicTable::default();
        table.set_capacity(70);
        for name in ["a", "b", "c"] {
            table.insert(entry(name, "")).unwrap();
        }
        assert_eq!(table.entry(0), None);
        assert_eq!(table.entry(1), table.recent(1));
        assert_eq!(table.recent(0), Some(&entry("c", "")));
        assert_eq!(table.recent(2), None);
        assert_eq!(table.recent(u64::MAX), None);
        assert_eq!(table.entry(3), None);
    }
}
