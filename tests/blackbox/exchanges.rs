//! What passes through the gateway and comes back: the same on every version, and the same where the way to the backend goes
//! through another gateway by HTTP/2 or HTTP/3.

use bytes::Bytes;

use crate::edge::{ALL, Edge};
use crate::support::backend::{Backend, Script};
use crate::support::client::Version;
use crate::support::message::{End, Request};
use crate::support::ports::reserve;
use crate::{upstream_http2, upstream_http3};

/// An edge before the backend, and the fronts of chains that lead to it by HTTP/2 and HTTP/3.
struct Ways {
    edge: Edge,
    http2: upstream_http2::chain::Chain,
    http3: upstream_http3::chain::Chain,
}

impl Ways {
    async fn to(backend: &Backend) -> Self {
        Self {
            edge: Edge::start(backend, ALL).await,
            http2: upstream_http2::chain::Chain::start(backend).await,
            http3: upstream_http3::chain::Chain::start(backend).await,
        }
    }

    /// Each version to each of them.
    fn fronts(&self) -> impl Iterator<Item = (&Edge, Version)> {
        let fronts = [&self.edge, &self.http2.front, &self.http3.front];
        fronts.into_iter().flat_map(|edge| Version::ALL.map(|version| (edge, version)))
    }
}

/// 10 MiB in which every position is recognisable.
pub(crate) fn large() -> Bytes {
    (0..10 << 20).map(|index: u32| (index.wrapping_mul(2_654_435_761) >> 24) as u8).collect()
}

#[tokio::test]
async fn a_request_passes_with_its_fields_and_its_query() {
    let backend = Backend::echo().await;
    let edge = Edge::start(&backend, ALL).await;
    for version in Version::ALL {
        let client = edge.client(version).await;
        let request = Request::get("/a/b?c=d%20e").header("x-one", "1").header("x-two", "2");
        let reply = client.send(request.authority("a.test:8443")).await;
        assert_eq!((reply.status, reply.end), (200, End::Complete), "{version:?}");
        let seen = reply.text();
        assert!(seen.starts_with("GET /a/b?c=d%20e HTTP/1.1\n"), "{version:?}: {seen}");
        for line in ["host: a.test:8443", "x-one: 1", "x-two: 2", "x-forwarded-proto: https"] {
            assert!(seen.contains(line), "{version:?}: {line} in {seen}");
        }
        // A request without content must not look like one of unknown length.
        assert!(!seen.contains("transfer-encoding"), "{version:?}: {seen}");
        assert_eq!(reply.header("server"), Some("quicgate"), "{version:?}");
        assert!(
            reply.header("date").is_some() && reply.header("x-envoy-upstream-service-time").is_some(),
            "{version:?}"
        );
    }
}

#[tokio::test]
async fn ten_mebibytes_come_back_byte_for_byte() {
    let backend = Backend::start(|received| Script::reply(200, &received.body)).await;
    let ways = Ways::to(&backend).await;
    let sent = large();
    for (edge, version) in ways.fronts() {
        let reply = edge.client(version).await.send(Request::post("/", sent.clone())).await;
        assert_eq!((reply.status, reply.end), (200, End::Complete), "{version:?}");
        assert!(reply.body == sent, "{version:?}: {} bytes came back, not those that were sent", reply.body.len());
    }
}

#[tokio::test]
async fn trailers_pass_both_ways() {
    let script =
        "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\ntrailer: x-sum\r\n\r\n3\r\nabc\r\n0\r\nx-sum: 6\r\n\r\n";
    let backend = Backend::start(move |_| Script::bytes(script)).await;
    let ways = Ways::to(&backend).await;
    for (edge, version) in ways.fronts() {
        let request = Request::post("/", "body").header("te", "trailers").header("trailer", "x-check");
        let reply = edge.client(version).await.send(request.trailer("x-check", "ok")).await;
        assert_eq!((reply.text().as_str(), reply.trailer("x-sum")), ("abc", Some("6")), "{version:?}");
        let received = backend.received();
        let last = received.last().expect("a request");
        assert_eq!(last.trailers, [("x-check".to_owned(), "ok".to_owned())], "{version:?}: {last}");
    }
}

#[tokio::test]
async fn replies_without_content_have_none() {
    let backend = Backend::start(|received| match (received.method.as_str(), received.path()) {
        ("HEAD", _) => Script::bytes("HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\n"),
        (_, "/204") => Script::bytes("HTTP/1.1 204 No Content\r\n\r\n"),
        (_, "/304") => Script::bytes("HTTP/1.1 304 Not Modified\r\netag: \"x\"\r\n\r\n"),
        _ => Script::bytes("HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n"),
    })
    .await;
    let ways = Ways::to(&backend).await;
    for (edge, version) in ways.fronts() {
        let client = edge.client(version).await;
        for (method, path, status, length) in [
            ("HEAD", "/", 200, Some("5")),
            ("GET", "/204", 204, None),
            ("GET", "/304", 304, None),
            ("GET", "/", 200, Some("0")),
        ] {
            let reply = client.send(Request::new(method, path)).await;
            let seen = (reply.status, reply.end, reply.body.len(), reply.header("content-length"));
            assert_eq!(seen, (status, End::Complete, 0, length), "{version:?} {method} {path}");
        }
    }
}

#[tokio::test]
async fn connections_to_the_backend_are_used_again() {
    let backend = Backend::echo().await;
    let edge = Edge::start(&backend, ALL).await;
    for version in Version::ALL {
        let client = edge.client(version).await;
        let before = backend.connections();
        for _ in 0..20 {
            assert_eq!(client.send(Request::get("/")).await.status, 200, "{version:?}");
        }
        assert!(backend.connections() <= before + 1, "{version:?}: {} connections", backend.connections() - before);
    }
}

#[tokio::test]
async fn http3_is_announced_where_it_is_served_on_the_same_port() {
    let backend = Backend::start(|received| match received.path() {
        "/own" => Script::bytes("HTTP/1.1 200 OK\r\nalt-svc: clear\r\ncontent-length: 0\r\n\r\n"),
        _ => Script::reply(200, ""),
    })
    .await;
    let port = reserve();
    let process = Edge::on_one_port(&backend, port).await.process;
    for version in [Version::Http1, Version::Http2] {
        let client = process.client(version, "https").await;
        let announced = format!("h3=\":{port}\"; ma=86400");
        assert_eq!(client.send(Request::get("/")).await.header("alt-svc"), Some(announced.as_str()), "{version:?}");
        assert_eq!(client.send(Request::get("/own")).await.header("alt-svc"), Some("clear"), "{version:?}");
    }
    let reply = process.client(Version::Http3, "http3").await.send(Request::get("/")).await;
    assert_eq!(reply.header("alt-svc"), None, "who is there already need not be told");
    let reply = process.plain_client("http").await.send(Request::get("/")).await;
    assert_eq!(reply.header("alt-svc"), None, "an origin in clear is another origin");
}
