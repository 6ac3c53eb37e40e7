//! What passes through two gateways with HTTP/2 between them, beside what `exchanges` shows of all ways.

use super::chain::{Chain, clear};
use super::row::{CANCEL, FIRST, Row};
use super::server::{Manner, Server};
use crate::edge::{ALL, Edge};
use crate::exchanges::large;
use crate::http2::wire::{data, headers, last_data};
use crate::support::backend::{Backend, Script};
use crate::support::client::Version;
use crate::support::deadline::until;
use crate::support::message::{End, Request};

#[tokio::test]
async fn a_request_passes_with_its_fields_and_its_query() {
    let backend = Backend::echo().await;
    let chain = Chain::start(&backend).await;
    // In the clear both sides know beforehand what is spoken.
    let clear = clear("backend", chain.back.process.address("http"), "");
    let clear = Edge::in_front_of(&clear, ALL, "").await;
    let mut log = chain.back.process.log("access.log");
    for front in [&chain.front, &clear] {
        for version in Version::ALL {
            let client = front.client(version).await;
            let request = Request::get("/a/b?c=d%20e").header("x-one", "1").header("x-two", "2");
            // RFC 9113 §8.2.3: however they come, to HTTP/1 they go as one.
            let request = request.header("cookie", "a=b").header("cookie", "c=d").header("te", "trailers");
            let reply = client.send(request.authority("a.test:8443")).await;
            assert_eq!((reply.status, reply.end), (200, End::Complete), "{version:?}: {}", reply.text());
            let seen = reply.text();
            assert!(seen.starts_with("GET /a/b?c=d%20e HTTP/1.1\n"), "{version:?}: {seen}");
            for line in ["host: a.test:8443", "x-one: 1", "x-two: 2", "te: trailers", "cookie: a=b; c=d"] {
                assert!(seen.contains(line), "{version:?}: {line} in {seen}");
            }
            assert!(!seen.contains("transfer-encoding"), "{version:?}: {seen}");
        }
        for line in log.lines(3).await {
            assert_eq!(line["protocol"], "HTTP/2", "{line}");
        }
        for line in front.process.log("access.log").lines(3).await {
            assert_eq!(line["upstream_protocol"], "HTTP/2", "{line}");
        }
        let connections = front.process.stats().await.of("cluster.backend.upstream_cx_http2_total");
        assert!((1..=2).contains(&connections), "{connections} connections, of two workers");
    }
}

#[tokio::test]
async fn neither_direction_waits_for_the_other() {
    let content = large();
    for version in [Version::Http2, Version::Http3] {
        // The response begins before the request is whole, and does not end before it.
        let early = [headers(&[(":status", "200")]), data("early")].concat();
        let server = Server::playing(Row::new("both").write(early)).await;
        let front = Edge::in_front_of(&clear("backend", server.address(), ""), ALL, "").await;
        let client = front.client(version).await;
        let mut exchange = client.open(&Request::new("POST", "/"), false).await;
        exchange.upload.data("first").await.expect("the upload begins");
        assert_eq!(exchange.download.body_of(5).await.text(), "early", "{version:?}");
        exchange.upload.data(content.clone()).await.expect("the upload goes on");
        exchange.upload.finish(Vec::new()).await.expect("the upload ends");
        until("the upstream has all", async || (server.content() == 5 + content.len()).then_some(())).await;
        server.say(last_data("late"));
        let reply = exchange.download.reply().await;
        assert_eq!((reply.text().as_str(), reply.end), ("earlylate", End::Complete), "{version:?}");
    }
}

#[tokio::test]
async fn what_nobody_reads_is_not_sent() {
    // 100 MiB: more than all windows on the way together.
    let backend = Backend::start(|_| {
        let head = format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\n", 100 << 20);
        Script::bytes(head).then(vec![b'x'; 100 << 20])
    })
    .await;
    let options = "initial_stream_window_size: 65535, initial_connection_window_size: 65535";
    let chain = Chain::with(&backend, "", options).await;
    let client = chain.front.client(Version::Http2).await;
    let mut exchange = client.open(&Request::get("/"), true).await;
    assert_eq!(exchange.download.body_of(1).await.status, 200);
    // The other stream has room all the same, for credit comes with what is read.
    let reply = chain.front.client(Version::Http3).await.send(Request::new("HEAD", "/")).await;
    assert_eq!(reply.status, 200);
    drop(exchange);
    let line = chain.back.process.log("access.log").lines(2).await;
    let sent = line.iter().filter_map(|line| line["sent"].as_u64()).max().expect("a number");
    assert!(sent < 20 << 20, "{sent} bytes were sent to one who had read hardly any");
}

#[tokio::test]
async fn a_client_that_leaves_is_no_longer_served() {
    let row = || Row::new("slow").write([headers(&[(":status", "200")]), data("part")].concat());
    for version in Version::ALL {
        for begun in [true, false] {
            let row = if begun { row() } else { Row::new("silent") };
            let server = Server::playing(row).await;
            let front = Edge::in_front_of(&clear("backend", server.address(), ""), ALL, "").await;
            let client = front.client(version).await;
            let mut exchange = client.open(&Request::get("/slow"), true).await;
            if begun {
                assert_eq!(exchange.download.body_of(4).await.status, 200, "{version:?}");
            } else {
                until("the request is there", async || (server.requests() == 1).then_some(())).await;
            }
            if version == Version::Http1 {
                drop((exchange, client));
            } else {
                exchange.reset(0x10c);
            }
            until("the upstream hears of it", async || (server.resets() == [(FIRST, CANCEL)]).then_some(())).await;
            // The connection serves others.
            assert_eq!(front.client(Version::Http2).await.send(Request::get("/")).await.status, 200);
        }
    }
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
            let right = reply.end != End::Complete || reply.status == 503;
            assert!(right, "{version:?} {path}: {} {}", reply.status, reply.text());
        }
    }
}

#[tokio::test]
async fn a_request_that_breaks_off_is_given_up() {
    let server = Server::start(Manner { row: Some(Row::new("silent")), ..Manner::default() }).await;
    let front = Edge::in_front_of(&clear("backend", server.address(), ""), ALL, "").await;
    let client = front.client(Version::Http2).await;
    let mut exchange = client.open(&Request::new("POST", "/"), false).await;
    exchange.upload.data("first").await.expect("the upload begins");
    until("the upstream has it", async || (server.content() == 5).then_some(())).await;
    exchange.reset(0x8);
    until("the upstream hears of it", async || (server.resets() == [(FIRST, CANCEL)]).then_some(())).await;
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
