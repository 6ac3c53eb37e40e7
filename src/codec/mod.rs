//! Floor 5: HTTP/1.1, HTTP/2 and HTTP/3 on the wire, server and client side by side.
//!
//! A server codec reads requests from one connection, hands each to a [`Handler`] as one [`Request`] of no particular
//! version, and writes the response back. In our request the target is in origin form and the authority stands in the
//! `host` field, whatever the version said. HTTP/1 is hyper's; HTTP/2 is the h2 crate's; HTTP/3 is our own. The
//! body pump exists once, for the two multiplexed versions; hyper polls the body itself.

use std::future::Future;
use std::sync::Arc;

use crate::http::{Failure, Request, ResetReason, Response};

mod activity;
mod detect;
mod extended_connect;
pub mod h1;
pub mod h2;
pub mod h3;
mod interim;
mod lifetime;
mod mailbox;
pub mod message;
mod pump;
pub mod qpack;
mod target;
pub mod tunnel;
mod upload;
mod websocket;

pub use activity::{Activity, Busy};
pub use detect::{Prefixed, starts_http2};
pub use interim::{InterimFault, Interims};
pub use lifetime::{ConnectionLimits, Ending, Lifetime};
pub use mailbox::{Inbox, Interim, Outbox, mailbox};

/// Whoever answers the requests of one connection.
pub trait Handler: Send + Sync + 'static {
    /// Answers one request. Dropping the future, or the body of the response before its end, means that the client is
    /// gone: see [`Handler::lost`]. What is to be said to the client before goes into `outbox`.
    fn handle(self: Arc<Self>, request: Request, outbox: Outbox) -> impl Future<Output = Response> + Send;

    /// Answers a request that cannot be served as it stands, where the version lets an answer be given.
    fn reject(self: Arc<Self>, request: Request, failure: Failure) -> impl Future<Output = Response> + Send;

    /// A message that never became a request was answered or reset by the codec.
    fn refused(self: &Arc<Self>, failure: &Failure);

    /// The connection broke: exchanges dropped from now on ended with it, not by a reset of their own.
    fn lost(&self);

    /// Between `true` and `false`: what is dropped now was reset by the client, whatever became of the connection.
    fn resetting(&self, on: bool);

    /// The exchanges now open on this connection.
    fn activity(&self) -> &Arc<Activity>;
}

/// Limits and times that every server codec keeps.
#[derive(Clone, Debug)]
pub struct ServerLimits {
    /// Bytes that the field section of a request may take; more is answered 431.
    pub max_header_bytes: usize,
    /// Fields that a request may have; more is answered 431.
    pub max_header_count: usize,
    /// Streams that a client may have open at once (HTTP/2; HTTP/3 has it in its transport parameters).
    pub max_concurrent_streams: u32,
    /// Whether an extended CONNECT is taken, and announced (RFC 8441, RFC 9220).
    pub extended_connect: bool,
    /// Whether a client that waits to be told to go on hears it from who handles its request, and not from the codec: Envoy's
    /// `proxy_100_continue`.
    pub proxy_100_continue: bool,
    /// Whether QPACK may use more than the static table: dynamic tables and the Huffman code (HTTP/3).
    pub qpack: bool,
    /// Bytes that a client may send unasked on one HTTP/2 stream.
    pub stream_window: u32,
    /// Bytes that a client may send unasked on one HTTP/2 connection.
    pub connection_window: u32,
    /// What is only HTTP/1's.
    pub http1: Http1,
    /// What is only HTTP/2's.
    pub http2: Http2,
    /// How long the head of a request may take: on HTTP/1 from its first byte on, on HTTP/3 from the opening of its stream
    /// on. The h2 crate shows no head before it is whole.
    pub headers_timeout: Option<std::time::Duration>,
    /// How long a client may leave a response unread: Envoy's `stream_idle_timeout`.
    pub write_timeout: Option<std::time::Duration>,
}

/// What is only HTTP/1's.
#[derive(Clone, Copy, Debug, Default)]
pub struct Http1 {
    /// Whether targets in absolute form are left as they are, and not taken.
    pub keeps_absolute_form: bool,
    /// Whether the names of a response's fields are written With-Capitals.
    pub proper_case: bool,
}

/// What is only HTTP/2's.
#[derive(Clone, Copy, Debug)]
pub struct Http2 {
    /// Bytes that the table of HPACK may take which a client's fields are read with; none is the 4,096 of RFC 7541.
    pub table_size: Option<u32>,
    /// When a client has to give a sign of life.
    pub keep_alive: Option<h2::KeepAlive>,
}

/// How a server connection ended.
#[derive(Debug)]
pub enum Ended {
    /// The client had no more to ask.
    Done,
    /// This side had told the client that it ends.
    Told,
    /// It was idle for too long.
    Idle,
    /// It was older than it may become.
    MaxDuration,
    /// The client broke the protocol.
    Protocol(String),
    /// The transport broke, or the client left in the middle.
    Broken(String),
    /// The client gave too many requests up at once.
    TooManyResets,
    /// The client gave no sign of life when it was asked for one.
    Unanswered,
    /// The gateway's time to drain was over.
    Forced,
}

/// A request that was not answered.
#[derive(Debug)]
pub enum SendError {
    /// Not a byte of it was written: it may go elsewhere.
    Unsent(Box<Request>),
    /// It may have been seen by the upstream.
    Failed(Failure),
}

/// A failure after the final head. RFC 9113 §8.7, RFC 9114 §4.1.1: only what nothing was done for may be sent again, and what was
/// answered is no such thing, whatever the upstream then says of it.
fn once_answered(failure: Failure) -> Failure {
    match failure {
        Failure::UpstreamReset(ResetReason::RemoteRefused) => Failure::UpstreamReset(ResetReason::RemoteReset),
        failure => failure,
    }
}
