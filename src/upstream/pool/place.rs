//! The place of a connection under the cluster's limit, and what is counted of it.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

use crate::http::Failure;
use crate::upstream::{Cluster, Codec, Host};

/// A connection's place under the cluster's `max_connections`, held as long as it is open.
pub(super) struct Place {
    cluster: Arc<Cluster>,
    host: Arc<Host>,
    began: Instant,
}

impl Place {
    /// Whether there is none for the moment.
    pub(super) fn are_taken(cluster: &Cluster) -> bool {
        cluster.stats.connections.load(Ordering::Relaxed) >= cluster.max_connections
    }

    /// # Errors
    /// [`Failure::Overflow`] when there is none.
    pub(super) fn take(cluster: &Arc<Cluster>, host: &Arc<Host>) -> Result<Self, Failure> {
        let open: &AtomicU64 = &cluster.stats.connections;
        let taken = open.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |open| {
            (open < cluster.max_connections).then_some(open + 1)
        });
        if taken.is_err() {
            cluster.stats.cx_overflow.inc();
            cluster.stats.rq_pending_overflow.inc();
            return Err(Failure::Overflow);
        }
        cluster.stats.cx_total.inc();
        match cluster.codec {
            Codec::Http1 { .. } => cluster.stats.cx_http1_total.inc(),
            Codec::Http3 { .. } => cluster.stats.cx_http3_total.inc(),
        }
        cluster.stats.cx_active.inc();
        host.counts.cx_total.up();
        host.counts.cx_active.up();
        Ok(Self { cluster: Arc::clone(cluster), host: Arc::clone(host), began: Instant::now() })
    }

    /// The connection stands.
    pub(super) fn connected(&self) {
        self.cluster.stats.cx_connect_ms.record(millis(self.began));
    }

    /// The connection is over; `here` tells whether this side ended it.
    pub(super) fn ended(self, here: bool) {
        let stats = &self.cluster.stats;
        if here { stats.cx_destroy_local.inc() } else { stats.cx_destroy_remote.inc() }
    }

    /// The connection never stood.
    pub(super) fn failed(self, failure: Failure) -> Failure {
        match failure {
            Failure::ConnectTimeout => {
                self.cluster.stats.cx_connect_timeout.inc();
                self.cluster.stats.cx_destroy_local.inc();
            }
            _ => self.cluster.stats.cx_destroy_remote.inc(),
        }
        self.cluster.stats.cx_connect_fail.inc();
        self.cluster.stats.rq_pending_failure_eject.inc();
        self.host.counts.cx_connect_fail.up();
        failure
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let stats = &self.cluster.stats;
        stats.connections.fetch_sub(1, Ordering::Relaxed);
        stats.cx_active.dec();
        stats.cx_destroy.inc();
        stats.cx_length_ms.record(millis(self.began));
        self.host.counts.cx_active.down();
    }
}

fn millis(since: Instant) -> u64 {
    u64::try_from(since.elapsed().as_millis()).unwrap_or(u64::MAX)
}
