//! The rule: which worker a datagram belongs to. Pure: a key and a number of workers are all it knows.
//!
//! It looks where the destination connection id begins (RFC 8999 §5.1, §5.2): behind the version and the length of the id in a
//! long header, behind the first byte in a short one, where only ids of ours can stand. Eight bytes from there are hashed. Ids
//! that we issue have eight, and clients' first ids have at least as many (RFC 9000 §7.2). A shorter one in a long header is no
//! id of any connection: it is hashed with what follows it, and whichever worker that names can refuse it or negotiate the
//! version as well as another.

use super::hash::HalfSipHash;

/// The worker of each connection id.
#[derive(Clone, Copy, Debug)]
pub(super) struct Rule {
    pub(super) key: [u32; 2],
    /// At least 1.
    pub(super) workers: u32,
}

impl Rule {
    /// For as many workers, at least one.
    pub(super) fn new(key: [u32; 2], workers: usize) -> Self {
        Self { key, workers: u32::try_from(workers).unwrap_or(u32::MAX).max(1) }
    }

    /// The worker, from 0, of the connections whose ids begin with these bytes.
    pub(super) fn worker(self, id: [u8; ID_LENGTH]) -> usize {
        // In network order, as a packet filter loads words.
        let words = id.as_chunks().0.iter().copied().map(u32::from_be_bytes);
        let hash = words.fold(HalfSipHash::new(self.key), HalfSipHash::word).finish(LAST_WORD);
        (hash % self.workers) as usize
    }
}

/// The bytes by which a datagram is steered; `None` where it is too short to be of any connection of ours.
pub(super) fn steered_by(datagram: &[u8]) -> Option<[u8; ID_LENGTH]> {
    let start = if datagram.first()? & LONG_HEADER == 0 { SHORT_HEADER_ID } else { LONG_HEADER_ID } as usize;
    datagram.get(start..start + ID_LENGTH)?.try_into().ok()
}

/// Bytes of the ids that we issue.
pub(super) const ID_LENGTH: usize = 8;

/// The last word of a hash of so many bytes.
pub(super) const LAST_WORD: u32 = 8 << 24;

/// RFC 8999 §5: the bit of the first byte that says which form the header has.
pub(super) const LONG_HEADER: u8 = 0x80;

/// RFC 8999 §5.1: one byte, four of the version, one of the id's length.
pub(super) const LONG_HEADER_ID: u32 = 6;

/// RFC 8999 §5.2: one byte.
pub(super) const SHORT_HEADER_ID: u32 = 1;

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// A datagram in either form that is for this id.
    fn datagram(long: bool, first: u8, id: &[u8], rest: &[u8]) -> Vec<u8> {
        if long {
            [&[first | LONG_HEADER, 0, 0, 0, 1, u8::try_from(id.len()).unwrap()], id, rest].concat()
        } else {
            [&[first & !LONG_HEADER], id, rest].concat()
        }
    }

    proptest! {
        #[test]
        fn rfc8999_5_an_id_names_one_worker_in_both_forms_whatever_else_is_said(
            key: [u32; 2],
            workers in 1_usize..100,
            id in prop::collection::vec(any::<u8>(), ID_LENGTH..=20),
            first: [u8; 2],
            rest in prop::collection::vec(any::<u8>(), 0..40),
        ) {
            let rule = Rule::new(key, workers);
            let worker = rule.worker(id[..ID_LENGTH].try_into().unwrap());
            prop_assert!(worker < workers);
            for (long, first) in [(true, first[0]), (false, first[1])] {
                let found = steered_by(&datagram(long, first, &id, &rest));
                prop_assert_eq!(found.map(|id| rule.worker(id)), Some(worker));
            }
        }

        #[test]
        fn any_bytes_name_a_worker_or_none(bytes in prop::collection::vec(any::<u8>(), 0..40)) {
            let least = if bytes.first().is_some_and(|first| first & LONG_HEADER != 0) { 14 } else { 9 };
            prop_assert_eq!(steered_by(&bytes).is_some(), bytes.len() >= least);
        }
    }

    #[test]
    fn workers_have_equal_parts() {
        const IDS: u64 = 40_000;
        for workers in [2, 3, 4, 8] {
            let rule = Rule::new([0x1234_5678, 0x9abc_def0], workers);
            let mut parts = vec![0; workers];
            for id in 0..IDS {
                parts[rule.worker(id.to_be_bytes())] += 1;
            }
            let even = IDS / workers as u64;
            assert!(parts.iter().all(|part| even.abs_diff(*part) < even / 10), "{parts:?}");
        }
    }

    #[test]
    fn another_key_steers_another_way() {
        let [one, other] = [[1, 2], [1, 3]].map(|key| Rule::new(key, 2));
        let differ = (0..1000_u64).filter(|id| one.worker(id.to_be_bytes()) != other.worker(id.to_be_bytes())).count();
        assert!((400..600).contains(&differ), "{differ} of 1000");
    }
}
