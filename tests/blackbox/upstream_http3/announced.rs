//! HTTP/3 that a host has announced by `alt-svc`, beside TCP.

use std::net::{Ipv4Addr, SocketAddr, UdpSocket};
use std::sync::Arc;

use serde_json::Value;

use super::chain::trusted;
use super::row::{Row, Step};
use super::server::Server;
use crate::edge::{ALL, Edge};
use crate::http3::row::Last;
use crate::http3::wire::headers;
use crate::support::backend::{Backend, Script};
use crate::support::certificates::Certificates;
use crate::support::client::{Client, Version};
use crate::support::deadline::until;
use crate::support::log::Log;
use crate::support::message::{End, Request};
use crate::support::ports::{Refusing, reserve};
use crate::support::tls_server::Setup;
use crate::upstream_http2::chain::{cluster, tls};

/// An upstream of HTTP/1.1 under TLS whose responses have these fields, one a line.
async fn announcing(fields: &str) -> Backend {
    let configuration = Setup { protocols: &["http/1.1"], ..Setup::default() }.configuration();
    let response = format!("HTTP/1.1 200 OK\r\n{fields}content-length: 0\r\n\r\n");
    Backend::secured(Arc::new(configuration), move |_| Script::bytes(&response)).await
}

fn h3(port: u16) -> String {
    format!("alt-svc: h2=\":1\", h3=\":{port}\"; ma=3600; persist=1\r\n")
}

/// A cluster that learns of HTTP/3, with these fields of its cache.
fn learning(name: &str, address: SocketAddr, cache: &str) -> String {
    let trusted = trusted(&Certificates::of_this_run().authority);
    let socket = tls(&format!("upstream_tls_context: {{sni: a.test, {trusted}}}"))
        .replace("envoy.transport_sockets.tls", "envoy.transport_sockets.quic")
        .replace("tls.v3.UpstreamTlsContext", "quic.v3.QuicUpstreamTransport");
    let options =
        format!("auto_config: {{http3_protocol_options: {{}}, alternate_protocols_cache_options: {{{cache}}}}}");
    cluster(name, address, &socket, &options)
}

/// The same, which waits no longer than it has to where nobody answers.
fn impatient(address: SocketAddr, cache: &str) -> String {
    learning("backend", address, cache).replace("connect_timeout: 20s", "connect_timeout: 1s")
}

/// What was spoken upstream, by a line of the log.
fn version(line: &Value) -> &str {
    line.get("upstream_protocol").and_then(Value::as_str).expect("a version")
}

/// A gateway, a client, and the log of what was spoken.
struct Asking {
    front: Edge,
    client: Client,
    log: Log,
}

impl Asking {
    async fn of(clusters: &str, routes: &str) -> Self {
        let yaml = Edge::yaml_in_front_of(clusters, routes)
            .replace("upstream: \"%UPSTREAM_HOST%\"", "upstream: \"%UPSTREAM_HOST% %UPSTREAM_REMOTE_ADDRESS%\"");
        let front = Edge::of(&yaml).await;
        let client = front.client(Version::Http2).await;
        let log = front.process.log("access.log");
        Self { front, client, log }
    }

    /// What was spoken upstream for a request, which is answered with 200.
    async fn spoken(&mut self, path: &str) -> String {
        let reply = self.client.send(Request::get(path)).await;
        assert_eq!((reply.status, reply.end), (200, End::Complete), "{}", reply.text());
        self.last().await
    }

    /// What was spoken upstream for the request that is over now.
    async fn last(&mut self) -> String {
        let line = self.log.lines(1).await.pop().expect("a line");
        version(&line).to_owned()
    }

    async fn count(&self, name: &str) -> i64 {
        self.front.process.stats().await.of(&format!("cluster.backend.{name}"))
    }
}

