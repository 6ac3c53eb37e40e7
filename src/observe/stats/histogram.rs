//! Distributions of whole numbers (milliseconds, bytes, counts) in log-linear bins.
//!
//! The bins are those of Envoy's circllhist for integers: one per value up to 9, then 90 per power of ten, so a bin is
//! never wider than a tenth of its lower bound. A block of bins is made when its power of ten is first seen: an unused
//! histogram is about 500 bytes, a busy one some kilobytes, whatever is recorded. Recording is two relaxed additions.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

/// A distribution of recorded values.
#[derive(Clone, Debug, Default)]
pub struct Histogram(Arc<Cell>);

/// What a histogram held at one moment: its bins that are not empty, in ascending order, and the exact sum.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Distribution {
    bins: Vec<Bin>,
    sum: u64,
}

/// One bin: values from `lower`, up to and without `lower + width`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Bin {
    /// The least value that falls into it.
    pub lower: u64,
    /// Its width: 0 for zero, 0.1 up to 9, then a tenth of the power of ten.
    pub width: f64,
    /// How many values fell into it.
    pub count: u64,
}

#[derive(Debug, Default)]
struct Cell {
    /// Values 0 to 9, then one block for each power of ten.
    decades: [OnceLock<Box<[AtomicU64]>>; DECADES],
    sum: AtomicU64,
    latched: Mutex<Latched>,
}

/// The two ends of the last complete interval.
#[derive(Debug, Default)]
struct Latched {
    until: Distribution,
    interval: Distribution,
}

// === impl Histogram ===

impl Histogram {
    /// Records one value. Allocates the first time a power of ten is seen, never after.
    pub fn record(&self, value: u64) {
        let (decade, slot) = place(value);
        let Some(block) = self.0.decades.get(decade) else { return };
        let bins = block.get_or_init(|| (0..slots(decade)).map(|_| AtomicU64::new(0)).collect());
        if let Some(bin) = bins.get(slot) {
            bin.fetch_add(1, Relaxed);
            self.0.sum.fetch_add(value, Relaxed);
        }
    }

    /// Everything recorded since the start.
    #[must_use]
    pub fn cumulative(&self) -> Distribution {
        let mut bins = Vec::new();
        for (decade, block) in self.0.decades.iter().enumerate() {
            for (slot, count) in block.get().into_iter().flatten().enumerate() {
                let count = count.load(Relaxed);
                if count != 0 {
                    bins.push(Bin { lower: lower(decade, slot), width: width(decade, slot), count });
                }
            }
        }
        Distribution { bins, sum: self.0.sum.load(Relaxed) }
    }

    /// What was recorded in the last complete interval, that is between the last two calls of `latch`.
    #[must_use]
    pub fn interval(&self) -> Distribution {
        self.latched().interval.clone()
    }

    /// Ends the interval: what came since the last call becomes [`Histogram::interval`].
    pub(super) fn latch(&self) {
        let now = self.cumulative();
        let mut latched = self.latched();
        latched.interval = now.since(&latched.until);
        latched.until = now;
    }

    pub(super) fn used(&self) -> bool {
        self.0.decades.iter().any(|block| block.get().is_some())
    }

    fn latched(&self) -> std::sync::MutexGuard<'_, Latched> {
        self.0.latched.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

// === impl Distribution ===

impl Distribution {
    /// How many values.
    #[must_use]
    pub fn count(&self) -> u64 {
        self.bins.iter().map(|bin| bin.count).sum()
    }

    /// Their exact sum (Envoy reports one guessed from the bins).
    #[must_use]
    pub fn sum(&self) -> u64 {
        self.sum
    }

    /// The bins that hold something, ascending.
    #[must_use]
    pub fn bins(&self) -> &[Bin] {
        &self.bins
    }

    /// The value below which a part `quantile` (0 to 1) of all values lies; NaN when there is none.
    ///
    /// As Envoy: the values of a bin are taken to be spread evenly over it, the answer is one of them.
    #[must_use]
    #[expect(
        clippy::cast_precision_loss,
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "a quantile of counts beyond 2^53 need not be exact, and a rank lies between 1 and the count"
    )]
    pub fn quantile(&self, quantile: f64) -> f64 {
        let count = self.count();
        let mut rank = ((quantile * count as f64).ceil() as u64).clamp(1, count.max(1));
        for bin in &self.bins {
            if rank <= bin.count {
                return bin.lower as f64 + bin.width * rank as f64 / (bin.count + 1) as f64;
            }
            rank -= bin.count;
        }
        f64::NAN
    }

    /// How many values are in bins that begin at or below `bound`.
    #[must_use]
    #[expect(clippy::cast_precision_loss, reason = "bounds are far below 2^53")]
    pub fn at_most(&self, bound: f64) -> u64 {
        self.bins.iter().take_while(|bin| bin.lower as f64 <= bound).map(|bin| bin.count).sum()
    }

    /// What this one holds more than `earlier`.
    fn since(&self, earlier: &Self) -> Self {
        let before = |lower| {
            let found = earlier.bins.binary_search_by_key(&lower, |bin| bin.lower);
            found.ok().and_then(|index| earlier.bins.get(index)).map_or(0, |bin| bin.count)
        };
        let newer = self.bins.iter().map(|bin| Bin { count: bin.count.saturating_sub(before(bin.lower)), ..*bin });
        Self { bins: newer.filter(|bin| bin.count != 0).collect(), sum: self.sum.wrapping_sub(earlier.sum) }
    }
}

