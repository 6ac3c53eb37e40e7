//! One worker's side of a cluster: whose turn it is, and the connections to its hosts.
//!
//! `exclusive` has those of HTTP/1, which serve one exchange at a time; `shared` those of HTTP/2 and HTTP/3, which serve many,
//! and the handshakes that agree on one or the other; HTTP/3 that a host has announced is tried beside TCP there. Everything here
//! is touched by one worker only: its mutex is never contended, and it is never held across an await.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use super::{Cluster, ClusterId, Clusters, Host, RoundRobin, Way};
use crate::drain::Drain;
use crate::http::{Failure, Protocol, Request, Response};
use crate::quic::QuicClients;

mod age;
mod exclusive;
mod eyeballs;
mod goal;
mod lease;
mod names;
mod opening;
mod place;
mod raw;
mod reach;
mod said;
mod secured;
mod shared;
mod untrailed;

use self::goal::Goal;

pub(super) use eyeballs::order;
pub use lease::Lease;
pub use secured::TlsSide;

/// One worker's pools, a pool a cluster.
#[derive(Debug)]
pub struct Pools {
    pools: Vec<Arc<Pool>>,
    quic: Arc<QuicClients>,
}

/// One worker's side of one cluster.
#[derive(Debug)]
pub struct Pool {
    cluster: Arc<Cluster>,
    drain: Drain,
    quic: Arc<QuicClients>,
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    round: RoundRobin,
    hosts: Vec<Connections>,
    next_id: u64,
}

/// The connections to one host.
#[derive(Debug, Default)]
struct Connections {
    /// Those of HTTP/1 that wait for the next request.
    idle: Vec<exclusive::Connection>,
    /// Those of HTTP/2 and HTTP/3.
    shared: shared::Connections,
    /// What the last handshake agreed on, where handshakes do.
    agreed: Option<Protocol>,
}

/// What is known of the way a request took, for logs: filled as it goes, also when it fails.
#[derive(Clone, Debug, Default)]
pub struct Attempt {
    /// The host that was picked.
    pub host: Option<Arc<Host>>,
    /// Our end of the connection.
    pub local: Option<SocketAddr>,
    /// The other end: an address of the host, or the port of UDP that it has announced.
    pub remote: Option<SocketAddr>,
    /// What is spoken on it.
    pub version: Option<http::Version>,
    /// Its TLS, where there is any.
    pub tls: Option<Arc<TlsSide>>,
    /// Why the transport failed, in Envoy's words.
    pub transport_failure: Option<String>,
    /// How long the request waited for a connection.
    pub pool_ready: Option<Duration>,
    /// When the request was handed to the connection.
    pub sent: Option<Instant>,
}

/// What logs say of a connection.
#[derive(Clone, Debug)]
struct Known {
    version: Protocol,
    local: Option<SocketAddr>,
    remote: Option<SocketAddr>,
    tls: Option<Arc<TlsSide>>,
}

impl Pools {
    /// The pools of one worker. `start` sets the workers' turns apart.
    #[must_use]
    pub fn new(clusters: &Clusters, drain: &Drain, start: usize) -> Self {
        let quic = Arc::new(QuicClients::default());
        let pool = |cluster: &Arc<Cluster>| Arc::new(Pool::new(cluster, drain.clone(), Arc::clone(&quic), start));
        Self { pools: clusters.iter().map(pool).collect(), quic }
    }

    /// The pool of a cluster.
    #[must_use]
    pub fn pool(&self, cluster: ClusterId) -> Option<&Arc<Pool>> {
        self.pools.get(cluster.index())
    }

    /// Tells upstreams that learn it from nobody else that their connections are over.
    pub async fn close(&self) {
        let leaving = async {
            for pool in &self.pools {
                pool.leave_all().await;
            }
        };
        // Whoever does not read is not waited for.
        drop(tokio::time::timeout(FAREWELL, leaving).await);
        self.quic.close().await;
    }
}

impl Pool {
    fn new(cluster: &Arc<Cluster>, drain: Drain, quic: Arc<QuicClients>, start: usize) -> Self {
        let weights: Vec<u32> = cluster.hosts.iter().map(|host| host.weight).collect();
        let hosts = weights.iter().map(|_| Connections::default()).collect();
        let state = State { round: RoundRobin::new(&weights, start), hosts, next_id: 0 };
        Self { cluster: Arc::clone(cluster), drain, quic, state: Mutex::new(state) }
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
    pub async fn send(self: &Arc<Self>, request: Request, attempt: &mut Attempt) -> Result<(Response, Lease), Failure> {
        let Some((index, host)) = self.pick() else {
            self.cluster.stats.none_healthy.inc();
            self.cluster.stats.healthy_panic.inc();
            return Err(Failure::NoHealthyHost);
        };
        attempt.host = Some(Arc::clone(&host));
        let asked = self.cluster.asked(&host, request.headers());
        let version = request.version();
        let way = self.cluster.versions.of(version);
        let goal = Goal { request: version, way, asked: &asked, host: &host, address: host.address, index };
        match way {
            Way::Http1(http1) => self.send_http1(goal, http1, request, attempt).await,
            Way::Http2(_) | Way::Http3(_) | Way::Agreed(..) => self.send_shared(goal, request, attempt).await,
        }
    }

    fn pick(&self) -> Option<(usize, Arc<Host>)> {
        let index = self.lock().round.pick()?;
        self.cluster.hosts.get(index).map(|host| (index, Arc::clone(host)))
    }

    /// The number of a new connection.
    fn number(&self) -> u64 {
        let mut state = self.lock();
        state.next_id += 1;
        state.next_id
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Attempt {
    /// The request goes out now on this connection; it was asked for at `asked`.
    fn ready(&mut self, known: &Known, asked: Instant) {
        let now = Instant::now();
        self.local = known.local;
        self.remote = known.remote;
        self.version = Some(known.version.into());
        self.tls.clone_from(&known.tls);
        self.pool_ready = Some(now - asked);
        self.sent = Some(now);
    }

    /// The connection broke: where its TLS did, the log hears why.
    fn broken(&mut self) {
        self.transport_failure = self.tls.as_ref().and_then(|tls| tls.failure());
    }
}

/// How long upstreams may take to be told that their connections are over.
const FAREWELL: Duration = Duration::from_secs(1);

#[cfg(test)]
mod tests;
