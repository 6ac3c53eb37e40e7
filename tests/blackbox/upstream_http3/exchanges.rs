//! What passes through two gateways with HTTP/3 between them, beside what `exchanges` shows of both ways.

use super::chain::{Chain, quic_cluster};
use super::row::{Row, Step};
use super::server::Server;
use crate::edge::{ALL, Edge};
use crate::exchanges::large;
use crate::http3::wire::{data, headers};
use crate::support::backend::{Backend, Script};
use crate::support::client::Version;
use crate::support::deadline::until;
use crate::support::message::{End, Request};

#[tokio::test]
async fn a_request_passes_with_its_fields_and_its_query() {
    let backend = Backend::echo().await;
    let chain = Chain::start(&backend).await;
    for version in Version::ALL {
        let client = chain.front.client(version).await;
        let request = Request::get("/a/b?c=d%20e").header("x-one", "1").header("x-two", "2");
        let reply = client.send(request.authority("a.test:8443")).await;
        assert_eq!((reply.status, reply.end), (200, End::Complete), "{version:?}");
        let seen = reply.text();
        assert!(seen.starts_with("GET /a/b?c=d%20e HTTP/1.1\n"), "{version:?}: {seen}");
        for line in ["host: a.test:8443", "x-one: 1", "x-two: 2"] {
            assert!(seen.contains(line), "{version:?}: {line} in {seen}");
        }
        assert!(!seen.contains("transfer-encoding"), "{version:?}: {seen}");
    }
    let mut log = chain.back.process.log("access.log");
    for line in log.lines(3).await {
        assert_eq!(line["protocol"], "HTTP/3", "{line}");
    }
    for line in chain.front.process.log("access.log").lines(3).await {
        assert_eq!(line["upstream_protocol"], "HTTP/3", "{line}");
    }
    let connections = chain.front.process.stats().await.of("cluster.backend.upstream_cx_http3_total");
    assert!((1..=2).contains(&connections), "{connections} connections, of two workers");
}

#[tokio::test]
async fn neither_direction_waits_for_the_other() {
    let content = large();
    let ok = headers(&[(":status", "200")]);
    for version in [Version::Http2, Version::Http3] {
        // The response begins before the request is whole, and is larger than all windows on the way.
        let row = Row::new("both").begins([ok.clone(), data("early")].concat()).step(Step::ReadWhile(data(&content)));
        let server = Server::playing(row.whole([]));
        let front = Edge::in_front_of(&quic_cluster("backend", server.address()), ALL, "").await;
        let client = front.client(version).await;
        let mut exchange = client.open(&Request::new("POST", "/"), false).await;
        exchange.upload.data("first").await.expect("the upload begins");
        assert_eq!(exchange.download.body_of(5).await.text(), "early", "{version:?}");
        // The response is not read on before all was sent.
        exchange.upload.data(content.clone()).await.expect("the upload goes on");
        exchange.upload.finish(Vec::new()).await.expect("the upload ends");
        let reply = exchange.download.reply().await;
        assert_eq!((reply.body.len(), reply.end), (5 + content.len(), End::Complete), "{version:?}");
        until("the upstream has read all", async || server.played()).await.expect("the row");
        assert_eq!(server.read(), 5 + content.len(), "{version:?}");
    }
}

#[tokio::test]
async fn a_client_that_leaves_is_no_longer_served() {
    let backend = Backend::start(|_| Script::bytes("HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\npart").stall()).await;
    let chain = Chain::start(&backend).await;
    let mut log = chain.back.process.log("access.log");
    for version in Version::ALL {
        let client = chain.front.client(version).await;
        let mut exchange = client.open(&Request::get("/slow"), true).await;
        assert_eq!(exchange.download.body_of(4).await.status, 200, "{version:?}");
        if version == Version::Http1 {
            drop((exchange, client));
        } else {
            exchange.reset(0x10c);
        }
        let line = log.lines(1).await.pop().expect("a line");
        assert_eq!((&line["code"], &line["flags"]), (&200.into(), &"DR".into()), "{version:?} {line}");
    }
    // The connections to the upstream, at most one a worker, serve others all the while.
    assert!(chain.front.process.stats().await.of("cluster.backend.upstream_cx_total") <= 2);
}

#[tokio::test]
async fn a_backend_that_dies_in_the_middle_is_never_a_clean_end() {
    let backend = Backend::start(|received| match received.path() {
        "/length" => Script::bytes("HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\npart").close(),
        _ => Script::bytes("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n4\r\npart\r\n").close(),
    })
    .await;
    let chain = Chain::start(&backend).await;
    for version in Version::ALL {
        for path in ["/length", "/chunks"] {
            let reply = chain.front.client(version).await.send(Request::get(path)).await;
            // A reset may overtake the head (RFC 9000 §3.2): then there is a local reply.
            let right = reply.end != End::Complete || reply.status == 503;
            assert!(right, "{version:?} {path}: {} {}", reply.status, reply.text());
        }
    }
}

#[tokio::test]
async fn a_thousand_exchanges_at_once() {
    let backend = Backend::start(|received| Script::reply(200, received.path())).await;
    let chain = Chain::start(&backend).await;
    let mut tasks = tokio::task::JoinSet::new();
    for connection in 0..10 {
        let client = chain.front.client(Version::Http2).await;
        for exchange in 0..100 {
            let client = client.clone();
            tasks.spawn(async move {
                let path = format!("/{connection}/{exchange}");
                let reply = client.send(Request::get(&path)).await;
                (reply.status, reply.end, reply.text() == path)
            });
        }
    }
    let outcomes = tasks.join_all().await;
    let failed = outcomes.iter().filter(|outcome| **outcome != (200, End::Complete, true)).count();
    assert_eq!(failed, 0, "{failed} of {} failed", outcomes.len());
}
