//! Connections that serve one exchange at a time: HTTP/1.

use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Instant;

use tokio::io::{AsyncRead, AsyncWrite};
use tokio::sync::oneshot;

use super::age::{Over, is_used_up, over};
use super::goal::Goal;
use super::names::{MAX_NAMES, surplus};
use super::place::Place;
use super::reach::{Reached, reach};
use super::{Attempt, FAREWELL, Known, Lease, Pool, said};
use crate::codec::h1::{self, ClientStream};
use crate::codec::{Activity, Busy, SendError};
use crate::http::{Failure, Protocol, Request, ResetReason, Response};
use crate::tls::{Asked, ClientTls};
use crate::upstream::Http1;

/// A connection between two exchanges.
#[derive(Debug)]
pub(super) struct Connection {
    id: u64,
    pub(super) stream: ClientStream,
    known: Known,
    /// Set when this side ends it.
    pub(super) ended_here: Arc<AtomicBool>,
    /// What it was opened for: it serves no other.
    asked: Arc<Asked>,
    activity: Arc<Activity>,
    /// Its exchange, while it has one.
    busy: Option<Busy>,
    /// Whether it is too old for another.
    is_old: Arc<AtomicBool>,
    /// Ends when its place is free.
    gone: oneshot::Receiver<()>,
    /// Dropped with this handle, by which its work hears that nobody has it any more.
    _held: oneshot::Sender<()>,
}

impl Pool {
    pub(super) async fn send_http1(
        self: &Arc<Self>,
        goal: Goal<'_>,
        http1: &Http1,
        mut request: Request,
        attempt: &mut Attempt,
    ) -> Result<(Response, Lease), Failure> {
        let asked = Instant::now();
        loop {
            let (connection, fresh) = if let Some(connection) = self.take_idle(goal.index, goal.asked) {
                (connection, false)
            } else {
                let _pending = goal.host.counts.rq_pending_active.hold();
                (self.open(goal, http1.tls.as_ref(), attempt).await?, true)
            };
            attempt.ready(&connection.known, asked);
            match self.exchange(goal, connection, request).await {
                Ok(answered) => return Ok(answered),
                Err(SendError::Unsent(given_back)) if !fresh => request = *given_back,
                Err(SendError::Unsent(_)) => {
                    attempt.broken();
                    return Err(Failure::UpstreamReset(ResetReason::ConnectionTermination));
                }
                Err(SendError::Failed(failure)) => {
                    attempt.broken();
                    return Err(failure);
                }
            }
        }
    }

    /// Sends a request on this connection and waits for the head of the response.
    pub(super) async fn exchange(
        self: &Arc<Self>,
        goal: Goal<'_>,
        connection: Connection,
        request: Request,
    ) -> Result<(Response, Lease), SendError> {
        let mut lease = Lease::exclusive(Arc::clone(self), goal.index, goal.host, connection);
        let response = match lease.send(request).await {
            Ok(response) => response,
            Err(SendError::Failed(failure)) => return Err(SendError::Failed(lease.failed(failure))),
            unsent @ Err(SendError::Unsent(_)) => return unsent.map(|response| (response, lease)),
        };
        if let Some(wrong) = said::wrong(&response, self.cluster.limits.max_header_bytes) {
            let reason = ResetReason::ProtocolError(wrong.to_owned());
            return Err(SendError::Failed(lease.failed(Failure::UpstreamReset(reason))));
        }
        if said::closes(&response) {
            lease.close_when_done();
            self.cluster.stats.cx_close_notify.inc();
        }
        Ok((response, lease))
    }

    /// Opens a connection to the host under the cluster's limit and `connect_timeout`, which is for the handshake, too.
    async fn open(
        self: &Arc<Self>,
        goal: Goal<'_>,
        tls: Option<&ClientTls>,
        attempt: &mut Attempt,
    ) -> Result<Connection, Failure> {
        let Goal { asked, host, index, .. } = goal;
        let cluster = self.cluster();
        self.make_room(index, Some(asked)).await;
        let place = Place::take(cluster, host, goal.fixed_version())?;
        cluster.stats.rq_pending_total.inc();
        let reaching = reach(host, goal.version(), tls, asked);
        let reached = match tokio::time::timeout(cluster.connect_timeout, reaching).await {
            Ok(Ok(reached)) => reached,
            Ok(Err(unreached)) => {
                attempt.transport_failure = unreached.words;
                return Err(place.failed(Failure::ConnectFailed(unreached.error)));
            }
            Err(_) => return Err(place.failed(Failure::ConnectTimeout)),
        };
        place.connected();
        self.begin_http1(reached, goal, place).await.map(Connection::taken)
    }

    /// Begins HTTP/1 on a connection that stands.
    pub(super) async fn begin_http1(
        self: &Arc<Self>,
        reached: Reached,
        goal: Goal<'_>,
        place: Place,
    ) -> Result<Connection, Failure> {
        let (local, remote) = (reached.local_address(), reached.remote_address());
        let known = |tls| Known { version: Protocol::Http11, local, remote, tls };
        match reached {
            Reached::Clear(io) => self.begin(io, known(None), goal, place).await,
            Reached::Secured(io, side) => self.begin(io, known(Some(side)), goal, place).await,
        }
    }

