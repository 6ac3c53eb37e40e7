//! Connections that serve many exchanges at a time: HTTP/3.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::time::Instant;

use quinn::ConnectionError;
use tokio::sync::watch;

use super::place::Place;
use super::{Attempt, Lease, Pool};
use crate::codec::SendError;
use crate::codec::h3::{self, Client, ClientLimits, ClientStream, NoStream};
use crate::http::{Failure, Request, ResetReason, Response};
use crate::quic::QuicUpstream;
use crate::upstream::{Cluster, Host};

/// The shared connections to one host.
#[derive(Debug, Default)]
pub(super) struct Connections {
    open: Vec<Arc<Connection>>,
    opening: Vec<Arc<Opening>>,
}

/// A connection, kept by the pool and by the exchanges on it; it is closed with the last of them.
#[derive(Debug)]
struct Connection {
    id: u64,
    client: Client,
    local: Option<SocketAddr>,
    /// Exchanges on it now.
    active: AtomicUsize,
    /// The most that there ever were.
    peak: AtomicUsize,
}

/// A handshake on its way.
#[derive(Debug)]
struct Opening {
    outcome: watch::Sender<Outcome>,
    /// Exchanges that wait for it.
    waiting: AtomicUsize,
}

/// What became of a handshake.
#[derive(Debug)]
enum Outcome {
    Pending,
    Open,
    Failed(Fault),
}

/// Why there is no connection: all who waited hear it.
#[derive(Clone, Debug)]
enum Fault {
    Overflow,
    Timeout,
    Refused(io::ErrorKind, Arc<str>),
    Broken,
}

/// A place of an exchange on a connection, and under the cluster's limit.
#[derive(Debug)]
pub(super) struct Ticket {
    connection: Arc<Connection>,
    _request: Taken,
}

/// One of a bounded number, given back on drop.
#[derive(Debug)]
struct Taken {
    cluster: Arc<Cluster>,
    count: fn(&Cluster) -> &AtomicU64,
}

impl Pool {
    pub(super) async fn send_http3(
        self: &Arc<Self>,
        upstream: &QuicUpstream,
        index: usize,
        host: &Arc<Host>,
        mut request: Request,
        attempt: &mut Attempt,
    ) -> Result<(Response, Lease), Failure> {
        let asked = Instant::now();
        for _ in 0..MAX_TURNS {
            let (stream, ticket) = self.stream(upstream, index, host, attempt).await?;
            let connection = Arc::clone(&ticket.connection);
            attempt.ready(connection.local, asked);
            let lease = Lease::shared(Arc::clone(self), index, host, ticket);
            match stream.send(request).await {
                Ok(response) => return Ok((response, lease)),
                // RFC 9114 §5.2: it takes no more, and did nothing for this one.
                Err(SendError::Unsent(given_back)) if connection.client.is_over() => request = *given_back,
                Err(SendError::Unsent(_)) => break,
                Err(SendError::Failed(failure)) => return Err(lease.failed(failure)),
            }
        }
        Err(Failure::UpstreamReset(ResetReason::RemoteRefused))
    }

    /// A stream on a connection that stands, or on a new one.
    async fn stream(
        self: &Arc<Self>,
        upstream: &QuicUpstream,
        index: usize,
        host: &Arc<Host>,
        attempt: &mut Attempt,
    ) -> Result<(ClientStream, Ticket), Failure> {
        let request = self.take(self.cluster.max_requests, |cluster| &cluster.stats.requests)?;
        loop {
            let mut passed_over = 0;
            while let Some(connection) = self.with_room(index, upstream.max_streams, passed_over) {
                let stream = match connection.client.try_open().await {
                    Ok(stream) => Some(stream),
                    Err(NoStream::Closed) => None,
                    // It has had more exchanges before: the upstream is about to let one begin.
                    Err(NoStream::Full) if connection.is_below_peak() => connection.client.open().await,
                    Err(NoStream::Full) => None,
                };
                if let Some(stream) = stream {
                    return Ok((stream, Ticket::new(connection, request)));
                }
                passed_over += 1;
            }
            let _pending = self.take(self.cluster.max_pending_requests, |cluster| &cluster.stats.pending)?;
            let _waiting = host.counts.rq_pending_active.hold();
            self.cluster.stats.rq_pending_total.inc();
            let opening = self.opening(upstream, index, host);
            if let Err(fault) = opening.wait().await {
                if let Fault::Refused(_, words) = &fault {
                    attempt.transport_failure = Some(words.replace(' ', "_"));
                }
                return Err(fault.into());
            }
        }
    }

