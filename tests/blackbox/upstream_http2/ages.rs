//! How long connections to upstreams serve, and what a response may be: `common_http_protocol_options` of a cluster, over each
//! version.

use std::net::SocketAddr;

use super::chain::{cluster, tls};
use crate::edge::{ALL, Edge};
use crate::support::backend::{Backend, Script};
use crate::support::certificates::Certificates;
use crate::support::client::{Client, Version};
use crate::support::deadline::until;
use crate::support::message::Request;
use crate::upstream_http3::chain::trusted;

/// A front that reaches a back by this version, with these common options for the cluster.
struct Chain {
    front: Edge,
    _back: Edge,
}

impl Chain {
    async fn start(version: Version, backend: &Backend, common: &str) -> Self {
        let back = Edge::start(backend, ALL).await;
        let (listener, protocol) = match version {
            Version::Http1 => ("http", "http_protocol_options"),
            Version::Http2 => ("http", "http2_protocol_options"),
            Version::Http3 => ("http3", "http3_protocol_options"),
        };
        let cluster = by(version, back.process.address(listener), protocol, common);
        Self { front: Edge::in_front_of(&cluster, ALL, "").await, _back: back }
    }

    async fn client(&self) -> Client {
        self.front.client(Version::Http2).await
    }

    /// The number of that name.
    async fn count(&self, name: &str) -> i64 {
        self.front.process.stats().await.of(&format!("cluster.backend.upstream_{name}"))
    }
}

fn by(version: Version, address: SocketAddr, protocol: &str, common: &str) -> String {
    let options =
        format!("common_http_protocol_options: {{{common}}}\n        explicit_http_config: {{{protocol}: {{}}}}");
    let trusted = trusted(&Certificates::of_this_run().authority);
    let quic = tls(&format!("upstream_tls_context: {{{trusted}}}"))
        .replace("envoy.transport_sockets.tls", "envoy.transport_sockets.quic")
        .replace("tls.v3.UpstreamTlsContext", "quic.v3.QuicUpstreamTransport");
    cluster("backend", address, if version == Version::Http3 { &quic } else { "" }, &options)
}

#[tokio::test]
async fn a_connection_that_nobody_uses_ends() {
    let backend = Backend::echo().await;
    for version in Version::ALL {
        let chain = Chain::start(version, &backend, "idle_timeout: 0.2s").await;
        let client = chain.client().await;
        assert_eq!(client.send(Request::get("/")).await.status, 200, "{version:?}");
        until("the connection is over", async || (chain.count("cx_active").await == 0).then_some(())).await;
        assert_eq!(chain.count("cx_idle_timeout").await, 1, "{version:?}");
        assert_eq!(chain.count("cx_destroy_local").await, 1, "{version:?}");
        assert_eq!(client.send(Request::get("/")).await.status, 200, "{version:?}");
        assert_eq!(chain.count("cx_total").await, 2, "{version:?}");
    }
}

#[tokio::test]
async fn a_connection_that_is_used_is_not_idle() {
    let backend =
        Backend::start(|_| Script::nothing().when_released().then("HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n"))
            .await;
    let idle = Backend::echo().await;
    for version in Version::ALL {
        let chain = Chain::start(version, &backend, "idle_timeout: 0.1s").await;
        let mut open = chain.client().await.open(&Request::get("/"), true).await;
        // Another one, which began later, is idle for long enough meanwhile.
        let other = Chain::start(version, &idle, "idle_timeout: 0.2s").await;
        assert_eq!(other.client().await.send(Request::get("/")).await.status, 200);
        until("the other is over", async || (other.count("cx_idle_timeout").await == 1).then_some(())).await;
        assert_eq!(chain.count("cx_active").await, 1, "{version:?}");
        backend.release();
        assert_eq!(open.download.reply().await.status, 200, "{version:?}");
    }
}

#[tokio::test]
async fn a_connection_that_is_old_takes_no_more() {
    let backend = Backend::start(|received| match received.path() {
        "/slow" => Script::nothing().when_released().then("HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n"),
        _ => Script::echo(received),
    })
    .await;
    for version in Version::ALL {
        let chain = Chain::start(version, &backend, "max_connection_duration: 0.3s").await;
        let client = chain.client().await;
        let mut slow = client.open(&Request::get("/slow"), true).await;
        until("the connection is old", async || (chain.count("cx_max_duration_reached").await == 1).then_some(()))
            .await;
        // What is open is finished; the next goes elsewhere.
        assert_eq!(client.send(Request::get("/")).await.status, 200, "{version:?}");
        backend.release();
        assert_eq!(slow.download.reply().await.status, 200, "{version:?}");
        until("all connections are over", async || (chain.count("cx_active").await == 0).then_some(())).await;
    }
}

#[tokio::test]
async fn a_connection_takes_as_many_requests_as_it_may() {
    let backend = Backend::echo().await;
    for version in Version::ALL {
        for (max, connections, used_up) in [(1, 6, 6), (2, 3, 3), (4, 2, 1), (0, 1, 0)] {
            let common = format!("max_requests_per_connection: {max}");
            let chain = Chain::start(version, &backend, &common).await;
            let client = chain.client().await;
            for _ in 0..6 {
                assert_eq!(client.send(Request::get("/")).await.status, 200, "{version:?} {max}");
            }
            let counted = (chain.count("cx_total").await, chain.count("cx_max_requests").await);
            assert_eq!(counted, (connections, used_up), "{version:?} {max}");
        }
    }
}

#[tokio::test]
async fn many_at_once_are_served_by_connections_that_take_few() {
    let backend = Backend::echo().await;
    for version in Version::ALL {
        for max in [1, 3] {
            let chain = Chain::start(version, &backend, &format!("max_requests_per_connection: {max}")).await;
            let client = chain.client().await;
            let mut asking = tokio::task::JoinSet::new();
            for _ in 0..30 {
                let client = client.clone();
                asking.spawn(async move { client.send(Request::get("/")).await.status });
            }
            let statuses = asking.join_all().await;
            assert!(statuses.iter().all(|status| *status == 200), "{version:?} {max}: {statuses:?}");
            assert!(chain.count("cx_total").await >= 30 / max, "{version:?} {max}");
        }
    }
}

#[tokio::test]
async fn a_response_has_a_size_and_a_number_of_fields() {
    let backend = Backend::start(|received| {
        let fields: String = match received.path() {
            "/large" => format!("x-large: {}\r\n", "x".repeat(2000)),
            "/many" => (0..20).flat_map(|number| ["x-".to_owned(), number.to_string(), ": 1\r\n".to_owned()]).collect(),
            _ => String::new(),
        };
        Script::bytes(format!("HTTP/1.1 200 OK\r\ncontent-length: 0\r\n{fields}\r\n"))
    })
    .await;
    for version in Version::ALL {
        for (common, small, large, many) in [
            ("max_response_headers_kb: 2", 200, 502, 200),
            ("max_headers_count: 16", 200, 200, 502),
            ("", 200, 200, 200),
        ] {
            let chain = Chain::start(version, &backend, common).await;
            let client = chain.client().await;
            for (path, status) in [("/small", small), ("/large", large), ("/many", many)] {
                assert_eq!(client.send(Request::get(path)).await.status, status, "{version:?} {common} {path}");
            }
        }
    }
}
