//! Connections that serve many exchanges at a time: HTTP/3.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use quinn::ConnectionError;
use tokio::sync::watch;

use super::names::{MAX_NAMES, surplus};
use super::opening::{Fault, Opening, Outcome};
use super::place::Place;
use super::secured::TlsSide;
use super::{Attempt, Lease, Pool};
use crate::codec::SendError;
use crate::codec::h3::{self, Client, ClientLimits, ClientStream, NoStream};
use crate::http::{Failure, Request, ResetReason, Response};
use crate::quic::QuicUpstream;
use crate::tls::Asked;
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
    /// What was agreed on, and what it was opened for: it serves no other.
    tls: Arc<TlsSide>,
    /// Exchanges on it now, and those that wait for a stream.
    active: AtomicUsize,
    /// How many there may be at once, by what was seen: at first one.
    peak: AtomicUsize,
    /// Ends when its place is free.
    gone: watch::Receiver<()>,
}

/// A host, and how it is reached.
#[derive(Clone, Copy, Debug)]
pub(super) struct Goal<'a> {
    pub(super) upstream: &'a QuicUpstream,
    /// Whether QPACK may use more than the static table.
    pub(super) qpack: bool,
    pub(super) asked: &'a Arc<Asked>,
    pub(super) host: &'a Arc<Host>,
    /// The place of the host in the cluster.
    pub(super) index: usize,
}

/// A place of an exchange on a connection, and under the cluster's limit.
#[derive(Debug)]
pub(super) struct Ticket {
    seat: Seat,
    _request: Taken,
}

/// A place on a connection: taken before the stream is opened, so that no more wait for one than there will be.
#[derive(Debug)]
struct Seat(Arc<Connection>);

/// One of a bounded number, given back on drop.
#[derive(Debug)]
struct Taken {
    cluster: Arc<Cluster>,
    count: fn(&Cluster) -> &AtomicU64,
}

