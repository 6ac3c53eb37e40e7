//! Tunnels: upgrades of HTTP/1, CONNECT and extended CONNECT, from every version to every version.

pub(crate) mod client;
mod config;
mod connect;
mod ends;
mod upgrades;

use aws_lc_rs::digest::{SHA1_FOR_LEGACY_USE_ONLY, digest};
use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;

use crate::edge::Edge;
use crate::support::backend::{Backend, Received, Script};
use crate::support::client::Version;
use crate::support::message::field;
use crate::upstream_http2::chain::secured;
use crate::upstream_http3::chain::quic_cluster;

/// The gateway with a backend behind it, and the one that has another gateway in between.
struct Ways {
    edge: Edge,
    /// What is reached from the two others.
    _back: Edge,
    by_http2: Edge,
    by_http3: Edge,
}

impl Ways {
    async fn to(backend: &Backend) -> Self {
        let back = Edge::with(backend, ROUTES, MANAGER).await;
        let by_http2 = secured("backend", back.process.address("https"), "");
        let by_http3 = quic_cluster("backend", back.process.address("http3"));
        Self {
            edge: Edge::with(backend, ROUTES, MANAGER).await,
            _back: back,
            by_http2: Edge::in_front_of(&by_http2, ROUTES, MANAGER).await,
            by_http3: Edge::in_front_of(&by_http3, ROUTES, MANAGER).await,
        }
    }

    /// Every version on each way, and what it is called.
    fn cells(&self) -> impl Iterator<Item = (String, &Edge, Version)> {
        [("HTTP/1", &self.edge), ("HTTP/2", &self.by_http2), ("HTTP/3", &self.by_http3)]
            .into_iter()
            .flat_map(|(way, edge)| Version::ALL.map(|version| (format!("{version:?} to {way}"), edge, version)))
    }
}

/// A backend that grants what it is asked for, and says back what comes.
pub(crate) async fn echo() -> Backend {
    Backend::start(|received| Script::bytes(granting(received)).echoes()).await
}

/// The head that grants what this request asks for.
fn granting(received: &Received) -> String {
    if received.method == "CONNECT" {
        return "HTTP/1.1 200 OK\r\n\r\n".to_owned();
    }
    let protocol = field(&received.headers, "upgrade").unwrap_or_default();
    let key = field(&received.headers, "sec-websocket-key").unwrap_or_default();
    let hash = digest(&SHA1_FOR_LEGACY_USE_ONLY, format!("{key}258EAFA5-E914-47DA-95CA-C5AB0DC85B11").as_bytes());
    let accept = BASE64_STANDARD.encode(hash);
    format!(
        "HTTP/1.1 101 Switching Protocols\r\nconnection: upgrade\r\nupgrade: {protocol}\r\nsec-websocket-accept: {accept}\r\n\r\n"
    )
}

pub(crate) const MANAGER: &str =
    "          upgrade_configs: [{upgrade_type: websocket}, {upgrade_type: other}, {upgrade_type: CONNECT}]
          http2_protocol_options: {allow_connect: true}
          http3_protocol_options: {allow_extended_connect: true}
";

pub(crate) const ROUTES: &str = "              - {match: {connect_matcher: {}}, route: {cluster: backend}}
              - {match: {prefix: /}, route: {cluster: backend}}
";
