//! When a connection must end: the gateway drains, it was idle for too long, it is too old, its client only resets.
//!
//! One timer a connection, set to the earliest instant that could matter and looked at again when it fires; nothing is
//! re-armed while requests flow.

use std::sync::Arc;
use std::time::{Duration, Instant};

use super::Activity;
use crate::drain::{Phase, Watch};

/// Watches over one connection.
#[derive(Debug)]
pub struct Lifetime {
    watch: Watch,
    activity: Arc<Activity>,
    limits: ConnectionLimits,
    /// Since when the connection has been on its way to its end.
    told: Option<Instant>,
    /// How far the worker was on its way when it was last looked at.
    seen: Phase,
}

/// Limits of a connection: Envoy's `common_http_protocol_options`; `None` is no limit.
#[derive(Clone, Debug)]
pub struct ConnectionLimits {
    /// How long it may be without an exchange.
    pub idle_timeout: Option<Duration>,
    /// How old it may become.
    pub max_duration: Option<Duration>,
    /// How many requests it may serve.
    pub max_requests: Option<u64>,
    /// How long it stays, once told to end, after its last exchange, so that the client can read to the end.
    pub delayed_close: Duration,
}

/// Why a connection must end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ending {
    /// The gateway drains, or the connection has served as many requests as it may: say GOAWAY, finish what is open.
    Drain,
    /// No exchange for `idle_timeout`: as `Drain`.
    Idle,
    /// Older than `max_connection_duration`: as `Drain`.
    MaxDuration,
    /// It was told to end, nothing is open any more, and the client had the time to read: close.
    Settled,
    /// The client gave too many requests up at once: end at once, and say so.
    TooManyResets,
    /// The time to drain is over: end at once.
    Now,
}

impl Lifetime {
    /// Watches over a connection with these exchanges.
    #[must_use]
    pub fn new(watch: Watch, activity: Arc<Activity>, limits: ConnectionLimits) -> Self {
        Self { watch, activity, limits, told: None, seen: Phase::Serving }
    }

    /// The client needs at least this long to read the last response: a few round trips.
    pub fn allow(&mut self, time: Duration) {
        self.limits.delayed_close = self.limits.delayed_close.max(time);
    }

    /// Resolves when the connection must end. Cancel-safe. After the first answer only `Settled`,
    /// `TooManyResets` and `Now` are left.
    pub async fn ending(&mut self) -> Ending {
        loop {
            let now = Instant::now();
            if let Some(ending) = self.due(now) {
                return self.tell(ending, now);
            }
            let look_again = self.next_look(now);
            let quiet = self.told.is_some() && self.activity.open() > 0;
            tokio::select! {
                biased;
                phase = self.watch.beyond(self.seen), if self.seen < Phase::Closing => {
                    self.seen = phase;
                    if let Some(ending) = self.asked(phase) {
                        return self.tell(ending, now);
                    }
                }
                () = self.activity.flooded() => {}
                () = self.activity.quiet(), if quiet => {}
                () = sleep_until(look_again) => {}
            }
        }
    }

    /// What the worker's phase means for this connection.
    fn asked(&self, phase: Phase) -> Option<Ending> {
        let drain = match phase {
            Phase::Closing => return Some(Ending::Now),
            Phase::Draining => true,
            // Who came after health checks began to fail is served before it goes.
            Phase::Leaving => self.activity.served() > 0,
            Phase::Serving => false,
        };
        (drain && self.told.is_none()).then_some(Ending::Drain)
    }

    fn tell(&mut self, ending: Ending, now: Instant) -> Ending {
        self.told.get_or_insert(now);
        ending
    }

    fn due(&self, now: Instant) -> Option<Ending> {
        if self.activity.is_flooded() {
            return Some(Ending::TooManyResets);
        }
        let since = self.activity.idle_since();
        if let Some(told) = self.told {
            let over = since.is_some_and(|since| now >= since.max(told) + self.limits.delayed_close);
            return over.then_some(Ending::Settled);
        }
        if let (Some(limit), Some(since)) = (self.limits.idle_timeout, since)
            && now >= since + limit
        {
            return Some(Ending::Idle);
        }
        if self.limits.max_duration.is_some_and(|limit| now >= self.activity.born() + limit) {
            return Some(Ending::MaxDuration);
        }
        self.limits.max_requests.is_some_and(|max| self.activity.served() >= max).then_some(Ending::Drain)
    }

    /// The earliest instant at which `due` could say something new.
    fn next_look(&self, now: Instant) -> Option<Instant> {
        let since = self.activity.idle_since();
        if let Some(told) = self.told {
            return since.map(|since| since.max(told) + self.limits.delayed_close);
        }
        let idle = self.limits.idle_timeout.map(|limit| since.unwrap_or(now) + limit);
        let old = self.limits.max_duration.map(|limit| self.activity.born() + limit);
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
        let limits = ConnectionLimits {
            idle_timeout: idle,
            max_duration: None,
            max_requests: Some(2),
            delayed_close: Duration::ZERO,
        };
        (Lifetime::new(drain.watch(), Arc::clone(&activity), limits), activity)
    }

    #[tokio::test]
    async fn draining_is_said_once_and_then_the_connection_settles() {
        let drain = Drain::default();
        let (mut lifetime, activity) = lifetime(&drain, None);
        let busy = activity.begin();
        drain.begin();
        assert_eq!(lifetime.ending().await, Ending::Drain);
        assert_eq!(lifetime.due(Instant::now()), None);
        drop(busy);
        assert_eq!(lifetime.ending().await, Ending::Settled);
        drain.force();
        assert_eq!(lifetime.ending().await, Ending::Settled);
    }

    #[tokio::test]
    async fn closing_does_not_wait_for_what_is_open() {
        let drain = Drain::default();
        let (mut lifetime, activity) = lifetime(&drain, None);
        let _busy = activity.begin();
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
        assert_eq!(lifetime.ending().await, Ending::Settled);
    }

    #[tokio::test]
    async fn max_requests_drains() {
        let drain = Drain::default();
        let (mut lifetime, activity) = lifetime(&drain, None);
        drop((activity.begin(), activity.begin()));
        assert_eq!(lifetime.ending().await, Ending::Drain);
    }

    #[tokio::test]
    async fn who_comes_while_others_are_asked_to_leave_is_served() {
        let drain = Drain::default();
        let (mut lifetime, activity) = lifetime(&drain, None);
        drain.leave(true);
        let asked = std::pin::pin!(lifetime.ending());
        assert!(futures_poll(asked).await.is_none());
        drop(activity.begin());
    }

    /// Polls once.
    async fn futures_poll<F: Future>(mut future: std::pin::Pin<&mut F>) -> Option<F::Output> {
        std::future::poll_fn(|cx| {
            std::task::Poll::Ready(match future.as_mut().poll(cx) {
                std::task::Poll::Ready(output) => Some(output),
                std::task::Poll::Pending => None,
            })
        })
        .await
    }
}
