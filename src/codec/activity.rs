//! How many exchanges a connection has open, and since when it has none.

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

#[cfg(test)]
mod tests {
    use super::*;

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
