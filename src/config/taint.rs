//! What the walk could not read, so that building does not complain about it once more.
//!
//! A fault at `a.b` leaves `b` out of the message `a`. Building then finds nothing at `a.b`, or a message `a` without
//! what it needs, or nothing below `a.b`: each follows from the fault. What lies beside it is judged as always.

use std::collections::HashSet;

/// The paths of faults.
#[derive(Debug, Default)]
pub(crate) struct Taint {
    faulty: HashSet<Box<str>>,
    /// Every path with a fault somewhere below it.
    above: HashSet<Box<str>>,
}

impl Taint {
    /// Adds the path of a fault.
    pub(crate) fn add(&mut self, path: &str) {
        self.above.extend(ancestors(path).map(Into::into));
        self.faulty.insert(path.into());
    }

    /// Whether a fault lies at the path, below it or around it.
    pub(crate) fn touches(&self, path: &str) -> bool {
        let known = |path: &str| self.faulty.contains(path);
        known(path) || self.above.contains(path) || ancestors(path).any(known)
    }
}

/// The paths around a path: `a.b[1]` has `a.b`, `a` and the top, which is empty. A key of a map may hold any character,
/// and a path too many does no harm.
fn ancestors(path: &str) -> impl Iterator<Item = &str> {
    let cuts = path.char_indices().rev().filter(|(_, c)| matches!(c, '.' | '[')).map(|(index, _)| index);
    cuts.chain((!path.is_empty()).then_some(0)).filter_map(|index| path.get(..index))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fault_taints_what_is_around_and_below_it_and_nothing_beside_it() {
        let mut taint = Taint::default();
        taint.add("a.list[1].b");
        for path in ["", "a", "a.list", "a.list[1]", "a.list[1].b", "a.list[1].b.c", "a.list[1].b[0]"] {
            assert!(taint.touches(path), "{path}");
        }
        for path in ["b", "a.lis", "a.list[0]", "a.list[10]", "a.list[1].bc", "a.list[1].c"] {
            assert!(!taint.touches(path), "{path}");
        }
        assert!(!Taint::default().touches(""));
    }
}