#[tokio::test]
async fn what_a_host_announces_is_spoken_next() {
    let quic = Server::good();
    let backend = announcing(&h3(quic.address().port())).await;
    let mut asking = Asking::of(&learning("backend", backend.address(), "name: learnt"), ALL).await;
    assert_eq!(asking.spoken("/").await, "HTTP/1.1");
    for _ in 0..5 {
        assert_eq!(asking.spoken("/").await, "HTTP/3");
    }
    // It is the same host, at another port.
    asking.client.send(Request::get("/")).await;
    let line = asking.log.lines(1).await.pop().expect("a line");
    let expected = format!("{} {}", backend.address(), quic.address());
    assert_eq!(line.get("upstream").and_then(Value::as_str), Some(expected.as_str()), "{line}");
    assert!(quic.names().iter().all(|name| name.as_deref() == Some("a.test")), "{:?}", quic.names());
    assert_eq!(asking.count("upstream_cx_http3_total").await, i64::try_from(quic.names().len()).expect("a few"));
    assert_eq!((asking.count("upstream_cx_http1_total").await, asking.count("upstream_http3_broken").await), (1, 0));
}

#[tokio::test]
async fn a_gateway_learns_it_of_another() {
    let backend = Backend::echo().await;
    let back = Edge::on_one_port(&backend, reserve()).await;
    let clusters = learning("backend", back.process.address("https"), "name: learnt");
    let mut asking = Asking::of(&clusters, ALL).await;
    assert_eq!(asking.spoken("/").await, "HTTP/2");
    assert_eq!(asking.spoken("/").await, "HTTP/3");
    let reply = asking.client.send(Request::post("/", "content")).await;
    assert!(reply.text().contains("content"), "{}", reply.text());
    assert_eq!(asking.last().await, "HTTP/3");
}

#[tokio::test]
async fn what_is_not_http3_on_this_host_is_passed_over() {
    let quic = Server::good();
    let port = quic.address().port();
    for fields in [
        format!("alt-svc: h3-29=\":{port}\"\r\n"),
        format!("alt-svc: h3=\"localhost:{port}\"\r\n"),
        format!("alt-svc: h3=\":{port}\"; ma=0\r\n"),
        format!("alt-svc: h3=:{port}\r\n"),
        format!("alt-svc: h3=\":{port}\"\r\nalt-svc: clear\r\n"),
    ] {
        let backend = announcing(&fields).await;
        let mut asking = Asking::of(&learning("backend", backend.address(), "name: learnt"), ALL).await;
        for _ in 0..3 {
            assert_eq!(asking.spoken("/").await, "HTTP/1.1", "{fields}");
        }
    }
    assert_eq!(quic.names().len(), 0);
}

#[tokio::test]
async fn rfc7838_3_clear_forgets_it_and_so_does_a_421() {
    for (status, field) in [("200", ("alt-svc", "clear")), ("421", ("x", "y"))] {
        let row = Row::new("forget").whole(headers(&[(":status", status), field]));
        let quic = Server::playing(row);
        let backend = announcing(&h3(quic.address().port())).await;
        let mut asking = Asking::of(&learning("backend", backend.address(), "name: learnt"), ALL).await;
        assert_eq!(asking.spoken("/").await, "HTTP/1.1");
        let reply = asking.client.send(Request::get("/")).await;
        assert_eq!(reply.status.to_string(), status);
        assert_eq!(asking.last().await, "HTTP/3");
        assert_eq!(asking.spoken("/").await, "HTTP/1.1", "{status}");
        assert_eq!(asking.spoken("/").await, "HTTP/3", "{status}: it was announced once more");
    }
}

#[tokio::test]
async fn what_http3_gives_back_tcp_serves() {
    // RFC 9114 §8.1: H3_REQUEST_REJECTED.
    let row = Row::new("rejects").step(Step::Answer(Vec::new(), Last::Reset(0x10b)));
    let quic = Server::playing(row);
    let backend = announcing(&h3(quic.address().port())).await;
    let mut asking = Asking::of(&learning("backend", backend.address(), "name: learnt"), ALL).await;
    assert_eq!(asking.spoken("/").await, "HTTP/1.1");
    assert_eq!(asking.spoken("/").await, "HTTP/1.1");
    assert_eq!(quic.played(), Some(Ok(())));
    assert_eq!(asking.spoken("/").await, "HTTP/3");
}

