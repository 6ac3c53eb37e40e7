//! What an exchange or a connection leaves behind for the log.
//!
//! Plain facts, filled by `hcm`, `listener` and the upstream floors, read by the operators. What all exchanges of a
//! connection share stands in one [`Connection`] behind an `Arc`.

use std::borrow::Cow;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Instant, SystemTime};

use bytes::Bytes;
use http::{HeaderValue, Version};

use super::capture::Captured;
use super::certificate::Certificate;
use super::flags::ResponseFlags;
use super::times::{Point, Times};

/// The facts of one exchange, or of one connection.
#[derive(Clone, Debug)]
pub struct Record {
    /// At what occasion the line is written.
    pub log_type: LogType,
    /// When the exchange began, by the wall clock.
    pub start: SystemTime,
    /// When the line is written, by the wall clock.
    pub emitted: SystemTime,
    /// The moments of the exchange.
    pub times: Times,
    /// The version of HTTP the client spoke; none on a connection of another protocol.
    pub protocol: Option<Version>,
    /// The status sent; none when no response was begun.
    pub status: Option<u16>,
    /// Who set the status and why: `via_upstream`, `route_not_found`.
    pub details: Option<Cow<'static, str>>,
    /// What went wrong.
    pub flags: ResponseFlags,
    /// Body bytes received from the client; on a connection, all bytes.
    pub bytes_received: u64,
    /// Body bytes sent to the client; on a connection, all bytes.
    pub bytes_sent: u64,
    /// The name of the route.
    pub route: Option<Arc<str>>,
    /// The identity of the exchange: the value of `x-request-id`.
    pub stream_id: Option<HeaderValue>,
    /// The address of the client that is believed: from `x-forwarded-for`, or the peer's.
    pub remote: Option<SocketAddr>,
    /// The body of a reply made here, where a format may show it.
    pub local_reply_body: Bytes,
    /// Why the connection was ended from this side.
    pub termination_details: Option<Cow<'static, str>>,
    /// Why the client's transport (TLS) failed.
    pub transport_failure: Option<Cow<'static, str>>,
    /// How the client's connection was seen to close.
    pub detected_close: CloseType,
    /// Why this side closed the client's connection.
    pub local_close_reason: Option<Cow<'static, str>>,
    /// The client's connection.
    pub connection: Arc<Connection>,
    /// The other side.
    pub upstream: Upstream,
    /// The header fields the formats read.
    pub captured: Captured,
}

/// A client's connection: what does not change from one exchange to the next.
#[derive(Clone, Debug, Default)]
pub struct Connection {
    /// Its number, counted from 1 in this process.
    pub id: u64,
    /// The address it came to.
    pub local: Option<SocketAddr>,
    /// The address its socket was bound to, where the other one was restored or told by a proxy.
    pub direct_local: Option<SocketAddr>,
    /// The peer's address.
    pub remote: Option<SocketAddr>,
    /// When it was accepted.
    pub began: Option<Instant>,
    /// When its handshake began.
    pub handshake_began: Option<Instant>,
    /// When its handshake was done.
    pub handshake_ended: Option<Instant>,
    /// What its handshake agreed on.
    pub tls: Option<Tls>,
    /// The name the client asked for (SNI).
    pub server_name: Option<Arc<str>>,
    /// The name of the filter chain that serves it.
    pub filter_chain: Option<Arc<str>>,
    /// The name of its listener.
    pub listener: Option<Arc<str>>,
}

/// What a TLS handshake agreed on, in the names OpenSSL gives.
#[derive(Clone, Debug, Default)]
pub struct Tls {
    /// `TLSv1.3`.
    pub version: Option<&'static str>,
    /// `TLS_AES_256_GCM_SHA384`, for TLS 1.2 `ECDHE-RSA-AES128-GCM-SHA256`.
    pub cipher: Option<&'static str>,
    /// `X25519`.
    pub group: Option<&'static str>,
    /// The session's identity in hexadecimal, where there is one (TLS 1.2).
    pub session_id: Option<Arc<str>>,
    /// What the client has shown.
    pub peer: Option<Arc<Certificate>>,
    /// What the client was shown, where that is known.
    pub local: Option<Arc<Certificate>>,
}

