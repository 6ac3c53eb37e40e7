//! Connections that serve one exchange at a time: HTTP/1.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Instant;

use http::header::{CONTENT_LENGTH, TRANSFER_ENCODING};
use tokio::net::TcpStream;

use super::place::Place;
use super::{Attempt, Lease, Pool};
use crate::codec::SendError;
use crate::codec::h1::{self, ClientStream};
use crate::http::{Failure, Request, ResetReason, Response};
use crate::upstream::Host;

/// A connection between two exchanges.
#[derive(Debug)]
pub(super) struct Connection {
    id: u64,
    pub(super) stream: ClientStream,
    local: Option<SocketAddr>,
    /// Set when this side ends it.
    pub(super) ended_here: Arc<AtomicBool>,
}

impl Pool {
    pub(super) async fn send_http1(
        self: &Arc<Self>,
        index: usize,
        host: &Arc<Host>,
        mut request: Request,
        attempt: &mut Attempt,
    ) -> Result<(Response, Lease), Failure> {
        let asked = Instant::now();
        loop {
            let (connection, fresh) = if let Some(connection) = self.take_idle(index) {
                (connection, false)
            } else {
                let _pending = host.counts.rq_pending_active.hold();
                (self.open(index, host, attempt).await?, true)
            };
            attempt.ready(connection.local, asked);
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
                    return Err(Failure::UpstreamReset(ResetReason::ConnectionTermination));
                }
                Err(SendError::Failed(failure)) => return Err(lease.failed(failure)),
            }
        }
    }

    /// Opens a connection to `host` under the cluster's limit and `connect_timeout`.
    async fn open(
        self: &Arc<Self>,
        index: usize,
        host: &Arc<Host>,
        attempt: &mut Attempt,
    ) -> Result<Connection, Failure> {
        let cluster = self.cluster();
        let place = Place::take(cluster, host)?;
        cluster.stats.rq_pending_total.inc();
        let io = match tokio::time::timeout(cluster.connect_timeout, TcpStream::connect(host.address)).await {
            Ok(Ok(io)) => io,
            Ok(Err(error)) => {
                attempt.transport_failure = Some(transport_failure(&error));
                return Err(place.failed(Failure::ConnectFailed(error)));
            }
            Err(_) => return Err(place.failed(Failure::ConnectTimeout)),
        };
        place.connected();
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

    fn take_idle(&self, host: usize) -> Option<Connection> {
        let mut state = self.lock();
        let idle = &mut state.hosts.get_mut(host)?.idle;
        idle.retain(|connection| !connection.stream.is_closed());
        // The one that was used last is the warmest; one whose last request is still being written is passed over.
        let ready = idle.iter().rposition(|connection| connection.stream.is_ready())?;
        Some(idle.remove(ready))
    }

    pub(super) fn give_back(&self, host: usize, connection: Connection) {
        if let Some(host) = self.lock().hosts.get_mut(host)
            && !connection.stream.is_closed()
        {
            host.idle.push(connection);
        }
    }

    /// Called when a connection has ended: it must not wait in the list for a request that never comes.
    fn forget(&self, host: usize, id: u64) {
        if let Some(host) = self.lock().hosts.get_mut(host) {
            host.idle.retain(|connection| connection.id != id);
        }
    }
}

/// The system's words as Envoy prints them: one token, without the number.
fn transport_failure(error: &io::Error) -> String {
    let text = error.to_string();
    let words = text.split(" (os error").next().unwrap_or(&text);
    format!("delayed connect error: {words}").replace(' ', "_")
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
