//! The place of a connection under the cluster's limit, and what is counted of it.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

use crate::http::{Failure, Protocol};
use crate::upstream::{Cluster, Host};

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

    /// Takes one for a connection of `version`, where that is known.
    ///
    /// # Errors
    /// [`Failure::Overflow`] when there is none.
    pub(super) fn take(cluster: &Arc<Cluster>, host: &Arc<Host>, version: Option<Protocol>) -> Result<Self, Failure> {
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
        cluster.stats.cx_active.inc();
        host.counts.cx_total.up();
        host.counts.cx_active.up();
        let place = Self { cluster: Arc::clone(cluster), host: Arc::clone(host), began: Instant::now() };
        if let Some(version) = version {
            place.speaks(version);
        }
        Ok(place)
    }

    /// What is spoken on the connection.
    pub(super) fn speaks(&self, version: Protocol) {
        let stats = &self.cluster.stats;
        match version {
            Protocol::Http10 | Protocol::Http11 => stats.cx_http1_total.inc(),
            Protocol::Http2 => stats.cx_http2_total.inc(),
            Protocol::Http3 => stats.cx_http3_total.inc(),
        }
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
