//! Floor 8: the HTTP connection manager, the spine of the gateway.
//!
//! A [`Manager`] is an `HttpConnectionManager` as it runs. `listener` gives it connections ([`serve`], [`serve_http3`]); the
//! codec gives each of their requests to a [`Connection`]; `exchange` leads the request through: clean its target, sanitise,
//! route, act, and on failure reply. `forward` sends it upstream, `body` lets the two contents pass, `tunnel` lets them go on by
//! themselves, `local_reply` gives what is said here its last form, `account` keeps the account.

mod account;
mod body;
mod build;
mod client_cert;
mod connection;
mod early_data;
mod exchange;
mod forward;
mod interim;
mod local_reply;
mod log;
mod periodic;
mod proxy_status;
mod reply;
mod request_id;
mod respond;
mod rewrite;
mod sanitize;
mod stats;
mod target;
mod timeouts;
mod tunnel;
mod upgrade;
mod worker;

use std::sync::Arc;
use std::time::Duration;

use http::HeaderValue;

pub use build::{Context, access_log, bind_settings, manager};
pub use connection::{Connection, Peer, serve, serve_http3};
pub use forward::Forward;
pub use log::{ConnectionEnd, connection_record};
pub use worker::Worker;

use crate::codec::{ConnectionLimits, ServerLimits};
use crate::config::proto::envoy::extensions::filters::network::http_connection_manager::v3 as proto;
use crate::observe::access_log::AccessLog;
use crate::router::RouteTable;

/// An HTTP connection manager as it runs; shared by all workers, never changed.
#[derive(Debug)]
pub struct Manager {
    /// Which versions it serves.
    pub codec: CodecType,
    limits: ServerLimits,
    connection: ConnectionLimits,
    duration_jitter: f64,
    log_options: periodic::LogOptions,
    targets: target::Targets,
    identity: sanitize::Identity,
    client_cert: client_cert::ClientCert,
    server: ServerHeader,
    always_set_request_id: bool,
    accept_http_10: bool,
    upgrades: upgrade::Upgrades,
    trailers: bool,
    timeouts: timeouts::Timeouts,
    routes: Arc<RouteTable<Forward>>,
    local_replies: local_reply::LocalReplies,
    proxy_status: Option<proxy_status::ProxyStatus>,
    access_log: AccessLog,
    stats: stats::ManagerStats,
}

impl Manager {
    /// Counts the bytes of a connection that is over.
    pub fn passed(&self, received: u64, sent: u64) {
        self.stats.cx_rx_bytes_total.add(received);
        self.stats.cx_tx_bytes_total.add(sent);
    }

    /// How long a connection may take to say its first byte, where the version is told by it.
    #[must_use]
    pub fn first_byte_timeout(&self) -> Duration {
        self.connection.idle_timeout.unwrap_or(FIRST_BYTE_TIMEOUT)
    }
}

/// Envoy's `codec_type`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CodecType {
    /// By ALPN; without it, by the first bytes.
    Auto,
    /// HTTP/1 only.
    Http1,
    /// HTTP/2 only.
    Http2,
    /// HTTP/3 only.
    Http3,
}

impl CodecType {
    /// What a message asks for.
    #[must_use]
    pub fn of(written: &proto::HttpConnectionManager) -> Self {
        use proto::http_connection_manager::CodecType as Written;
        match written.codec_type() {
            Written::Auto => Self::Auto,
            Written::Http1 => Self::Http1,
            Written::Http2 => Self::Http2,
            Written::Http3 => Self::Http3,
        }
    }
}

/// Envoy's `server_header_transformation`.
#[derive(Clone, Debug)]
enum ServerHeader {
    Overwrite(HeaderValue),
    AppendIfAbsent(HeaderValue),
    PassThrough,
}

/// As long as Envoy's default `idle_timeout`.
const FIRST_BYTE_TIMEOUT: Duration = Duration::from_secs(3600);