    /// A connection that may take one more exchange, after some that were passed over.
    fn with_room(&self, index: usize, max_streams: u32, passed_over: usize) -> Option<Arc<Connection>> {
        let mut state = self.lock();
        let host = state.hosts.get_mut(index)?;
        host.shared.open.retain(|connection| !connection.client.is_over());
        let max = usize::try_from(max_streams).unwrap_or(usize::MAX);
        let with_room = |connection: &&Arc<Connection>| connection.active.load(Ordering::Relaxed) < max;
        host.shared.open.iter().filter(with_room).nth(passed_over).map(Arc::clone)
    }

    /// A handshake to wait for: one on its way that has room, or a new one.
    fn opening(self: &Arc<Self>, upstream: &QuicUpstream, index: usize, host: &Arc<Host>) -> Arc<Opening> {
        let mut state = self.lock();
        let max = usize::try_from(upstream.max_streams).unwrap_or(usize::MAX);
        let opening = state.hosts.get(index).and_then(|host| {
            host.shared.opening.iter().find(|opening| opening.waiting.load(Ordering::Relaxed) < max).map(Arc::clone)
        });
        if let Some(opening) = opening {
            return opening;
        }
        let opening = Arc::new(Opening { outcome: watch::Sender::new(Outcome::Pending), waiting: AtomicUsize::new(0) });
        if let Some(host) = state.hosts.get_mut(index) {
            host.shared.opening.push(Arc::clone(&opening));
        }
        drop(state);
        // It goes on when the exchange that asked first is given up: others may wait for it by then.
        let (pool, upstream, host, new) = (Arc::clone(self), upstream.clone(), Arc::clone(host), Arc::clone(&opening));
        self.drain.spawn_service("upstream handshake", async move {
            let outcome = match pool.establish(&upstream, index, &host).await {
                Ok(()) => Outcome::Open,
                Err(fault) => Outcome::Failed(fault),
            };
            if let Some(host) = pool.lock().hosts.get_mut(index) {
                host.shared.opening.retain(|other| !Arc::ptr_eq(other, &new));
            }
            new.outcome.send_replace(outcome);
        });
        opening
    }

    /// Opens a connection under the cluster's limit and `connect_timeout`, and adds it to the pool.
    async fn establish(self: &Arc<Self>, upstream: &QuicUpstream, index: usize, host: &Arc<Host>) -> Result<(), Fault> {
        let place = Place::take(&self.cluster, host).map_err(|_| Fault::Overflow)?;
        let refused = |place: Place, error: io::Error| {
            let fault = Fault::Refused(error.kind(), error.to_string().into());
            place.failed(Failure::ConnectFailed(error));
            fault
        };
        let connecting = match self.quic.connect(host.address, upstream) {
            Ok(connecting) => connecting,
            Err(error) => return Err(refused(place, error)),
        };
        let quic = match tokio::time::timeout(self.cluster.connect_timeout, connecting).await {
            Ok(Ok(quic)) => quic,
            Ok(Err(error)) => return Err(refused(place, io::Error::other(error))),
            Err(_) => {
                place.failed(Failure::ConnectTimeout);
                return Err(Fault::Timeout);
            }
        };
        place.connected();
        let limits = ClientLimits { max_header_bytes: MAX_RESPONSE_HEAD, max_header_count: MAX_RESPONSE_HEADERS };
        let (client, work) = h3::connect(quic.clone(), limits, &self.drain).await.map_err(|_| Fault::Broken)?;
        let local = self.quic.local_address(&quic, host.address);
        let (id, told) = (self.number(), client.told_to_go());
        let (active, peak) = (AtomicUsize::new(0), AtomicUsize::new(0));
        let connection = Arc::new(Connection { id, client, local, active, peak });
        if let Some(host) = self.lock().hosts.get_mut(index) {
            host.shared.open.push(connection);
        }
        let pool = Arc::clone(self);
        self.drain.spawn_service("upstream connection", async move {
            let mut work = std::pin::pin!(work);
            tokio::select! {
                () = &mut work => pool.leave(index, id),
                () = told => {
                    pool.cluster.stats.cx_close_notify.inc();
                    pool.leave(index, id);
                    work.await;
                }
            }
            place.ended(matches!(quic.close_reason(), Some(ConnectionError::LocallyClosed)));
        });
        Ok(())
    }

