//! Signs of life on a connection: Envoy's `connection_keepalive`, by PING (RFC 9113 §6.7).

use std::future::{pending, poll_fn};
use std::sync::Arc;
use std::time::Duration;

use h2::{Ping, PingPong};
use tokio::sync::Notify;

use crate::config::duration;
use crate::config::proto::envoy::config::core::v3::KeepaliveSettings;

/// When the peer is asked for a sign of life.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct KeepAlive {
    /// Again and again after so long; never where `None`.
    pub interval: Option<Duration>,
    /// How much longer it may be by chance, in hundredths of the interval.
    pub jitter: f64,
    /// How long the answer may take before the connection counts as dead.
    pub timeout: Duration,
    /// Before this side opens a stream that comes after so long without one.
    pub after_idle: Option<Duration>,
}

impl KeepAlive {
    /// As it is written.
    #[must_use]
    pub fn of(written: &KeepaliveSettings) -> Self {
        Self {
            interval: written.interval.as_ref().map(duration),
            jitter: written.interval_jitter.as_ref().map_or(JITTER, |percent| percent.value),
            timeout: written.timeout.as_ref().map(duration).unwrap_or_default(),
            after_idle: written.connection_idle_interval.as_ref().map(duration),
        }
    }
}

/// Asks for signs of life; resolves when none has come in time. `now` asks for one at once.
pub(super) async fn keep_alive(mut pings: PingPong, settings: KeepAlive, now: Arc<Notify>) {
    loop {
        tokio::select! {
            () = wait(settings.interval, settings.jitter) => {}
            () = now.notified() => {}
        }
        if pings.send_ping(Ping::opaque()).is_err() {
            // Who keeps the connection going sees why.
            return pending().await;
        }
        match tokio::time::timeout(settings.timeout, poll_fn(|cx| pings.poll_pong(cx))).await {
            Ok(Ok(_)) => {}
            Ok(Err(_)) => return pending().await,
            Err(_) => return,
        }
    }
}

async fn wait(interval: Option<Duration>, jitter: f64) {
    let Some(interval) = interval else { return pending().await };
    tokio::time::sleep(lengthened(interval, jitter, rand::random())).await;
}

/// The interval and, by `random` from 0 to 1, a part of the jitter.
fn lengthened(interval: Duration, jitter: f64, random: f64) -> Duration {
    interval + interval.mul_f64(jitter.clamp(0.0, 100.0) / 100.0 * random)
}

/// Envoy's default `interval_jitter`, in hundredths.
const JITTER: f64 = 15.0;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_interval_is_longer_by_chance() {
        let interval = Duration::from_secs(10);
        assert_eq!(lengthened(interval, 50.0, 0.0), interval);
        assert_eq!(lengthened(interval, 50.0, 1.0), Duration::from_secs(15));
        assert_eq!(lengthened(interval, 0.0, 1.0), interval);
    }
}
