//! Waiting for an event, never for a time: one generous deadline turns a hang into a failure that names what was
//! awaited.

use std::{fmt, future::Future, time::Duration};

use tokio::time::{MissedTickBehavior, interval, timeout};

/// Awaits `event`; panics when it has not come within [`DEADLINE`], naming `what` was awaited.
pub(crate) async fn within<T>(what: impl fmt::Display, event: impl Future<Output = T>) -> T {
    let seen = timeout(DEADLINE, event).await;
    seen.unwrap_or_else(|_| panic!("{what}: not seen within {} s", DEADLINE.as_secs()))
}

/// Asks `probe` again and again until it answers; for what can only be polled (a file, another process).
pub(crate) async fn until<T>(what: impl fmt::Display, mut probe: impl AsyncFnMut() -> Option<T>) -> T {
    within(what, async {
        let mut ticks = interval(TICK);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            ticks.tick().await;
            if let Some(value) = probe().await {
                return value;
            }
        }
    })
    .await
}

/// Far above any wait of a healthy run on a slow machine.
pub(crate) const DEADLINE: Duration = Duration::from_secs(30);

const TICK: Duration = Duration::from_millis(10);
