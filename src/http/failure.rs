//! What went wrong with an exchange: one fact each, no status and no code.
//!
//! Floors map their own errors into this type at their edge. `hcm::reply` maps it to a status, a response flag and
//! details; `codec::*::error` to a wire code. Both matches are total.

use std::borrow::Cow;
use std::io;

/// A fact about an exchange that could not go its way.
#[derive(Debug)]
pub enum Failure {
    /// No virtual host or no route matches.
    RouteNotFound,
    /// The route names a cluster that does not exist, and says what to answer then.
    ClusterNotFound(http::StatusCode),
    /// The cluster has no host that could be picked.
    NoHealthyHost,
    /// A circuit breaker of the cluster is open.
    Overflow,
    /// The upstream refused or broke the connection before it stood.
    ConnectFailed(io::Error),
    /// The upstream connection did not stand within `connect_timeout`.
    ConnectTimeout,
    /// The upstream stream or connection ended before the response did.
    UpstreamReset(ResetReason),
    /// The whole response did not arrive within the route's `timeout`.
    ResponseTimeout,
    /// The whole request did not arrive within `request_timeout`.
    RequestTimeout,
    /// The head of a request did not arrive within `request_headers_timeout`.
    RequestHeadersTimeout,
    /// Nothing moved in either direction for `stream_idle_timeout`.
    StreamIdle,
    /// The stream is older than `max_stream_duration`.
    MaxStreamDuration,
    /// The downstream connection ended before the exchange did.
    DownstreamClosed,
    /// The client gave the stream up.
    DownstreamReset,
    /// The client broke the protocol; the text is the detail for the log.
    DownstreamProtocol(Cow<'static, str>),
    /// The request has no `host`.
    MissingHost,
    /// The request is for a host that another connection should have been opened for.
    Misdirected,
    /// The request is of an HTTP version that this listener does not take.
    LowVersion,
    /// The field section is over its limit; the text is the detail for the log.
    HeadersTooLarge(&'static str),
    /// The request asks for what this gateway does not do: the text names it.
    Forbidden(&'static str),
    /// The request may not pass as it is configured: what to answer, and the detail for the log.
    Refused(http::StatusCode, &'static str),
    /// The request came in early data, and may come again when the handshake is complete.
    TooEarly,
    /// The gateway stops and the time to drain is over.
    Closing,
}

/// How an upstream ended a response early.
#[derive(Debug)]
pub enum ResetReason {
    /// The connection was closed or broken.
    ConnectionTermination,
    /// What came is not HTTP.
    ProtocolError(String),
    /// The upstream reset this one stream.
    RemoteReset,
    /// The upstream reset this one stream before it did anything for it.
    RemoteRefused,
}

impl std::fmt::Display for Failure {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let fact = match self {
            Self::RouteNotFound => "no route matches",
            Self::ClusterNotFound(_) => "the route's cluster does not exist",
            Self::NoHealthyHost => "the cluster has no healthy host",
            Self::Overflow => "a circuit breaker of the cluster is open",
            Self::ConnectFailed(error) => return write!(f, "the upstream connection failed: {error}"),
            Self::ConnectTimeout => "the upstream connection took longer than connect_timeout",
            Self::UpstreamReset(reason) => return write!(f, "the upstream ended the response: {reason}"),
            Self::ResponseTimeout => "the response took longer than the route's timeout",
            Self::RequestTimeout => "the request took longer than request_timeout",
            Self::RequestHeadersTimeout => "the request head took longer than request_headers_timeout",
            Self::StreamIdle => "nothing moved for stream_idle_timeout",
            Self::MaxStreamDuration => "the stream is older than max_stream_duration",
            Self::DownstreamClosed => "the client's connection ended",
            Self::DownstreamReset => "the client reset the stream",
            Self::DownstreamProtocol(detail) => return write!(f, "the client broke the protocol: {detail}"),
            Self::MissingHost => "the request has no host",
            Self::Misdirected => "the request is for a host outside the certificate of its connection",
            Self::LowVersion => "HTTP/1.0 is not served here",
            Self::HeadersTooLarge(detail) => return write!(f, "the request head is over its limit: {detail}"),
            Self::Forbidden(what) => return write!(f, "not served here: {what}"),
            Self::Refused(_, why) => return write!(f, "the request is refused: {why}"),
            Self::TooEarly => "the request came before the end of the handshake",
            Self::Closing => "the gateway is closing",
        };
        f.write_str(fact)
    }
}

impl std::error::Error for Failure {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::ConnectFailed(error) => Some(error),
            _ => None,
        }
    }
}

impl std::fmt::Display for ResetReason {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::ConnectionTermination => f.write_str("connection termination"),
            Self::ProtocolError(detail) => write!(f, "protocol error: {detail}"),
            Self::RemoteReset => f.write_str("remote reset"),
            Self::RemoteRefused => f.write_str("remote refused the stream"),
        }
    }
}
