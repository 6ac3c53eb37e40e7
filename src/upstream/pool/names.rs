//! How many names the idle connections of a host may have been opened for, where requests choose them.
//!
//! Connections for one name serve no other, so a client that makes up names could have all connections of a cluster wait for
//! requests that never come. The one that has waited longest goes first.

use std::collections::HashSet;
use std::hash::Hash;

/// Names that one worker's connections to one host wait for.
pub(super) const MAX_NAMES: usize = 32;

/// How many of these, the one that has waited longest first, have to go so that at most `max` names are left.
pub(super) fn surplus<T: Eq + Hash>(
    names: impl DoubleEndedIterator<Item = T> + ExactSizeIterator,
    max: usize,
) -> usize {
    let mut kept = HashSet::new();
    let mut left = names.len();
    for name in names.rev() {
        kept.insert(name);
        if kept.len() > max {
            return left;
        }
        left -= 1;
    }
    0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_oldest_go_until_so_many_names_are_left() {
        for (names, max, gone) in [
            ("", 2, 0),
            ("aabb", 2, 0),
            ("abc", 2, 1),
            // The last `a` is younger than `b`.
            ("abca", 2, 2),
            ("aaabc", 2, 3),
            ("abc", 3, 0),
            ("ab", 1, 1),
        ] {
            assert_eq!(surplus(names.bytes(), max), gone, "{names} {max}");
        }
    }
}
