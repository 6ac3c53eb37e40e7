//! Connections that serve one exchange at a time: HTTP/1.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Instant;

use http::header::{CONTENT_LENGTH, TRANSFER_ENCODING};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::sync::oneshot;

use super::names::{MAX_NAMES, surplus};
use super::place::Place;
use super::reach::{Reached, reach};
use super::secured::TlsSide;
use super::{Attempt, Lease, Pool};
use crate::codec::SendError;
use crate::codec::h1::{self, ClientStream};
use crate::http::{Failure, Request, ResetReason, Response};
use crate::tls::{Asked, ClientTls};
use crate::upstream::Host;

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
    /// Ends when its place is free.
    gone: oneshot::Receiver<()>,
}

/// What logs say of a connection.
#[derive(Debug)]
struct Known {
    local: Option<SocketAddr>,
    tls: Option<Arc<TlsSide>>,
}

/// A host, and how it is reached.
#[derive(Clone, Copy, Debug)]
pub(super) struct Goal<'a> {
    pub(super) tls: Option<&'a ClientTls>,
    pub(super) asked: &'a Arc<Asked>,
    pub(super) host: &'a Arc<Host>,
    /// The place of the host in the cluster.
    pub(super) index: usize,
}

impl Pool {
    pub(super) async fn send_http1(
        self: &Arc<Self>,
        goal: Goal<'_>,
        mut request: Request,
        attempt: &mut Attempt,
    ) -> Result<(Response, Lease), Failure> {
        let asked = Instant::now();
        let Goal { host, index, .. } = goal;
        loop {
            let (connection, fresh) = if let Some(connection) = self.take_idle(index, goal.asked) {
                (connection, false)
            } else {
                let _pending = host.counts.rq_pending_active.hold();
                (self.open(goal, attempt).await?, true)
            };
            attempt.ready(connection.known.local, connection.known.tls.as_ref(), asked);
            let mut lease = Lease::exclusive(Arc::clone(self), index, host, connection);
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
                    attempt.broken();
                    return Err(Failure::UpstreamReset(ResetReason::ConnectionTermination));
                }
                Err(SendError::Failed(failure)) => {
                    attempt.broken();
                    return Err(lease.failed(failure));
                }
            }
        }
    }

    /// Opens a connection to the host under the cluster's limit and `connect_timeout`, which is for the handshake, too.
    async fn open(self: &Arc<Self>, goal: Goal<'_>, attempt: &mut Attempt) -> Result<Connection, Failure> {
        let Goal { tls, asked, host, index } = goal;
        let cluster = self.cluster();
        if Place::are_taken(cluster) {
            self.make_room(index, asked).await;
        }
        let place = Place::take(cluster, host)?;
        cluster.stats.rq_pending_total.inc();
        let reached = match tokio::time::timeout(cluster.connect_timeout, reach(host, tls, asked)).await {
            Ok(Ok(reached)) => reached,
            Ok(Err(unreached)) => {
                attempt.transport_failure = unreached.words;
                return Err(place.failed(Failure::ConnectFailed(unreached.error)));
            }
            Err(_) => return Err(place.failed(Failure::ConnectTimeout)),
        };
        place.connected();
        match reached {
            Reached::Clear(io) => {
                let local = io.local_addr().ok();
                self.begin(io, Known { local, tls: None }, goal, place).await
            }
            Reached::Secured(io, side) => {
                let local = io.local_address();
                self.begin(io, Known { local, tls: Some(side) }, goal, place).await
            }
        }
    }

    /// Begins HTTP/1 on a connection that stands.
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
        let (stream, connection) = h1::connect(io, MAX_RESPONSE_HEADERS).await?;
        let (id, index) = (self.number(), goal.index);
        let pool = Arc::clone(self);
        let ended_here = Arc::new(AtomicBool::new(false));
        let here = Arc::clone(&ended_here);
        let (ends, gone) = oneshot::channel::<()>();
        self.drain.spawn_service("upstream connection", async move {
            // The exchange that uses the connection sees the same error; an idle one has nobody to tell.
            let _ = connection.await;
            pool.forget(index, id);
            place.ended(here.load(Ordering::Relaxed));
            drop(ends);
        });
        Ok(Connection { id, stream, known, ended_here, asked: Arc::clone(goal.asked), gone })
    }

    /// An idle connection that was opened for the same.
    fn take_idle(&self, host: usize, asked: &Arc<Asked>) -> Option<Connection> {
        let mut state = self.lock();
        let idle = &mut state.hosts.get_mut(host)?.idle;
        idle.retain(|connection| !connection.stream.is_closed());
        // The one that was used last is the warmest; one whose last request is still being written is passed over.
        let ready = idle.iter().rposition(|connection| connection.asked == *asked && connection.stream.is_ready())?;
        Some(idle.remove(ready))
    }

    pub(super) fn give_back(&self, host: usize, connection: Connection) {
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

    /// Closes the connection to the host that has waited longest for other names, and waits until its place is free.
    async fn make_room(&self, host: usize, asked: &Arc<Asked>) {
        let oldest = {
            let mut state = self.lock();
            let Some(host) = state.hosts.get_mut(host) else { return };
            let other = host.idle.iter().position(|connection| connection.asked != *asked);
            other.map(|other| host.idle.remove(other))
        };
        if let Some(oldest) = oldest {
            // An upstream that keeps it open has no more time than one that is connected to.
            drop(tokio::time::timeout(self.cluster.connect_timeout, oldest.close()).await);
        }
    }

    /// Called when a connection has ended: it must not wait in the list for a request that never comes.
    fn forget(&self, host: usize, id: u64) {
        if let Some(host) = self.lock().hosts.get_mut(host) {
            host.idle.retain(|connection| connection.id != id);
        }
    }
}

impl Connection {
    /// Ends it from this side. What it returns ends when its place is free.
    fn close(self) -> oneshot::Receiver<()> {
        self.ended_here.store(true, Ordering::Relaxed);
        self.gone
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

/// Envoy's default `max_headers_count` for responses.
const MAX_RESPONSE_HEADERS: usize = 100;
