//! The version is the one of the request, or the one that the handshake agrees on.

use std::sync::Arc;

use super::chain::{cluster, tls};
use super::server::{Manner, Server};
use crate::edge::{ALL, Edge};
use crate::http2::wire::{data, headers, last_headers};
use crate::support::backend::{Backend, Script};
use crate::support::certificates::Certificates;
use crate::support::client::Version;
use crate::support::message::{End, Request};
use crate::support::tls_server::Setup;
use crate::upstream_http2::row::Row;
use crate::upstream_http3::chain::trusted;

/// Asks over each version, and says what was spoken upstream each time.
async fn spoken(front: &Edge) -> [String; 3] {
    let mut log = front.process.log("access.log");
    let mut spoken = Version::ALL.map(|_| String::new());
    for (spoken, version) in spoken.iter_mut().zip(Version::ALL) {
        for request in [Request::get("/"), Request::post("/", "content")] {
            let reply = front.client(version).await.send(request).await;
            assert_eq!((reply.status, reply.end), (200, End::Complete), "{version:?}: {}", reply.text());
            let line = log.lines(1).await.pop().expect("a line");
            let now = line.get("upstream_protocol").and_then(|version| version.as_str()).expect("a version").to_owned();
            assert!(spoken.is_empty() || *spoken == now, "{line}");
            *spoken = now;
        }
    }
    spoken
}

fn of_request(options: &str) -> String {
    format!("use_downstream_protocol_config: {{{options}}}")
}

fn auto(options: &str) -> String {
    format!("auto_config: {{{options}}}")
}

/// A socket of TLS, or of QUIC, that trusts the authority of this run.
fn socket(over_quic: bool) -> String {
    let trusted = trusted(&Certificates::of_this_run().authority);
    if !over_quic {
        return tls(&trusted);
    }
    tls(&format!("upstream_tls_context: {{{trusted}}}"))
        .replace("envoy.transport_sockets.tls", "envoy.transport_sockets.quic")
        .replace("tls.v3.UpstreamTlsContext", "quic.v3.QuicUpstreamTransport")
}

#[tokio::test]
async fn the_version_is_that_of_the_request() {
    let backend = Backend::echo().await;
    // One port for TCP and UDP, as a cluster has one.
    let port = crate::support::ports::reserve();
    let back = Edge::on_one_port(&backend, port).await;
    let all = "http_protocol_options: {}, http2_protocol_options: {}, http3_protocol_options: {}";
    for (listener, socket, options, expected) in [
        // As in Envoy, HTTP/3 falls back to HTTP/2 where there is nothing for it.
        (
            "http",
            String::new(),
            "http_protocol_options: {}, http2_protocol_options: {}",
            ["HTTP/1.1", "HTTP/2", "HTTP/2"],
        ),
        ("http", String::new(), "", ["HTTP/1.1", "HTTP/2", "HTTP/2"]),
        ("https", socket(false), "http2_protocol_options: {}", ["HTTP/1.1", "HTTP/2", "HTTP/2"]),
        ("https", socket(true), all, ["HTTP/1.1", "HTTP/2", "HTTP/3"]),
    ] {
        let address = back.process.address(listener);
        let front = Edge::in_front_of(&cluster("backend", address, &socket, &of_request(options)), ALL, "").await;
        assert_eq!(spoken(&front).await, expected, "{listener} {options}");
        let stats = front.process.stats().await;
        for version in ["HTTP/1.1", "HTTP/2", "HTTP/3"] {
            let name = version.replace("HTTP/1.1", "http1").replace("HTTP/", "http");
            let counted = stats.of(&format!("cluster.backend.upstream_cx_{name}_total"));
            assert_eq!(counted > 0, expected.contains(&version), "{listener} {options} {name}: {counted}");
        }
    }
}

