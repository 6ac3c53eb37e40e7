//! The scalar metrics: what only grows, and what goes up and down.
//!
//! Handles are cheap clones of one cell; every operation is one relaxed atomic instruction.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};

/// A number that only grows, until `/reset_counters`.
#[derive(Clone, Debug, Default)]
pub struct Counter(Arc<CounterCell>);

/// A number that goes up and down.
#[derive(Clone, Debug, Default)]
pub struct Gauge(Arc<GaugeCell>);

/// One unit of a gauge, given back on drop: an open connection, a request in flight.
#[derive(Debug)]
pub struct Held(Gauge);

#[derive(Debug, Default)]
struct CounterCell {
    value: AtomicU64,
    /// Set when a value was reset to zero: the counter has been used all the same.
    was_used: AtomicBool,
}

#[derive(Debug, Default)]
struct GaugeCell {
    value: AtomicU64,
    used: AtomicBool,
}

// === impl Counter ===

impl Counter {
    /// Counts one.
    pub fn inc(&self) {
        self.add(1);
    }

    /// Counts `amount`.
    pub fn add(&self, amount: u64) {
        self.0.value.fetch_add(amount, Relaxed);
    }

    /// The count since the start, or since the last reset.
    #[must_use]
    pub fn value(&self) -> u64 {
        self.0.value.load(Relaxed)
    }

    /// Whether it was ever counted, a reset notwithstanding.
    pub(super) fn used(&self) -> bool {
        self.value() != 0 || self.0.was_used.load(Relaxed)
    }

    pub(super) fn reset(&self) {
        if self.0.value.swap(0, Relaxed) != 0 {
            self.0.was_used.store(true, Relaxed);
        }
    }
}

// === impl Gauge ===

impl Gauge {
    /// Sets the value.
    pub fn set(&self, value: u64) {
        self.0.value.store(value, Relaxed);
        self.mark_used();
    }

    /// Adds `amount`.
    pub fn add(&self, amount: u64) {
        self.0.value.fetch_add(amount, Relaxed);
        self.mark_used();
    }

    /// Takes `amount` away. What is taken away was added before: below zero the value wraps, as an unsigned number does.
    pub fn sub(&self, amount: u64) {
        self.0.value.fetch_sub(amount, Relaxed);
        self.mark_used();
    }

    /// Adds one.
    pub fn inc(&self) {
        self.add(1);
    }

    /// Takes one away.
    pub fn dec(&self) {
        self.sub(1);
    }

    /// Adds one until the answer is dropped.
    #[must_use = "the unit is given back as soon as it is dropped"]
    pub fn hold(&self) -> Held {
        self.inc();
        Held(self.clone())
    }

    /// The value now.
    #[must_use]
    pub fn value(&self) -> u64 {
        self.0.value.load(Relaxed)
    }

    pub(super) fn used(&self) -> bool {
        self.0.used.load(Relaxed)
    }

    fn mark_used(&self) {
        // A load first: once set, the cache line is not written again for this.
        if !self.0.used.load(Relaxed) {
            self.0.used.store(true, Relaxed);
        }
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        self.0.dec();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_counter_that_was_reset_counts_as_used() {
        let counter = Counter::default();
        counter.reset();
        assert!(!counter.used());
        counter.add(3);
        counter.reset();
        assert_eq!(counter.value(), 0);
        assert!(counter.used());
    }

    #[test]
    fn a_gauge_set_to_zero_is_used() {
        let gauge = Gauge::default();
        assert!(!gauge.used());
        gauge.set(0);
        assert!(gauge.used());
    }

    #[test]
    fn a_held_unit_is_given_back() {
        let gauge = Gauge::default();
        let one = gauge.hold();
        let two = gauge.hold();
        assert_eq!(gauge.value(), 2);
        drop(one);
        drop(two);
        assert_eq!(gauge.value(), 0);
    }
}