/// The upstream's side of an exchange.
#[derive(Clone, Debug, Default)]
pub struct Upstream {
    /// The name of the cluster.
    pub cluster: Option<Arc<str>>,
    /// Its `alt_stat_name`.
    pub cluster_alias: Option<Arc<str>>,
    /// The address of the host that was chosen.
    pub host: Option<SocketAddr>,
    /// The host's name, where it has one.
    pub host_name: Option<Arc<str>>,
    /// The near end of the connection to it; none when there was no connection.
    pub local: Option<SocketAddr>,
    /// The far end of the connection to it; none when there was no connection.
    pub remote: Option<SocketAddr>,
    /// What the TLS handshake of that connection agreed on.
    pub tls: Option<Tls>,
    /// The name that it asked for (SNI).
    pub server_name: Option<Arc<str>>,
    /// The number of the connection to it, 0 for none.
    pub connection_id: u64,
    /// The version of HTTP spoken to it.
    pub protocol: Option<Version>,
    /// How often the request was tried.
    pub attempts: u32,
    /// Why the connection failed.
    pub transport_failure: Option<Cow<'static, str>>,
    /// Why this side closed the connection.
    pub local_close_reason: Option<Cow<'static, str>>,
}

/// At what occasion a line is written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum LogType {
    /// Not said.
    #[default]
    NotSet,
    /// A proxied TCP connection reached its upstream.
    TcpUpstreamConnected,
    /// A proxied TCP connection goes on.
    TcpPeriodic,
    /// A proxied TCP connection ended.
    TcpConnectionEnd,
    /// An exchange began.
    DownstreamStart,
    /// An exchange goes on.
    DownstreamPeriodic,
    /// An exchange ended.
    DownstreamEnd,
    /// An upstream connection was ready.
    UpstreamPoolReady,
    /// An upstream exchange goes on.
    UpstreamPeriodic,
    /// An upstream exchange ended.
    UpstreamEnd,
    /// A UDP session ended.
    UdpSessionEnd,
}

/// How a connection was seen to close.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum CloseType {
    /// In order, or not yet.
    #[default]
    Normal,
    /// Reset from this side.
    LocalReset,
    /// Reset by the peer.
    RemoteReset,
}

// === impl Record ===

impl Record {
    /// An empty record of an exchange that began at `start`, on `connection`.
    #[must_use]
    pub fn new(start: SystemTime, connection: Arc<Connection>) -> Self {
        Self {
            log_type: LogType::DownstreamEnd,
            start,
            emitted: start,
            times: Times::default(),
            protocol: None,
            status: None,
            details: None,
            flags: ResponseFlags::default(),
            bytes_received: 0,
            bytes_sent: 0,
            route: None,
            stream_id: None,
            remote: connection.remote,
            local_reply_body: Bytes::new(),
            termination_details: None,
            transport_failure: None,
            detected_close: CloseType::Normal,
            local_close_reason: None,
            connection,
            upstream: Upstream::default(),
            captured: Captured::default(),
        }
    }

    /// When `point` was: the connection's moments are found there, unless the record has its own.
    pub(super) fn at(&self, point: Point) -> Option<Instant> {
        let connection = &self.connection;
        self.times.at(point).or_else(|| match point {
            Point::ConnectionBegin => connection.began,
            Point::HandshakeBegin => connection.handshake_began,
            Point::HandshakeEnd => connection.handshake_ended,
            _ => None,
        })
    }
}

// === impl LogType ===

impl LogType {
    /// Envoy's name.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::NotSet => "NotSet",
            Self::TcpUpstreamConnected => "TcpUpstreamConnected",
            Self::TcpPeriodic => "TcpPeriodic",
            Self::TcpConnectionEnd => "TcpConnectionEnd",
            Self::DownstreamStart => "DownstreamStart",
            Self::DownstreamPeriodic => "DownstreamPeriodic",
            Self::DownstreamEnd => "DownstreamEnd",
            Self::UpstreamPoolReady => "UpstreamPoolReady",
            Self::UpstreamPeriodic => "UpstreamPeriodic",
            Self::UpstreamEnd => "UpstreamEnd",
            Self::UdpSessionEnd => "UdpSessionEnd",
        }
    }
}

// === impl CloseType ===

impl CloseType {
    /// Envoy's name.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Normal => "Normal",
            Self::LocalReset => "LocalReset",
            Self::RemoteReset => "RemoteReset",
        }
    }
}