#[tokio::test]
async fn the_handshake_agrees_on_the_version() {
    for (protocols, expected) in [
        (&["h2", "http/1.1"] as &'static [&'static str], "HTTP/2"),
        (&["h2"], "HTTP/2"),
        (&["http/1.1", "h2"], "HTTP/1.1"),
        (&["http/1.1"], "HTTP/1.1"),
        (&[], "HTTP/1.1"),
    ] {
        let configuration = Arc::new(Setup { protocols, ..Setup::default() }.configuration());
        let (backend, server);
        let address = if expected == "HTTP/2" {
            server = Server::start(Manner { tls: Some(configuration), ..Manner::default() }).await;
            server.address()
        } else {
            backend = Backend::secured(configuration, Script::echo).await;
            backend.address()
        };
        let front = Edge::in_front_of(&cluster("backend", address, &socket(false), &auto("")), ALL, "").await;
        assert_eq!(spoken(&front).await, [expected; 3], "{protocols:?}");
        let stats = front.process.stats().await;
        let of = |name: &str| stats.of(&format!("cluster.backend.upstream_cx_{name}"));
        let connections = of("total");
        // Of two workers; one of HTTP/1 may not be free again yet.
        assert!((1..=3).contains(&connections), "{connections} connections");
        let counted = if expected == "HTTP/2" { (0, connections) } else { (connections, 0) };
        assert_eq!((of("http1_total"), of("http2_total")), counted, "{protocols:?}");
    }
}

#[tokio::test]
async fn many_at_once_find_out_what_is_spoken() {
    for protocols in [&["h2"] as &'static [&'static str], &["http/1.1"]] {
        let configuration = Arc::new(Setup { protocols, ..Setup::default() }.configuration());
        let (backend, server);
        let address = if protocols == ["h2"] {
            server = Server::start(Manner { tls: Some(configuration), ..Manner::default() }).await;
            server.address()
        } else {
            backend = Backend::secured(configuration, Script::echo).await;
            backend.address()
        };
        let front = Edge::in_front_of(&cluster("backend", address, &socket(false), &auto("")), ALL, "").await;
        let client = front.client(Version::Http2).await;
        let mut asking = tokio::task::JoinSet::new();
        for _ in 0..50 {
            let client = client.clone();
            asking.spawn(async move { client.send(Request::get("/")).await.status });
        }
        let statuses = asking.join_all().await;
        assert!(statuses.iter().all(|status| *status == 200), "{protocols:?} {statuses:?}");
        let connections = front.process.stats().await.of("cluster.backend.upstream_cx_total");
        assert!(connections == 1 || protocols != ["h2"], "{connections}");
    }
}

#[tokio::test]
async fn trailers_pass_http1_where_that_is_enabled_and_http2_in_any_case() {
    let trailers = [headers(&[(":status", "200")]), data("abc"), last_headers(&[("x-sum", "6")])].concat();
    let script = "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\nx-sum: 6\r\n\r\n";
    for (protocols, options, passes) in [
        (&["http/1.1"] as &'static [&'static str], "", false),
        (&["http/1.1"], "http_protocol_options: {enable_trailers: true}", true),
        (&["h2"], "http_protocol_options: {}, http2_protocol_options: {}", true),
    ] {
        let configuration = Arc::new(Setup { protocols, ..Setup::default() }.configuration());
        let (backend, server);
        let address = if protocols == ["h2"] {
            let row = Some(Row::new("trailers").write(&trailers));
            server = Server::start(Manner { tls: Some(configuration), row, ..Manner::default() }).await;
            server.address()
        } else {
            backend = Backend::secured(configuration, move |_| Script::bytes(script)).await;
            backend.address()
        };
        let front = Edge::in_front_of(&cluster("backend", address, &socket(false), &auto(options)), ALL, "").await;
        let reply = front.client(Version::Http2).await.send(Request::get("/")).await;
        assert_eq!((reply.text().as_str(), reply.end), ("abc", End::Complete), "{protocols:?} {options}");
        assert_eq!(reply.trailer("x-sum").is_some(), passes, "{protocols:?} {options}");
    }
}
