//! Counters and gauges of a program under test.

use std::collections::BTreeMap;

/// Values by name, at one moment.
#[derive(Clone, Debug, Default)]
pub(crate) struct Stats(pub(crate) BTreeMap<String, i64>);

impl Stats {
    /// What changed since `earlier`.
    pub(crate) fn since(&self, earlier: &Self) -> BTreeMap<String, i64> {
        let change = |(name, now): (&String, &i64)| (name.clone(), now - earlier.of(name));
        self.0.iter().map(change).filter(|(_, change)| *change != 0).collect()
    }

    /// The value of that name, 0 when it was never used.
    pub(crate) fn of(&self, name: &str) -> i64 {
        self.0.get(name).copied().unwrap_or_default()
    }

    /// Lines `name: 1`; histograms and texts are left out.
    pub(crate) fn parse(text: &str) -> Self {
        let line = |line: &str| {
            let (name, value) = line.split_once(": ")?;
            Some((name.to_owned(), value.parse().ok()?))
        };
        Self(text.lines().filter_map(line).collect())
    }
}
