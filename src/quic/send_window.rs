//! How many bytes a connection may hold that its client has not acknowledged.
//!
//! What was written waits in memory until it is acknowledged, so that a client that acknowledges nothing holds a whole window
//! of it. The window follows the path, therefore: small at first, and never more than the path has shown that it can use.
//! The codec tells what it writes; from time to time that is the occasion to look. No timer, no lock of ours.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use quinn::Connection;

/// The send window of one connection. Those who write to it are on one worker: the atomics are never contended.
#[derive(Debug)]
pub struct SendWindow {
    /// What quinn was told last.
    size: AtomicU64,
    /// Bytes written since the last look.
    written: AtomicU64,
}

/// What is known of the path to a client.
#[derive(Clone, Copy, Debug)]
struct Path {
    /// Bytes that may be on their way at once, as the congestion controller has it.
    congestion_window: u64,
    /// The shortest round trip so far: that of the path itself.
    least_round_trip: Duration,
    /// The round trip as it is now, with what waits in queues.
    round_trip: Duration,
}

impl Default for SendWindow {
    fn default() -> Self {
        Self { size: AtomicU64::new(LEAST), written: AtomicU64::new(0) }
    }
}

impl SendWindow {
    /// Takes note of bytes written, and now and then looks at the path.
    pub fn wrote(&self, connection: &Connection, bytes: usize) {
        let written = self.written.load(Ordering::Relaxed).saturating_add(bytes as u64);
        if written < LOOK_AFTER {
            return self.written.store(written, Ordering::Relaxed);
        }
        self.written.store(0, Ordering::Relaxed);
        let known = connection.stats().path;
        let path = Path { congestion_window: known.cwnd, least_round_trip: known.min_rtt, round_trip: known.rtt };
        let (size, wanted) = (self.size.load(Ordering::Relaxed), path.window());
        // Telling quinn wakes its task.
        if wanted.abs_diff(size) > size / 8 {
            self.size.store(wanted, Ordering::Relaxed);
            connection.set_send_window(wanted);
        }
    }
}

impl Path {
    /// The window that keeps this path full.
    fn window(self) -> u64 {
        // While what is on its way is acknowledged, as much again has to be ready.
        let ready = self.congestion_window.saturating_mul(2);
        // A path without loss lets the congestion window grow without end, and the queue with it. What such a path can use is
        // bounded by the rate at which one client is served: over the path itself, or over a path that has become longer.
        let over_path = bytes_in(self.least_round_trip.saturating_add(TURNAROUND), FAST);
        let now = bytes_in(self.round_trip, ORDINARY);
        ready.min(over_path.max(now)).clamp(LEAST, MOST)
    }
}

/// What goes out in this time at this rate, in bytes a millisecond.
fn bytes_in(time: Duration, rate: u64) -> u64 {
    u64::try_from(time.as_micros()).unwrap_or(u64::MAX).saturating_mul(rate) / 1000
}

/// Bytes at first: more than twice the congestion window that a connection begins with.
pub(super) const LEAST: u64 = 128 << 10;

/// Bytes at most, whatever the path: what 400 Mbit/s take over 80 ms.
const MOST: u64 = 4 << 20;

/// Bytes from one look to the next: a look takes quinn's lock and copies its statistics, and the congestion window grows by no
/// more than what was acknowledged.
const LOOK_AFTER: u64 = 32 << 10;

/// How long both ends take to do their part, beside the path.
const TURNAROUND: Duration = Duration::from_millis(1);

/// Bytes a millisecond: 1 Gbit/s.
const FAST: u64 = 125_000;

/// Bytes a millisecond: 100 Mbit/s.
const ORDINARY: u64 = 12_500;

#[cfg(test)]
mod tests {
    use super::*;

    fn window(congestion_window: u64, least_ms: u64, now_ms: u64) -> u64 {
        let [least_round_trip, round_trip] = [least_ms, now_ms].map(Duration::from_millis);
        Path { congestion_window, least_round_trip, round_trip }.window()
    }

    #[test]
    fn a_new_connection_holds_little_however_long_its_path() {
        assert_eq!(window(12_000, 0, 0), LEAST);
        assert_eq!(window(12_000, 300, 300), LEAST);
        assert_eq!(SendWindow::default().size.into_inner(), LEAST);
    }

    #[test]
    fn a_long_path_has_twice_its_congestion_window_as_that_grows() {
        for congestion_window in [100_000, 500_000, 1_000_000, 2_000_000] {
            assert_eq!(window(congestion_window, 80, 80), 2 * congestion_window);
        }
    }

    #[test]
    fn a_short_path_has_what_a_fast_client_takes_in_a_round_trip_whatever_the_congestion_window() {
        assert_eq!(window(50 << 20, 0, 0), LEAST);
        assert_eq!(window(50 << 20, 1, 1), 250_000);
        assert_eq!(window(50 << 20, 9, 9), 1_250_000);
    }

    #[test]
    fn a_queue_that_we_fill_ourselves_does_not_open_the_window() {
        // Ten times the round trip, all of it in the queue: the window stays as it was.
        assert_eq!(window(50 << 20, 1, 1), window(50 << 20, 1, 10));
    }

    #[test]
    fn a_path_that_has_become_longer_still_carries_an_ordinary_rate() {
        assert_eq!(window(50 << 20, 1, 80), 1_000_000);
    }

    #[test]
    fn no_path_has_more_than_the_most_and_a_lossy_one_comes_down() {
        assert_eq!(window(u64::MAX, u64::MAX, u64::MAX), MOST);
        assert_eq!(window(50 << 20, 500, 900), MOST);
        assert_eq!(window(3_000, 500, 900), LEAST);
    }
}