/// Asks until HTTP/3 is broken, many at once and one after the other; then it is left alone.
async fn is_broken_and_tcp_serves(port: u16, what: &str) {
    let backend = announcing(&h3(port)).await;
    let mut asking = Asking::of(&impatient(backend.address(), "name: learnt"), ALL).await;
    assert_eq!(asking.spoken("/").await, "HTTP/1.1", "{what}");
    let mut at_once = tokio::task::JoinSet::new();
    for _ in 0..30 {
        let client = asking.client.clone();
        at_once.spawn(async move { client.send(Request::get("/")).await.status });
    }
    let statuses = at_once.join_all().await;
    assert!(statuses.iter().all(|status| *status == 200), "{what}: {statuses:?}");
    let spoken = asking.log.lines(30).await;
    assert!(spoken.iter().all(|line| version(line) == "HTTP/1.1"), "{what}: {spoken:?}");
    let broken = async || (asking.count("upstream_http3_broken").await == 1).then_some(());
    until(format_args!("{what} is broken"), broken).await;
    let tried = async || {
        let tried = asking.count("upstream_cx_http3_total").await;
        (asking.count("upstream_cx_connect_fail").await == tried).then_some(tried)
    };
    let tried = until(format_args!("nothing is tried any more"), tried).await;
    assert!(tried > 0, "{what}");
    for _ in 0..5 {
        assert_eq!(asking.spoken("/").await, "HTTP/1.1", "{what}");
    }
    assert_eq!(asking.count("upstream_cx_http3_total").await, tried, "{what}");
    assert_eq!(asking.count("upstream_http3_broken").await, 1, "{what}");
}

#[tokio::test]
async fn where_nobody_answers_over_quic_tcp_serves() {
    let silent = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).expect("a UDP socket");
    is_broken_and_tcp_serves(silent.local_addr().expect("its address").port(), "a silent port").await;
}

#[tokio::test]
async fn where_the_port_of_quic_is_closed_tcp_serves() {
    is_broken_and_tcp_serves(reserve(), "a closed port").await;
}

#[tokio::test]
async fn where_the_certificate_over_quic_is_another_tcp_serves() {
    let server = Server::proving(&Certificates::of_itself(3000));
    is_broken_and_tcp_serves(server.address().port(), "another certificate").await;
}

#[tokio::test]
async fn what_is_written_is_spoken_at_once_also_where_tcp_is_refused() {
    let refusing = Refusing::new();
    let address = refusing.address();
    let quic = Server::good_at(address);
    let cache = format!("name: learnt, prepopulated_entries: [{{hostname: A.test, port: {}}}]", address.port());
    let mut asking = Asking::of(&learning("backend", address, &cache), ALL).await;
    assert_eq!(asking.spoken("/").await, "HTTP/3");
    assert_eq!(asking.count("upstream_http3_broken").await, 0);
    drop(quic);
}

#[tokio::test]
async fn a_host_that_is_down_is_down_and_its_http3_is_not_broken() {
    let refusing = Refusing::new();
    let address = refusing.address();
    let cache = format!("name: learnt, prepopulated_entries: [{{hostname: a.test, port: {}}}]", address.port());
    let mut asking = Asking::of(&impatient(address, &cache), ALL).await;
    assert_eq!(asking.client.send(Request::get("/")).await.status, 503);
    let line = asking.log.lines(1).await.pop().expect("a line");
    assert_eq!(line.get("flags").and_then(Value::as_str), Some("UF"), "{line}");
    assert_eq!(asking.count("upstream_http3_broken").await, 0);
    let quic = Server::good_at(address);
    assert_eq!(asking.spoken("/").await, "HTTP/3");
    drop(quic);
}

#[tokio::test]
async fn clusters_that_name_one_cache_share_it_and_names_of_one_suffix_do() {
    let quic = Server::good();
    let backend = announcing(&h3(quic.address().port())).await;
    let route = |name| format!("              - {{match: {{prefix: /{name}}}, route: {{cluster: {name}}}}}\n");
    let routes = ["one", "two", "other", "suffix"].map(route).concat();
    let clusters = [
        learning("one", backend.address(), "name: learnt, canonical_suffixes: [.test]"),
        learning("two", backend.address(), "name: learnt, canonical_suffixes: [.test]"),
        learning("other", backend.address(), "name: other, canonical_suffixes: [.test]"),
        learning("suffix", backend.address(), "name: learnt, canonical_suffixes: [.test]").replace("a.test", "b.test"),
    ];
    let mut asking = Asking::of(&clusters.concat(), &routes).await;
    let mut spoken = Vec::new();
    for path in ["/one", "/two", "/suffix", "/other", "/other"] {
        spoken.push(asking.spoken(path).await);
    }
    assert_eq!(spoken, ["HTTP/1.1", "HTTP/3", "HTTP/3", "HTTP/1.1", "HTTP/3"]);
}
