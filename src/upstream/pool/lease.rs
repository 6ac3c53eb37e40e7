//! A connection while an exchange uses it.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use super::Pool;
use super::exclusive::Connection;
use super::shared::Ticket;
use crate::codec::SendError;
use crate::http::{Failure, Request, ResetReason, Response};
use crate::upstream::Host;

/// Holds a connection for one exchange, or a place on a shared one. [`Lease::finish`] gives it back; dropped instead, a
/// connection of its own is closed, because what would come next on it belongs to an exchange that is over.
#[derive(Debug)]
pub struct Lease {
    pool: Arc<Pool>,
    index: usize,
    host: Arc<Host>,
    held: Held,
}

#[derive(Debug)]
enum Held {
    /// A connection of HTTP/1.
    Own(Connection),
    /// A place on a connection of HTTP/2 or HTTP/3, given back by its drop.
    Shared { _ticket: Ticket },
    /// Nothing, or nothing any more.
    Returned,
}

impl Lease {
    pub(super) fn exclusive(pool: Arc<Pool>, index: usize, host: &Arc<Host>, connection: Connection) -> Self {
        Self::new(pool, index, host, Held::Own(connection))
    }

    pub(super) fn shared(pool: Arc<Pool>, index: usize, host: &Arc<Host>, ticket: Ticket) -> Self {
        Self::new(pool, index, host, Held::Shared { _ticket: ticket })
    }

    /// For a tunnel, which has a connection for itself.
    pub(super) fn raw(pool: Arc<Pool>, index: usize, host: &Arc<Host>) -> Self {
        Self::new(pool, index, host, Held::Returned)
    }

    fn new(pool: Arc<Pool>, index: usize, host: &Arc<Host>, held: Held) -> Self {
        pool.cluster().stats.rq_total.inc();
        pool.cluster().stats.rq_active.inc();
        host.counts.rq_total.up();
        host.counts.rq_active.up();
        Self { pool, index, host: Arc::clone(host), held }
    }

    /// Sends a request on a connection of its own.
    pub(super) async fn send(&mut self, request: Request) -> Result<Response, SendError> {
        match &mut self.held {
            Held::Own(connection) => connection.stream.send(request).await,
            Held::Shared { .. } | Held::Returned => Err(SendError::Unsent(Box::new(request))),
        }
    }

    /// Notes how the exchange ended before its response.
    pub(super) fn failed(&self, failure: Failure) -> Failure {
        let stats = &self.pool.cluster().stats;
        match &failure {
            Failure::UpstreamReset(ResetReason::ProtocolError(_)) => stats.cx_protocol_error.inc(),
            Failure::UpstreamReset(ResetReason::RemoteReset | ResetReason::RemoteRefused) => stats.rq_rx_reset.inc(),
            _ => {}
        }
        failure
    }

    /// The head of a response has come.
    pub fn answered(&self, status: http::StatusCode) {
        if status.is_server_error() { self.host.counts.rq_error.up() } else { self.host.counts.rq_success.up() }
    }

    /// The host that serves the exchange.
    #[must_use]
    pub fn host(&self) -> &Arc<Host> {
        &self.host
    }

    /// The upstream has said that it takes no more on this connection: this side ends it with the exchange.
    pub(super) fn close_when_done(&self) {
        if let Held::Own(connection) = &self.held {
            connection.ended_here.store(true, Ordering::Relaxed);
        }
    }

    /// The response has been read to its end: the connection may serve another request.
    pub fn finish(mut self) {
        if let Held::Own(connection) = std::mem::replace(&mut self.held, Held::Returned) {
            self.pool.give_back(self.index, connection);
        }
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        let stats = &self.pool.cluster().stats;
        stats.rq_active.dec();
        self.host.counts.rq_active.down();
        if let Held::Own(connection) = &self.held {
            stats.cx_destroy_with_active_rq.inc();
            // hyper closes on its own when what it reads breaks off; then the upstream was first.
            if !connection.stream.is_closed() {
                connection.ended_here.store(true, Ordering::Relaxed);
            }
        }
    }
}
