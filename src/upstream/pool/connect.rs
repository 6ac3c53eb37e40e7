//! New connections to a host, and the task that keeps one alive.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Instant;

use tokio::net::TcpStream;

use super::{Attempt, Connection, Pool};
use crate::codec::h1;
use crate::http::Failure;
use crate::upstream::{Cluster, Host};

impl Pool {
    /// Opens a connection to `host` under the cluster's limit and `connect_timeout`.
    pub(super) async fn open(
        self: &Arc<Self>,
        index: usize,
        host: &Arc<Host>,
        attempt: &mut Attempt,
    ) -> Result<Connection, Failure> {
        let cluster = self.cluster();
        let Some(place) = Place::take(cluster, host) else {
            cluster.stats.cx_overflow.inc();
            cluster.stats.rq_pending_overflow.inc();
            return Err(Failure::Overflow);
        };
        cluster.stats.rq_pending_total.inc();
        let began = Instant::now();
        let io = match tokio::time::timeout(cluster.connect_timeout, TcpStream::connect(host.address)).await {
            Ok(Ok(io)) => io,
            Ok(Err(error)) => {
                attempt.transport_failure = Some(transport_failure(&error));
                return Err(place.failed(Failure::ConnectFailed(error)));
            }
            Err(_) => {
                cluster.stats.cx_connect_timeout.inc();
                return Err(place.failed(Failure::ConnectTimeout));
            }
        };
        cluster.stats.cx_connect_ms.record(millis(began));
        // A request is written as soon as it is there; a refusal costs only speed.
        let _ = io.set_nodelay(true);
        let local = io.local_addr().ok();
        let (stream, connection) = h1::connect(io, MAX_RESPONSE_HEADERS).await?;
        let id = self.number();
        let pool = Arc::clone(self);
        let ended_here = Arc::new(AtomicBool::new(false));
        let here = Arc::clone(&ended_here);
        self.drain.spawn_service("upstream connection", async move {
            // The exchange that uses the connection sees the same error; an idle one has nobody to tell.
            let _ = connection.await;
            pool.forget(index, id);
            place.ended(here.load(Ordering::Relaxed));
        });
        Ok(Connection { id, stream, local, ended_here })
    }

    fn number(&self) -> u64 {
        let mut state = self.lock();
        state.next_id += 1;
        state.next_id
    }
}

/// A connection's place under the cluster's `max_connections`, held as long as it is open.
struct Place {
    cluster: Arc<Cluster>,
    host: Arc<Host>,
    began: Instant,
}

impl Place {
    fn take(cluster: &Arc<Cluster>, host: &Arc<Host>) -> Option<Self> {
        let open: &AtomicU64 = &cluster.stats.connections;
        let taken = open.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |open| {
            (open < cluster.max_connections).then_some(open + 1)
        });
        taken.ok()?;
        cluster.stats.cx_total.inc();
        cluster.stats.cx_http1_total.inc();
        cluster.stats.cx_active.inc();
        host.counts.cx_total.up();
        host.counts.cx_active.up();
        Some(Self { cluster: Arc::clone(cluster), host: Arc::clone(host), began: Instant::now() })
    }

    /// The connection is over; `here` tells whether this side ended it.
    fn ended(self, here: bool) {
        let stats = &self.cluster.stats;
        if here { stats.cx_destroy_local.inc() } else { stats.cx_destroy_remote.inc() }
    }

    fn failed(self, failure: Failure) -> Failure {
        match failure {
            Failure::ConnectTimeout => self.cluster.stats.cx_destroy_local.inc(),
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

/// The system's words as Envoy prints them: one token, without the number.
fn transport_failure(error: &io::Error) -> String {
    let text = error.to_string();
    let words = text.split(" (os error").next().unwrap_or(&text);
    format!("delayed connect error: {words}").replace(' ', "_")
}

fn millis(since: Instant) -> u64 {
    u64::try_from(since.elapsed().as_millis()).unwrap_or(u64::MAX)
}

/// Envoy's default `max_headers_count` for responses.
const MAX_RESPONSE_HEADERS: usize = 100;
