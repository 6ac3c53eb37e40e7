//! When a connection must end: the gateway drains, it was idle for too long, it is too old.
//!
//! One timer a connection, set to the earliest instant that could matter and looked at again when it fires; nothing is
//! re-armed while requests flow.

use std::sync::Arc;
use std::time::{Duration, Instant};

use super::Activity;
use crate::drain::Watch;

/// Watches over one connection.
#[derive(Debug)]
pub struct Lifetime {
    watch: Watch,
    activity: Arc<Activity>,
    idle_timeout: Option<Duration>,
    max_duration: Option<Duration>,
    max_requests: Option<u64>,
    told: bool,
    asked_to_leave: bool,
}

/// Why a connection must end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ending {
    /// The gateway drains, or the connection has served as many requests as it may: say GOAWAY, finish what is open.
    Drain,
    /// No exchange for `idle_timeout`.
    Idle,
    /// Older than `max_connection_duration`: as `Drain`.
    MaxDuration,
    /// The time to drain is over: end at once.
    Now,
}

impl Lifetime {
    /// `idle_timeout`, `max_duration` and `max_requests` are Envoy's `common_http_protocol_options`; `None` is no limit.
    #[must_use]
    pub fn new(
        watch: Watch,
        activity: Arc<Activity>,
        idle_timeout: Option<Duration>,
        max_duration: Option<Duration>,
        max_requests: Option<u64>,
    ) -> Self {
        Self { watch, activity, idle_timeout, max_duration, max_requests, told: false, asked_to_leave: false }
    }

    /// Resolves when the connection must end. Cancel-safe; after `Drain` or `MaxDuration` only `Idle` and `Now` are left.
    pub async fn ending(&mut self) -> Ending {
        loop {
            let now = Instant::now();
            if let Some(ending) = self.due(now) {
                self.told |= matches!(ending, Ending::Drain | Ending::MaxDuration);
                return ending;
            }
            let look_again = self.next_look(now);
            let (mut closing, mut leaving) = (self.watch.clone(), self.watch.clone());
            tokio::select! {
                biased;
                () = closing.closing() => return Ending::Now,
                () = self.watch.draining(), if !self.told => {
                    self.told = true;
                    return Ending::Drain;
                }
                () = leaving.leaving(), if !self.told && !self.asked_to_leave => {
                    self.asked_to_leave = true;
                    // Who came after health checks began to fail is served before it goes.
                    if self.activity.served() > 0 {
                        self.told = true;
                        return Ending::Drain;
                    }
                }
                () = sleep_until(look_again) => {}
            }
        }
    }

    fn due(&self, now: Instant) -> Option<Ending> {
        if let (Some(limit), Some(since)) = (self.idle_timeout, self.activity.idle_since())
            && now >= since + limit
        {
            return Some(Ending::Idle);
        }
        if self.told {
            return None;
        }
        if self.max_duration.is_some_and(|limit| now >= self.activity.born() + limit) {
            return Some(Ending::MaxDuration);
        }
        self.max_requests.is_some_and(|max| self.activity.served() >= max).then_some(Ending::Drain)
    }

    /// The earliest instant at which `due` could say something new.
    fn next_look(&self, now: Instant) -> Option<Instant> {
        let idle = self.idle_timeout.map(|limit| self.activity.idle_since().unwrap_or(now) + limit);
        let old = self.max_duration.filter(|_| !self.told).map(|limit| self.activity.born() + limit);
        [idle, old].into_iter().flatten().min()
    }
}

async fn sleep_until(deadline: Option<Instant>) {
    match deadline {
        Some(deadline) => tokio::time::sleep_until(deadline.into()).await,
        None => std::future::pending().await,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::drain::Drain;

    fn lifetime(drain: &Drain, idle: Option<Duration>) -> (Lifetime, Arc<Activity>) {
        let activity = Activity::new(Instant::now());
        (Lifetime::new(drain.watch(), Arc::clone(&activity), idle, None, Some(2)), activity)
    }

    #[tokio::test]
    async fn draining_is_said_once_and_closing_after_it() {
        let drain = Drain::default();
        let (mut lifetime, _) = lifetime(&drain, None);
        drain.begin();
        assert_eq!(lifetime.ending().await, Ending::Drain);
        drain.force();
        assert_eq!(lifetime.ending().await, Ending::Now);
    }

    #[tokio::test]
    async fn an_idle_connection_ends_and_a_busy_one_does_not() {
        let drain = Drain::default();
        let (mut lifetime, activity) = lifetime(&drain, Some(Duration::ZERO));
        let busy = activity.begin();
        assert_eq!(lifetime.due(Instant::now()), None);
        drop(busy);
        assert_eq!(lifetime.ending().await, Ending::Idle);
    }

    #[tokio::test]
    async fn max_requests_drains() {
        let drain = Drain::default();
        let (mut lifetime, activity) = lifetime(&drain, None);
        drop((activity.begin(), activity.begin()));
        assert_eq!(lifetime.ending().await, Ending::Drain);
    }
}
