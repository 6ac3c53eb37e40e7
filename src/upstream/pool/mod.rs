//! One worker's side of a cluster: whose turn it is, and the HTTP/1 connections that wait for the next request.
//!
//! Everything here is touched by one worker only: its mutex is never contended, and it is never held across an await.

use std::net::SocketAddr;
use std::sync::atomic::AtomicBool;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use http::header::{CONTENT_LENGTH, TRANSFER_ENCODING};

use super::{Cluster, ClusterId, Clusters, Host, RoundRobin};
use crate::codec::SendError;
use crate::codec::h1::ClientStream;
use crate::drain::Drain;
use crate::http::{Failure, Request, ResetReason, Response};

mod connect;
mod lease;

pub use lease::Lease;

/// One worker's pools, a pool a cluster.
#[derive(Debug)]
pub struct Pools {
    pools: Vec<Arc<Pool>>,
}

/// One worker's side of one cluster.
#[derive(Debug)]
pub struct Pool {
    cluster: Arc<Cluster>,
    drain: Drain,
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    round: RoundRobin,
    idle: Vec<Vec<Connection>>,
    next_id: u64,
}

/// A connection between two exchanges.
#[derive(Debug)]
struct Connection {
    id: u64,
    stream: ClientStream,
    local: Option<SocketAddr>,
    /// Set when this side ends it.
    ended_here: Arc<AtomicBool>,
}

/// What is known of the way a request took, for logs: filled as it goes, also when it fails.
#[derive(Clone, Debug, Default)]
pub struct Attempt {
    /// The host that was picked.
    pub host: Option<Arc<Host>>,
    /// Our end of the connection.
    pub local: Option<SocketAddr>,
    /// Why the transport failed, in Envoy's words.
    pub transport_failure: Option<String>,
    /// How long the request waited for a connection.
    pub pool_ready: Option<Duration>,
    /// When the request was handed to the connection.
    pub sent: Option<Instant>,
}

impl Pools {
    /// The pools of one worker. `start` sets the workers' turns apart.
    #[must_use]
    pub fn new(clusters: &Clusters, drain: &Drain, start: usize) -> Self {
        let pools = clusters.iter().map(|cluster| Arc::new(Pool::new(Arc::clone(cluster), drain.clone(), start)));
        Self { pools: pools.collect() }
    }

    /// The pool of a cluster.
    #[must_use]
    pub fn pool(&self, cluster: ClusterId) -> Option<&Arc<Pool>> {
        self.pools.get(cluster.index())
    }
}

impl Pool {
    fn new(cluster: Arc<Cluster>, drain: Drain, start: usize) -> Self {
        let weights: Vec<u32> = cluster.hosts.iter().map(|host| host.weight).collect();
        let idle = weights.iter().map(|_| Vec::new()).collect();
        let state = State { round: RoundRobin::new(&weights, start), idle, next_id: 0 };
        Self { cluster, drain, state: Mutex::new(state) }
    }

    /// The cluster that this pool leads to.
    #[must_use]
    pub fn cluster(&self) -> &Arc<Cluster> {
        &self.cluster
    }

    /// Sends a request to the host whose turn it is and waits for the head of the response. The lease goes back to the
    /// pool when the body has been read: see [`Lease::finish`].
    ///
    /// # Errors
    /// [`Failure`]: no host, no connection, or no response. A request that a closing connection gave back unsent is
    /// tried again on another.
    pub async fn send(
        self: &Arc<Self>,
        mut request: Request,
        attempt: &mut Attempt,
    ) -> Result<(Response, Lease), Failure> {
        let asked = Instant::now();
        let Some((index, host)) = self.pick() else {
            self.cluster.stats.none_healthy.inc();
            self.cluster.stats.healthy_panic.inc();
            return Err(Failure::NoHealthyHost);
        };
        attempt.host = Some(Arc::clone(&host));
        loop {
            let (connection, fresh) = if let Some(connection) = self.take_idle(index) {
                (connection, false)
            } else {
                let _pending = host.counts.rq_pending_active.hold();
                (self.open(index, &host, attempt).await?, true)
            };
            attempt.local = connection.local;
            attempt.pool_ready = Some(asked.elapsed());
            attempt.sent = Some(Instant::now());
            let mut lease = Lease::new(Arc::clone(self), index, &host, connection);
            match lease.send(request).await {
                Ok(response) if is_framed_twice(&response) => {
                    let reason = ResetReason::ProtocolError("content-length beside transfer-encoding".to_owned());
                    return Err(lease.failed(Failure::UpstreamReset(reason)));
                }
                Ok(response) => {
                    if closes(&response) {
                        lease.close_when_done();
                        self.cluster.stats.cx_close_notify.inc();
                    }
                    return Ok((response, lease));
                }
                Err(SendError::Unsent(given_back)) if !fresh => request = *given_back,
                Err(SendError::Unsent(_)) => {
                    return Err(Failure::UpstreamReset(ResetReason::ConnectionTermination));
                }
                Err(SendError::Failed(failure)) => return Err(lease.failed(failure)),
            }
        }
    }

    fn pick(&self) -> Option<(usize, Arc<Host>)> {
        let index = self.lock().round.pick()?;
        self.cluster.hosts.get(index).map(|host| (index, Arc::clone(host)))
    }

    fn take_idle(&self, host: usize) -> Option<Connection> {
        let mut state = self.lock();
        let idle = state.idle.get_mut(host)?;
        idle.retain(|connection| !connection.stream.is_closed());
        // The one that was used last is the warmest; one whose last request is still being written is passed over.
        let ready = idle.iter().rposition(|connection| connection.stream.is_ready())?;
        Some(idle.remove(ready))
    }

    fn give_back(&self, host: usize, connection: Connection) {
        if let Some(idle) = self.lock().idle.get_mut(host)
            && !connection.stream.is_closed()
        {
            idle.push(connection);
        }
    }

    /// Called when a connection has ended: it must not wait in the list for a request that never comes.
    fn forget(&self, host: usize, id: u64) {
        if let Some(idle) = self.lock().idle.get_mut(host) {
            idle.retain(|connection| connection.id != id);
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// RFC 9112 §6.3: a response with both may be an attempt to smuggle another.
fn is_framed_twice(response: &Response) -> bool {
    let headers = response.headers();
    headers.contains_key(CONTENT_LENGTH) && headers.contains_key(TRANSFER_ENCODING)
}

/// Whether the upstream closes its connection after this response (RFC 9112 §9.6).
fn closes(response: &Response) -> bool {
    let says = |token: &str| {
        let values = response.headers().get_all(http::header::CONNECTION).iter();
        values
            .filter_map(|value| value.to_str().ok())
            .flat_map(|value| value.split(','))
            .any(|item| item.trim().eq_ignore_ascii_case(token))
    };
    says("close") || (response.version() == http::Version::HTTP_10 && !says("keep-alive"))
}
