//! What one worker has of its own: its tasks, its upstream pools, its clock. Nothing of it is shared.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, SystemTime};

use http::HeaderValue;

use crate::drain::Drain;
use crate::upstream::{Clusters, Pools};

/// One worker, as its connections see it.
#[derive(Debug)]
pub struct Worker {
    /// Its number, from 0.
    pub index: usize,
    /// Its tasks.
    pub drain: Drain,
    /// Its upstream connections.
    pub pools: Pools,
    workers: u64,
    connections: AtomicU64,
    date: Mutex<(u64, HeaderValue)>,
}

impl Worker {
    /// Worker `index` of `workers`.
    #[must_use]
    pub fn new(index: usize, workers: usize, clusters: &Clusters) -> Self {
        let drain = Drain::default();
        let pools = Pools::new(clusters, &drain, index);
        let date = Mutex::new((u64::MAX, HeaderValue::from_static("")));
        Self { index, drain, pools, workers: workers as u64, connections: AtomicU64::new(0), date }
    }

    /// The number of a new connection, from 1: different on every worker without asking the others.
    pub fn next_connection(&self) -> u64 {
        self.connections.fetch_add(1, Ordering::Relaxed) * self.workers + self.index as u64 + 1
    }

    /// `now` as `date` says it (RFC 9110 §5.6.7), formatted once a second.
    pub(super) fn date(&self, now: SystemTime) -> HeaderValue {
        let seconds = now.duration_since(SystemTime::UNIX_EPOCH).as_ref().map_or(0, Duration::as_secs);
        let mut date = self.date.lock().unwrap_or_else(PoisonError::into_inner);
        if date.0 != seconds
            && let Ok(text) = HeaderValue::from_str(&httpdate::fmt_http_date(now))
        {
            *date = (seconds, text);
        }
        date.1.clone()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn connection_numbers_of_two_workers_never_meet() {
        let clusters = Clusters::default();
        let workers = [Worker::new(0, 2, &clusters), Worker::new(1, 2, &clusters)];
        let numbers: Vec<_> = (0..6).map(|turn| workers[turn % 2].next_connection()).collect();
        assert_eq!(numbers, [1, 2, 3, 4, 5, 6]);
    }

    #[test]
    fn rfc9110_5_6_7_date_is_an_imf_fixdate() {
        let worker = Worker::new(0, 1, &Clusters::default());
        let at = |seconds| worker.date(SystemTime::UNIX_EPOCH + Duration::from_secs(seconds));
        assert_eq!(at(784_111_777), "Sun, 06 Nov 1994 08:49:37 GMT");
        assert_eq!(at(784_111_778), "Sun, 06 Nov 1994 08:49:38 GMT");
    }
}
