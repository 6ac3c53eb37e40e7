//! Signs of life (RFC 9113 §6.7): a PING now and then, whose answer has to come in time.

use std::future::{pending, poll_fn};
use std::time::Duration;

use h2::{Ping, PingPong};
use tokio::time::{Instant, sleep_until};

use crate::codec::KeepAlive;

/// The PINGs of one connection.
pub(super) struct Pings {
    settings: Option<(KeepAlive, PingPong)>,
    /// When the next one goes out, or the answer to the last has to be there.
    next: Instant,
    awaited: bool,
}

impl Pings {
    /// Those of a connection that begins now.
    pub(super) fn new(settings: Option<KeepAlive>, pings: Option<PingPong>) -> Self {
        let settings = settings.zip(pings);
        let wait = settings.as_ref().map_or(Duration::ZERO, |(settings, _)| interval(*settings));
        Self { settings, next: Instant::now() + wait, awaited: false }
    }

    /// Resolves when the client has given no sign of life in time. Cancel-safe.
    pub(super) async fn unanswered(&mut self) {
        let Some((settings, pings)) = &mut self.settings else { return pending().await };
        loop {
            if self.awaited {
                tokio::select! {
                    biased;
                    pong = poll_fn(|cx| pings.poll_pong(cx)) => match pong {
                        Ok(_) => {
                            self.awaited = false;
                            self.next = Instant::now() + interval(*settings);
                        }
                        // The connection has ended, and says so itself.
                        Err(_) => return pending().await,
                    },
                    () = sleep_until(self.next) => return,
                }
            } else {
                sleep_until(self.next).await;
                if pings.send_ping(Ping::opaque()).is_err() {
                    return pending().await;
                }
                self.awaited = true;
                self.next = Instant::now() + settings.timeout;
            }
        }
    }
}

/// The time to the next PING.
fn interval(settings: KeepAlive) -> Duration {
    later(settings, rand::random())
}

/// `random` is evenly distributed between 0 and 1.
fn later(settings: KeepAlive, random: f64) -> Duration {
    settings.interval.mul_f64(1.0 + settings.jitter * random)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_ping_may_come_later_by_a_part_of_the_interval() {
        let settings = KeepAlive { interval: Duration::from_secs(100), jitter: 0.5, timeout: Duration::ZERO };
        assert_eq!([0.0, 0.5].map(|random| later(settings, random).as_secs()), [100, 125]);
    }
}
