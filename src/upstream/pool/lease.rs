//! A connection while an exchange uses it.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use super::{Connection, Pool};
use crate::codec::SendError;
use crate::http::{Failure, Request, ResetReason, Response};
use crate::upstream::Host;

/// Holds a connection for one exchange. [`Lease::finish`] gives it back; dropped instead, it is closed, because what
/// would come next on it belongs to an exchange that is over.
#[derive(Debug)]
pub struct Lease {
    pool: Arc<Pool>,
    index: usize,
    host: Arc<Host>,
    connection: Option<Connection>,
}

impl Lease {
    pub(super) fn new(pool: Arc<Pool>, index: usize, host: &Arc<Host>, connection: Connection) -> Self {
        pool.cluster().stats.rq_total.inc();
        pool.cluster().stats.rq_active.inc();
        host.counts.rq_total.up();
        host.counts.rq_active.up();
        Self { pool, index, host: Arc::clone(host), connection: Some(connection) }
    }

    pub(super) async fn send(&mut self, request: Request) -> Result<Response, SendError> {
        match &mut self.connection {
            Some(connection) => connection.stream.send(request).await,
            None => Err(SendError::Unsent(Box::new(request))),
        }
    }

    /// Notes how the exchange ended early.
    pub(super) fn failed(&self, failure: Failure) -> Failure {
        if let Failure::UpstreamReset(ResetReason::ProtocolError(_)) = failure {
            self.pool.cluster().stats.cx_protocol_error.inc();
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
        if let Some(connection) = &self.connection {
            connection.ended_here.store(true, Ordering::Relaxed);
        }
    }

    /// The response has been read to its end: the connection may serve another request.
    pub fn finish(mut self) {
        if let Some(connection) = self.connection.take() {
            self.pool.give_back(self.index, connection);
        }
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        let stats = &self.pool.cluster().stats;
        stats.rq_active.dec();
        self.host.counts.rq_active.down();
        if let Some(connection) = &self.connection {
            stats.cx_destroy_with_active_rq.inc();
            // hyper closes on its own when what it reads breaks off; then the upstream was first.
            if !connection.stream.is_closed() {
                connection.ended_here.store(true, Ordering::Relaxed);
            }
        }
    }
}