    async fn begin<I>(
        self: &Arc<Self>,
        io: I,
        known: Known,
        goal: Goal<'_>,
        place: Place,
    ) -> Result<Connection, Failure>
    where
        I: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    {
        let limits = &self.cluster.limits;
        let limits = h1::ClientLimits {
            max_header_bytes: limits.max_header_bytes,
            max_header_count: limits.max_header_count,
            proper_case: goal.writes_proper_case(),
        };
        let (stream, work) = h1::connect(io, limits).await?;
        let (id, index) = (self.number(), goal.index);
        let (ends, gone) = oneshot::channel::<()>();
        let (held, mut left) = oneshot::channel::<()>();
        let connection = Connection {
            id,
            stream,
            known,
            ended_here: Arc::default(),
            asked: Arc::clone(goal.asked),
            activity: Activity::new(Instant::now()),
            busy: None,
            is_old: Arc::default(),
            gone,
            _held: held,
        };
        let pool = Arc::clone(self);
        let (here, is_old) = (Arc::clone(&connection.ended_here), Arc::clone(&connection.is_old));
        let activity = Arc::clone(&connection.activity);
        self.drain.spawn_service("upstream connection", async move {
            let mut work = pin!(work);
            loop {
                tokio::select! {
                    biased;
                    // The exchange that uses the connection sees the same error; an idle one has nobody to tell.
                    _ = &mut work => break,
                    // What is left of its last exchange may wait for the client or the upstream, and these for ever.
                    _ = &mut left => {
                        drop(tokio::time::timeout(FAREWELL, &mut work).await);
                        break;
                    }
                    over = over(&pool.cluster.limits, &activity), if !is_old.load(Ordering::Relaxed) => {
                        // One that was taken at the last moment is idle no more.
                        if pool.forget(index, id, true) || over == Over::Old {
                            over.count(&pool.cluster.stats);
                            is_old.store(true, Ordering::Relaxed);
                        }
                    }
                }
            }
            pool.forget(index, id, false);
            place.ended(here.load(Ordering::Relaxed));
            drop(ends);
        });
        Ok(connection)
    }

    /// An idle connection that was opened for the same.
    pub(super) fn take_idle(&self, host: usize, asked: &Arc<Asked>) -> Option<Connection> {
        let mut state = self.lock();
        let idle = &mut state.hosts.get_mut(host)?.idle;
        idle.retain(|connection| !connection.stream.is_closed());
        // The one that was used last is the warmest; one whose last request is still being written is passed over.
        let ready = idle.iter().rposition(|connection| connection.asked == *asked && connection.stream.is_ready())?;
        Some(idle.remove(ready).taken())
    }

    /// Keeps a connection for whoever asks for the same next.
    pub(super) fn give_back(&self, host: usize, mut connection: Connection) {
        connection.busy = None;
        let used_up = is_used_up(&self.cluster.limits, &connection.activity);
        if used_up {
            self.cluster.stats.cx_max_requests.inc();
        }
        if used_up || connection.is_old.load(Ordering::Relaxed) {
            drop(connection.close());
            return;
        }
        let mut state = self.lock();
        let Some(host) = state.hosts.get_mut(host).filter(|_| !connection.stream.is_closed()) else { return };
        host.idle.push(connection);
        if !self.cluster.naming.is_by_request() {
            return;
        }
        let too_many = surplus(host.idle.iter().map(|connection| &connection.asked), MAX_NAMES);
        let oldest: Vec<_> = host.idle.drain(..too_many).collect();
        drop(state);
        for connection in oldest {
            drop(connection.close());
        }
    }

    /// Where all places are taken, ends a connection to the host that waits for other names than those that are asked for, or
    /// for any where none serves.
    pub(super) async fn make_room(&self, host: usize, asked: Option<&Arc<Asked>>) {
        if Place::are_taken(&self.cluster) {
            self.close_another(host, asked).await;
        }
        if Place::are_taken(&self.cluster) {
            self.leave_another(host, asked).await;
        }
    }

    /// Closes the connection to the host that has waited longest for other names, and waits until its place is free.
    async fn close_another(&self, host: usize, asked: Option<&Arc<Asked>>) {
        let oldest = {
            let mut state = self.lock();
            let Some(host) = state.hosts.get_mut(host) else { return };
            let other = host.idle.iter().position(|connection| Some(&connection.asked) != asked);
            other.map(|other| host.idle.remove(other))
        };
        if let Some(oldest) = oldest {
            // An upstream that keeps it open has no more time than one that is connected to.
            drop(tokio::time::timeout(self.cluster.connect_timeout, oldest.close()).await);
        }
    }

    /// A connection must not wait in the list for a request that never comes; `here` tells whether this side ends it now.
    /// Whether it did wait.
    fn forget(&self, host: usize, id: u64, here: bool) -> bool {
        let mut state = self.lock();
        let Some(host) = state.hosts.get_mut(host) else { return false };
        let waits = host.idle.iter().position(|connection| connection.id == id);
        let waited = waits.map(|place| host.idle.remove(place));
        drop(state);
        if let Some(connection) = &waited {
            connection.ended_here.fetch_or(here, Ordering::Relaxed);
        }
        waited.is_some()
    }
}

impl Connection {
    /// The same with an exchange.
    pub(super) fn taken(mut self) -> Self {
        self.busy = Some(self.activity.begin());
        self
    }

    /// What logs say of it.
    pub(super) fn known(&self) -> &Known {
        &self.known
    }

    /// Ends it from this side. What it returns ends when its place is free.
    fn close(self) -> oneshot::Receiver<()> {
        self.ended_here.store(true, Ordering::Relaxed);
        self.gone
    }
}
