//! Whether HTTP/3 to an origin works: what has failed is left alone for a time that grows, as in Envoy.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// What came of HTTP/3 so far; all workers share it.
#[derive(Debug)]
pub struct Health {
    began: Instant,
    /// Milliseconds since then until which it is left alone.
    broken_until: AtomicU64,
    /// Failures one after the other.
    failures: Mutex<u32>,
}

/// How much may be built on it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Trust {
    /// Nothing is known against it: TCP waits for a moment.
    Good,
    /// It has failed, and may be tried again, TCP beside it.
    Doubtful,
    /// It has failed a short time ago.
    Broken,
}

impl Health {
    pub(super) fn new(now: Instant) -> Self {
        Self { began: now, broken_until: AtomicU64::new(0), failures: Mutex::new(0) }
    }

    /// How much may be built on it now.
    #[must_use]
    pub fn trust(&self, now: Instant) -> Trust {
        match self.broken_until.load(Ordering::Relaxed) {
            0 => Trust::Good,
            until if self.millis(now) < until => Trust::Broken,
            _ => Trust::Doubtful,
        }
    }

    /// It has failed where TCP did not; `random` is from 0 to 1. Whether that is news.
    pub fn failed(&self, now: Instant, random: f64) -> bool {
        let mut failures = self.failures.lock().unwrap_or_else(PoisonError::into_inner);
        if self.trust(now) == Trust::Broken {
            // Another worker was faster: it is one failure.
            return false;
        }
        *failures = failures.saturating_add(1);
        let until = self.millis(now + back_off(*failures, random)).max(1);
        self.broken_until.store(until, Ordering::Relaxed);
        true
    }

    /// A connection of HTTP/3 stands.
    pub fn works(&self) {
        let mut failures = self.failures.lock().unwrap_or_else(PoisonError::into_inner);
        *failures = 0;
        self.broken_until.store(0, Ordering::Relaxed);
    }

    fn millis(&self, at: Instant) -> u64 {
        u64::try_from(at.saturating_duration_since(self.began).as_millis()).unwrap_or(u64::MAX)
    }
}

/// How long it is left alone after so many failures: five minutes, doubled by each up to a day, and up to a tenth more by `random`,
/// so that not all gateways come back at once.
fn back_off(failures: u32, random: f64) -> Duration {
    let doubled = 1_u32.checked_shl(failures.saturating_sub(1)).unwrap_or(u32::MAX);
    let time = FIRST.saturating_mul(doubled).min(LONGEST);
    time + time.mul_f64(random.clamp(0.0, 1.0) / 10.0)
}

/// Envoy's first time.
const FIRST: Duration = Duration::from_secs(300);

/// Envoy's longest is 2^8 times the first: 21 hours.
const LONGEST: Duration = Duration::from_secs(86_400);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_time_doubles_up_to_a_day_and_is_a_tenth_longer_at_most() {
        let minutes = |failures, random| back_off(failures, random).as_secs_f64() / 60.0;
        for (failures, expected) in [(1, 5.0), (2, 10.0), (3, 20.0), (8, 640.0), (9, 1280.0), (10, 1440.0)] {
            assert!((minutes(failures, 0.0) - expected).abs() < 1e-6, "{failures}");
            assert!((minutes(failures, 1.0) - expected * 1.1).abs() < 1e-6, "{failures}");
            assert!((minutes(failures, 0.5) - expected * 1.05).abs() < 1e-6, "{failures}");
        }
        assert_eq!(back_off(u32::MAX, 0.0), LONGEST);
        assert_eq!(back_off(0, f64::NAN.max(0.0)), FIRST);
    }

    #[test]
    fn what_failed_is_left_alone_then_tried_with_care_and_trusted_once_it_works() {
        let start = Instant::now();
        let after = |minutes: u64| start + Duration::from_secs(minutes * 60);
        let health = Health::new(start);
        assert_eq!(health.trust(start), Trust::Good);
        assert!(health.failed(start, 0.0));
        assert!(!health.failed(after(4), 0.0), "two workers that fail at once have failed once");
        assert_eq!((health.trust(after(4)), health.trust(after(5))), (Trust::Broken, Trust::Doubtful));
        assert!(health.failed(after(5), 0.0));
        assert_eq!((health.trust(after(14)), health.trust(after(15))), (Trust::Broken, Trust::Doubtful));
        health.works();
        assert_eq!(health.trust(start), Trust::Good);
        assert!(health.failed(after(20), 0.0));
        assert_eq!((health.trust(after(24)), health.trust(after(25))), (Trust::Broken, Trust::Doubtful));
    }
}