impl Pool {
    pub(super) async fn send_http3(
        self: &Arc<Self>,
        goal: Goal<'_>,
        mut request: Request,
        attempt: &mut Attempt,
    ) -> Result<(Response, Lease), Failure> {
        let asked = Instant::now();
        for _ in 0..MAX_TURNS {
            let (stream, ticket) = self.stream(goal, attempt).await?;
            let connection = Arc::clone(&ticket.seat.0);
            attempt.ready(connection.local, Some(&connection.tls), asked);
            let lease = Lease::shared(Arc::clone(self), goal.index, goal.host, ticket);
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
        goal: Goal<'_>,
        attempt: &mut Attempt,
    ) -> Result<(ClientStream, Ticket), Failure> {
        let request = self.take(self.cluster.max_requests, |cluster| &cluster.stats.requests)?;
        loop {
            let mut passed_over = 0;
            while let Some(seat) = self.seat(goal, passed_over) {
                if let Ok(stream) = seat.stream().await {
                    return Ok((stream, Ticket { seat, _request: request }));
                }
                passed_over += 1;
            }
            // None has room at once: one of them may have it soon.
            passed_over = 0;
            while let Some(seat) = self.seat(goal, passed_over) {
                if let Some(stream) = seat.stream_soon().await {
                    return Ok((stream, Ticket { seat, _request: request }));
                }
                passed_over += 1;
            }
            let _pending = self.take(self.cluster.max_pending_requests, |cluster| &cluster.stats.pending)?;
            let _waiting = goal.host.counts.rq_pending_active.hold();
            self.cluster.stats.rq_pending_total.inc();
            let opening = self.opening(goal);
            if let Err(fault) = opening.wait().await {
                if let Fault::Refused(_, words) = &fault {
                    attempt.transport_failure = Some(words.replace(' ', "_"));
                }
                return Err(fault.into());
            }
        }
    }

    /// A place on a connection that may take one more exchange, after some that were passed over.
    fn seat(&self, goal: Goal<'_>, passed_over: usize) -> Option<Seat> {
        let mut state = self.lock();
        let host = state.hosts.get_mut(goal.index)?;
        host.shared.open.retain(|connection| !connection.client.is_over());
        let max = goal.max_streams();
        let with_room = |connection: &&Arc<Connection>| {
            connection.tls.asked == *goal.asked && connection.active.load(Ordering::Relaxed) < max
        };
        host.shared.open.iter().filter(with_room).nth(passed_over).map(Seat::take)
    }

    /// A handshake to wait for: one on its way that has room, or a new one.
    fn opening(self: &Arc<Self>, goal: Goal<'_>) -> Arc<Opening> {
        let mut state = self.lock();
        let max = goal.max_streams();
        let opening = state
            .hosts
            .get(goal.index)
            .and_then(|host| {
                host.shared.opening.iter().find(|opening| opening.is_for(goal.asked) && opening.waiting() < max)
            })
            .map(Arc::clone);
        if let Some(opening) = opening {
            return opening;
        }
        let opening = Arc::new(Opening::begin(goal.asked));
        if let Some(host) = state.hosts.get_mut(goal.index) {
            host.shared.opening.push(Arc::clone(&opening));
        }
        drop(state);
        // It goes on when the exchange that asked first is given up: others may wait for it by then.
        let (pool, new) = (Arc::clone(self), Arc::clone(&opening));
        let (upstream, host, asked) = (goal.upstream.clone(), Arc::clone(goal.host), Arc::clone(goal.asked));
        let Goal { qpack, index, .. } = goal;
        self.drain.spawn_service("upstream handshake", async move {
            let goal = Goal { upstream: &upstream, qpack, asked: &asked, host: &host, index };
            let outcome = match pool.establish(goal).await {
                Ok(()) => Outcome::Open,
                Err(fault) => Outcome::Failed(fault),
            };
            if let Some(host) = pool.lock().hosts.get_mut(index) {
                host.shared.opening.retain(|other| !Arc::ptr_eq(other, &new));
            }
            new.end(outcome);
        });
        opening
    }

    /// Opens a connection under the cluster's limit and `connect_timeout`, and adds it to the pool.
    async fn establish(self: &Arc<Self>, goal: Goal<'_>) -> Result<(), Fault> {
        let Goal { upstream, qpack, asked, host, index } = goal;
        if Place::are_taken(&self.cluster) {
            self.leave_another(index, asked).await;
        }
        let place = Place::take(&self.cluster, host).map_err(|_| Fault::Overflow)?;
        let refused = |place: Place, error: io::Error| {
            let fault = Fault::Refused(error.kind(), error.to_string().into());
            place.failed(Failure::ConnectFailed(error));
            fault
        };
        let connecting = match self.quic.connect(host.address, upstream, host.handshake(&upstream.tls, asked)) {
            Ok(connecting) => connecting,
            Err(error) => return Err(refused(place, error)),
        };
        let limits = ClientLimits {
            max_header_bytes: MAX_RESPONSE_HEAD,
            max_header_count: MAX_RESPONSE_HEADERS,
            qpack,
            keep_alive: upstream.keep_alive,
        };
        let beginning = async {
            let (quic, agreed) = connecting.complete().await?;
            place.connected();
            Ok((quic.clone(), agreed, h3::connect(quic, limits, &self.drain).await))
        };
        let (quic, agreed, client) = match tokio::time::timeout(self.cluster.connect_timeout, beginning).await {
            Ok(Ok(stands)) => stands,
            Ok(Err(error)) => return Err(refused(place, error)),
            Err(_) => {
                place.failed(Failure::ConnectTimeout);
                return Err(Fault::Timeout);
            }
        };
        let Ok((client, work)) = client else {
            place.ended(is_closed_here(&quic));
            return Err(Fault::Broken);
        };
        let local = self.quic.local_address(&quic, host.address);
        let (id, told) = (self.number(), client.told_to_go());
        let (active, peak) = (AtomicUsize::new(0), AtomicUsize::new(1));
        let tls = TlsSide::new(agreed, asked);
        let (ends, gone) = watch::channel(());
        let connection = Arc::new(Connection { id, client, local, tls, active, peak, gone });
        self.add(index, connection);
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
            place.ended(is_closed_here(&quic));
            drop(ends);
        });
        Ok(())
    }

    /// Keeps a connection for whoever asks for the same. Where requests choose names, those that nobody uses any more are
    /// left, the oldest first, when there are too many names.
    fn add(&self, host: usize, connection: Arc<Connection>) {
        let mut state = self.lock();
        let Some(host) = state.hosts.get_mut(host) else { return };
        host.shared.open.push(connection);
        if !self.cluster.naming.is_by_request() {
            return;
        }
        let idle = host.shared.open.iter().filter(|connection| connection.is_idle());
        let names: Vec<_> = idle.map(|connection| &connection.tls.asked).collect();
        let mut too_many = surplus(names.into_iter(), MAX_NAMES);
        let left: Vec<_> = host
            .shared
            .open
            .extract_if(.., |connection| {
                let leaves = too_many > 0 && connection.is_idle();
                too_many -= usize::from(leaves);
                leaves
            })
            .collect();
        // Dropping the last handle closes a connection, which is not done under the lock.
        drop(state);
        drop(left);
    }

    /// Leaves the oldest connection to the host that nobody uses and that is for other names, and waits until its place is
    /// free.
    async fn leave_another(&self, host: usize, asked: &Arc<Asked>) {
        let other = {
            let mut state = self.lock();
            let Some(host) = state.hosts.get_mut(host) else { return };
            let open = &mut host.shared.open;
            let other = open.iter().position(|connection| connection.tls.asked != *asked && connection.is_idle());
            other.map(|other| open.remove(other))
        };
        let Some(other) = other else { return };
        let mut gone = other.gone.clone();
        drop(other);
        // An upstream that keeps it open has no more time than one that is connected to.
        drop(tokio::time::timeout(self.cluster.connect_timeout, gone.changed()).await);
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
        let taken = count(&self.cluster).fetch_update(Ordering::Relaxed, Ordering::Relaxed, add_one);
        if taken.is_err() {
            self.cluster.stats.rq_pending_overflow.inc();
            return Err(Failure::Overflow);
        }
        Ok(Taken { cluster: Arc::clone(&self.cluster), count })
    }
}

