//! A limit on log lines that a peer can provoke.
//!
//! The first few are written, then one per second; each line that is written can say how many were not.

use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// The limit of one kind of line. Shared by reference; kept where the line is written.
#[derive(Debug, Default)]
pub struct Limited(Mutex<Bucket>);

/// How many lines may be written at once, and how many were not.
#[derive(Clone, Copy, Debug)]
struct Bucket {
    left: u32,
    /// Since when the next one is being waited for.
    since: Option<Instant>,
    suppressed: u64,
}

// === impl Limited ===

impl Limited {
    /// Whether a line may be written `now`, and then how many were suppressed since the last one.
    ///
    /// ```
    /// # use std::time::Instant;
    /// # let limited = quicgate::observe::log::Limited::default();
    /// if let Some(suppressed) = limited.admit(Instant::now()) {
    ///     tracing::warn!(suppressed, "handshake failed");
    /// }
    /// ```
    pub fn admit(&self, now: Instant) -> Option<u64> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).admit(now)
    }
}

// === impl Bucket ===

impl Bucket {
    fn admit(&mut self, now: Instant) -> Option<u64> {
        self.refill(now);
        if self.left == 0 {
            self.suppressed += 1;
            return None;
        }
        self.left -= 1;
        Some(std::mem::take(&mut self.suppressed))
    }

    /// One more line for each interval that has passed, up to the burst.
    fn refill(&mut self, now: Instant) {
        let since = *self.since.get_or_insert(now);
        let passed = now.saturating_duration_since(since).as_secs() / INTERVAL.as_secs();
        let passed = u32::try_from(passed).unwrap_or(u32::MAX);
        if self.left.saturating_add(passed) >= BURST {
            (self.left, self.since) = (BURST, Some(now));
        } else {
            (self.left, self.since) = (self.left + passed, Some(since + INTERVAL * passed));
        }
    }
}

impl Default for Bucket {
    fn default() -> Self {
        Self { left: BURST, since: None, suppressed: 0 }
    }
}

/// Lines written at once.
const BURST: u32 = 5;

/// The time for which one more is allowed.
const INTERVAL: Duration = Duration::from_secs(1);

#[cfg(test)]
mod tests {
    use super::*;

    fn at(start: Instant, milliseconds: u64) -> Instant {
        start + Duration::from_millis(milliseconds)
    }

    #[test]
    fn five_at_once_then_one_per_second_with_a_count() {
        let (limited, start) = (Limited::default(), Instant::now());
        let burst: Vec<_> = (0..10).map(|_| limited.admit(start)).collect();
        assert_eq!(burst, [[Some(0); 5], [None; 5]].concat());
        assert_eq!(limited.admit(at(start, 999)), None);
        assert_eq!(limited.admit(at(start, 1000)), Some(6));
        assert_eq!(limited.admit(at(start, 1001)), None);
        assert_eq!(limited.admit(at(start, 2500)), Some(1));
        assert_eq!(limited.admit(at(start, 3000)), Some(0));
    }

    #[test]
    fn after_quiet_the_burst_is_back() {
        let (limited, start) = (Limited::default(), Instant::now());
        (0..100).for_each(|_| {
            limited.admit(start);
        });
        let later: Vec<_> = (0..7).map(|_| limited.admit(at(start, 60_000))).collect();
        assert_eq!(later, [Some(95), Some(0), Some(0), Some(0), Some(0), None, None]);
    }

    #[test]
    fn a_flood_of_an_hour_writes_one_line_a_second() {
        let (limited, start) = (Limited::default(), Instant::now());
        let admitted: Vec<_> = (0..36_000).filter_map(|tenth| limited.admit(at(start, tenth * 100))).collect();
        assert_eq!(admitted.len(), 5 + 3599);
        assert_eq!(admitted.iter().sum::<u64>() + admitted.len() as u64, 36_000 - 9);
    }
}
