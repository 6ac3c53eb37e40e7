//! How many exchanges a connection has open, since when it has none, and how many of them its client gave up at once.
//!
//! A request costs its client a few bytes and the gateway an exchange; who resets it at once may open the next one, whatever
//! the limit of open streams is. The rule for those who do is Envoy's: [`too_many`].

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use tokio::sync::Notify;

/// The exchanges of one connection. All who touch it live on one worker; the atomics are never contended.
#[derive(Debug)]
pub struct Activity {
    born: Instant,
    open: AtomicUsize,
    served: AtomicU64,
    /// Milliseconds after `born` when the last exchange ended.
    idle_since: AtomicU64,
    quiet: Notify,
    ended: AtomicU64,
    premature: AtomicU64,
    flooded: Notify,
}

impl Activity {
    /// A connection that began at `now` and has no exchange yet.
    #[must_use]
    pub fn new(now: Instant) -> Arc<Self> {
        Arc::new(Self {
            born: now,
            open: AtomicUsize::new(0),
            served: AtomicU64::new(0),
            idle_since: AtomicU64::new(0),
            quiet: Notify::new(),
            ended: AtomicU64::new(0),
            premature: AtomicU64::new(0),
            flooded: Notify::new(),
        })
    }

    /// Notes one more exchange; it ends when the returned value is dropped.
    #[must_use]
    pub fn begin(self: &Arc<Self>) -> Busy {
        self.open.fetch_add(1, Ordering::Relaxed);
        self.served.fetch_add(1, Ordering::Relaxed);
        Busy { activity: Arc::clone(self) }
    }

    /// When the connection began.
    #[must_use]
    pub fn born(&self) -> Instant {
        self.born
    }

    /// How many exchanges are open.
    #[must_use]
    pub fn open(&self) -> usize {
        self.open.load(Ordering::Relaxed)
    }

    /// How many exchanges were ever begun.
    #[must_use]
    pub fn served(&self) -> u64 {
        self.served.load(Ordering::Relaxed)
    }

    /// Since when no exchange is open; `None` while one is.
    #[must_use]
    pub fn idle_since(&self) -> Option<Instant> {
        let since = Duration::from_millis(self.idle_since.load(Ordering::Relaxed));
        (self.open() == 0).then(|| self.born + since)
    }

    /// Takes note of an exchange that is over: how old it became, and whether its response had begun.
    pub fn ended(&self, age: Duration, answered: bool) {
        self.ended.fetch_add(1, Ordering::Relaxed);
        if !answered && age.as_secs() <= MIN_LIFETIME_SECONDS {
            self.premature.fetch_add(1, Ordering::Relaxed);
            if self.is_flooded() {
                self.flooded.notify_one();
            }
        }
    }

    /// Whether too many exchanges ended before their time.
    #[must_use]
    pub fn is_flooded(&self) -> bool {
        too_many(self.ended.load(Ordering::Relaxed), self.premature.load(Ordering::Relaxed))
    }

    /// Resolves when too many exchanges ended before their time. Cancel-safe.
    pub async fn flooded(&self) {
        while !self.is_flooded() {
            self.flooded.notified().await;
        }
    }

    /// Resolves when no exchange is open. Cancel-safe.
    pub async fn quiet(&self) {
        while self.open() > 0 {
            self.quiet.notified().await;
        }
    }
}

/// An open exchange.
#[derive(Debug)]
pub struct Busy {
    activity: Arc<Activity>,
}

impl Drop for Busy {
    fn drop(&mut self) {
        let now = u64::try_from(self.activity.born.elapsed().as_millis()).unwrap_or(u64::MAX);
        self.activity.idle_since.store(now, Ordering::Relaxed);
        if self.activity.open.fetch_sub(1, Ordering::Relaxed) == 1 {
            self.activity.quiet.notify_one();
        }
    }
}

/// RFC 9113 §10.5, RFC 9114 §10.5: whether a client abuses streams. Of those that ended, half or more were premature; while
/// they are few, it is enough that they would be half even if every other one up to the threshold ended well.
fn too_many(ended: u64, premature: u64) -> bool {
    premature.saturating_mul(2) >= ended.max(TOTAL_STREAM_COUNT)
}

/// Envoy's default of the runtime key `overload.premature_reset_total_stream_count`.
const TOTAL_STREAM_COUNT: u64 = 500;

/// Envoy's default of `overload.premature_reset_min_stream_lifetime_seconds`; as there, whole seconds are counted.
const MIN_LIFETIME_SECONDS: u64 = 1;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn half_of_many_streams_is_too_many() {
        assert!(!too_many(0, 0));
        assert!(!too_many(249, 249));
        assert!(too_many(250, 250), "the others up to 500 cannot make it less than half");
        assert!(!too_many(499, 249));
        assert!(!too_many(10_000, 4_999));
        assert!(too_many(10_000, 5_000));
    }

    #[test]
    fn what_was_answered_or_lived_is_not_premature() {
        let activity = Activity::new(Instant::now());
        for _ in 0..1000 {
            activity.ended(Duration::ZERO, true);
            activity.ended(Duration::from_secs(2), false);
        }
        assert!(!activity.is_flooded());
        for _ in 0..2000 {
            activity.ended(Duration::from_millis(1999), false);
        }
        assert!(activity.is_flooded());
    }

    #[test]
    fn idle_only_while_nothing_is_open() {
        let activity = Activity::new(Instant::now());
        assert_eq!(activity.idle_since(), Some(activity.born()));
        let first = activity.begin();
        let second = activity.begin();
        drop(first);
        assert!(activity.idle_since().is_none());
        drop(second);
        assert!(activity.idle_since().is_some());
        assert_eq!(activity.served(), 2);
    }
}