/// The block and the bin within it.
fn place(value: u64) -> (usize, usize) {
    let decade = value.checked_ilog10().unwrap_or(0);
    let slot = if decade == 0 { value } else { value / 10_u64.pow(decade - 1) - 10 };
    (usize::try_from(decade).unwrap_or(0), usize::try_from(slot).unwrap_or(0))
}

fn slots(decade: usize) -> usize {
    if decade == 0 { 10 } else { 90 }
}

fn lower(decade: usize, slot: usize) -> u64 {
    let slot = u64::try_from(slot).unwrap_or(u64::MAX);
    if decade == 0 { slot } else { (slot + 10).saturating_mul(step(decade)) }
}

#[expect(clippy::cast_precision_loss, reason = "a power of ten up to 10^18 is an exact f64")]
fn width(decade: usize, slot: usize) -> f64 {
    match (decade, slot) {
        (0, 0) => 0.0,
        (0, _) => 0.1,
        _ => step(decade) as f64,
    }
}

/// The width of a bin of a decade from 1 on.
fn step(decade: usize) -> u64 {
    10_u64.pow(u32::try_from(decade.saturating_sub(1)).unwrap_or(0))
}

/// Powers of ten in a `u64`: 10^0 to 10^19.
const DECADES: usize = 20;

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn of(values: &[u64]) -> Histogram {
        let histogram = Histogram::default();
        for value in values {
            histogram.record(*value);
        }
        histogram
    }

    /// Values and answers as Envoy 1.40 gave them for `upstream_rq_per_cx`.
    #[test]
    fn quantiles_are_envoys() {
        let seen = of(&[1, 5, 5, 10, 25, 26, 99, 100, 101, 250, 999, 1000, 1005]).cumulative();
        let quantiles = [0.0, 0.25, 0.5, 0.75, 0.9, 0.95, 1.0].map(|q| seen.quantile(q).to_string());
        let expected =
            ["1.05", "10.5", "99.5", "255", "1033.3333333333333", "1066.6666666666667", "1066.6666666666667"];
        assert_eq!(quantiles, expected);
        let buckets = [0.5, 1.0, 5.0, 10.0, 25.0, 50.0, 100.0, 250.0, 500.0, 1000.0].map(|le| seen.at_most(le));
        assert_eq!(buckets, [0, 1, 3, 4, 5, 6, 9, 10, 10, 13]);
    }

    #[test]
    fn bins_are_envoys() {
        let seen = of(&[0, 0, 9, 10, 99, 100, 109, 990, 1005]).cumulative();
        let bins: Vec<_> = seen.bins().iter().map(|bin| format!("{},{}:{}", bin.lower, bin.width, bin.count)).collect();
        assert_eq!(bins, ["0,0:2", "9,0.1:1", "10,1:1", "99,1:1", "100,10:2", "990,10:1", "1000,100:1"]);
        assert_eq!(seen.sum(), 2322);
    }

    #[test]
    fn nothing_recorded_has_no_quantile() {
        let histogram = Histogram::default();
        assert!(!histogram.used());
        assert!(histogram.cumulative().quantile(0.5).is_nan());
    }

    #[test]
    fn an_interval_is_what_came_between_two_latches() {
        let histogram = of(&[1, 2]);
        assert_eq!(histogram.interval().count(), 0);
        histogram.latch();
        assert_eq!(histogram.interval().count(), 2);
        histogram.record(2);
        histogram.record(700);
        histogram.latch();
        let interval = histogram.interval();
        assert_eq!((interval.count(), interval.sum()), (2, 702));
        assert_eq!(histogram.cumulative().count(), 4);
        histogram.latch();
        assert!(histogram.interval().quantile(0.5).is_nan());
    }

    proptest! {
        #[test]
        fn every_value_lies_in_its_bin(value: u64) {
            let seen = of(&[value]).cumulative();
            let [bin] = seen.bins() else { panic!("one value, one bin") };
            prop_assert!(bin.lower <= value);
            prop_assert!(value - bin.lower <= bin.lower / 10, "a tenth at most");
            prop_assert_eq!((seen.count(), seen.sum()), (1, value));
        }
    }
}