    /// A connection takes no more exchanges.
    fn leave(&self, host: usize, id: u64) {
        let mut state = self.lock();
        let Some(host) = state.hosts.get_mut(host) else { return };
        let left = host.shared.open.iter().position(|connection| connection.id == id);
        let left = left.map(|index| host.shared.open.swap_remove(index));
        // Dropping the last handle closes the connection, which is not done under the lock.
        drop(state);
        drop(left);
    }

    fn take(&self, max: u64, count: fn(&Cluster) -> &AtomicU64) -> Result<Taken, Failure> {
        let add_one = |now: u64| (now < max).then_some(now + 1);
        match count(&self.cluster).fetch_update(Ordering::Relaxed, Ordering::Relaxed, add_one) {
            Ok(_) => Ok(Taken { cluster: Arc::clone(&self.cluster), count }),
            Err(_) => {
                self.cluster.stats.rq_pending_overflow.inc();
                Err(Failure::Overflow)
            }
        }
    }
}

impl Connection {
    fn is_below_peak(&self) -> bool {
        let active = self.active.load(Ordering::Relaxed);
        active == 0 || active < self.peak.load(Ordering::Relaxed)
    }
}

impl Ticket {
    fn new(connection: Arc<Connection>, request: Taken) -> Self {
        let active = connection.active.fetch_add(1, Ordering::Relaxed) + 1;
        connection.peak.fetch_max(active, Ordering::Relaxed);
        Self { connection, _request: request }
    }
}

impl Drop for Ticket {
    fn drop(&mut self) {
        self.connection.active.fetch_sub(1, Ordering::Relaxed);
    }
}

impl Drop for Taken {
    fn drop(&mut self) {
        (self.count)(&self.cluster).fetch_sub(1, Ordering::Relaxed);
    }
}

impl Opening {
    async fn wait(&self) -> Result<(), Fault> {
        self.waiting.fetch_add(1, Ordering::Relaxed);
        let mut outcome = self.outcome.subscribe();
        let waited = outcome.wait_for(|outcome| !matches!(outcome, Outcome::Pending)).await;
        match waited.as_deref() {
            Ok(Outcome::Failed(fault)) => Err(fault.clone()),
            Ok(Outcome::Open | Outcome::Pending) => Ok(()),
            Err(_) => Err(Fault::Broken),
        }
    }
}

impl From<Fault> for Failure {
    fn from(fault: Fault) -> Self {
        match fault {
            Fault::Overflow => Self::Overflow,
            Fault::Timeout => Self::ConnectTimeout,
            Fault::Refused(kind, words) => Self::ConnectFailed(io::Error::new(kind, words.as_ref())),
            Fault::Broken => Self::UpstreamReset(ResetReason::ConnectionTermination),
        }
    }
}

/// Connections that may one after the other be found to be leaving before a request is given up.
const MAX_TURNS: usize = 3;

/// Envoy's default `max_headers_count` for responses.
const MAX_RESPONSE_HEADERS: usize = 100;

/// Bytes that the head of a response may take.
const MAX_RESPONSE_HEAD: usize = 128 * 1024;