impl Connection {
    /// Whether no exchange is on it.
    fn is_idle(&self) -> bool {
        self.active.load(Ordering::Relaxed) == 0
    }
}

impl Goal<'_> {
    fn max_streams(&self) -> usize {
        usize::try_from(self.upstream.max_streams).unwrap_or(usize::MAX)
    }
}

impl Seat {
    fn take(connection: &Arc<Connection>) -> Self {
        connection.active.fetch_add(1, Ordering::Relaxed);
        Self(Arc::clone(connection))
    }

    /// The stream for the exchange, if it can be had at once.
    async fn stream(&self) -> Result<ClientStream, NoStream> {
        let stream = self.0.client.try_open().await?;
        self.taken();
        Ok(stream)
    }

    /// The stream for the exchange; `None` when there is none to be had soon.
    async fn stream_soon(&self) -> Option<ClientStream> {
        let Connection { client, active, peak, .. } = &*self.0;
        let now = active.load(Ordering::Relaxed);
        if now > peak.load(Ordering::Relaxed) {
            return None;
        }
        // It has had so many before: the upstream is about to let one more begin.
        if let Ok(stream) = tokio::time::timeout(SOON, client.open()).await {
            return stream.inspect(|_| self.taken());
        }
        // It was not: those who come next need not wait to see that.
        peak.fetch_min(now.saturating_sub(1), Ordering::Relaxed);
        None
    }

    fn taken(&self) {
        self.0.peak.fetch_max(self.0.active.load(Ordering::Relaxed), Ordering::Relaxed);
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        self.0.active.fetch_sub(1, Ordering::Relaxed);
    }
}

impl Drop for Taken {
    fn drop(&mut self) {
        (self.count)(&self.cluster).fetch_sub(1, Ordering::Relaxed);
    }
}

fn is_closed_here(quic: &quinn::Connection) -> bool {
    matches!(quic.close_reason(), Some(ConnectionError::LocallyClosed))
}

/// How long the upstream may take to let a stream begin in place of one that is over.
const SOON: Duration = Duration::from_millis(500);

/// Connections that may one after the other be found to be leaving before a request is given up.
const MAX_TURNS: usize = 3;

/// Envoy's default `max_headers_count` for responses.
const MAX_RESPONSE_HEADERS: usize = 100;

/// Bytes that the head of a response may take.
const MAX_RESPONSE_HEAD: usize = 128 * 1024;
