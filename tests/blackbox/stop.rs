//! The end: what is in flight is finished, nothing new begins.

use rustix::process::Signal;

use crate::early_data::client::{Early, request};
use crate::early_data::relay::Relay;
use crate::edge::{ALL, Edge};
use crate::settings::quic::begin_handshake;
use crate::support::backend::{Backend, Script};
use crate::support::client::Version;
use crate::support::deadline::until;
use crate::support::message::{End, Request};
use crate::support::wire::tcp;

async fn slow() -> Backend {
    Backend::start(|received| match received.path() {
        "/slow" => Script::bytes("HTTP/1.1 200 OK\r\ncontent-length: 8\r\n\r\nhalf").when_released().then("more"),
        _ => Script::reply(200, "fast"),
    })
    .await
}

#[tokio::test]
async fn exchanges_in_flight_are_finished_at_a_stop() {
    for signal in [Signal::TERM, Signal::INT] {
        let backend = slow().await;
        let mut edge = Edge::start(&backend, ALL).await;
        let mut exchanges = Vec::new();
        for version in Version::ALL {
            let client = edge.client(version).await;
            let mut exchange = client.open(&Request::get("/slow"), true).await;
            assert_eq!(exchange.download.body_of(4).await.status, 200, "{version:?}");
            exchanges.push((version, client, exchange));
        }
        let address = edge.process.address("http");
        edge.process.signal(signal);
        until("accepting to end", async || tcp(address).await.err()).await;
        for _ in &exchanges {
            backend.release();
        }
        for (version, client, mut exchange) in exchanges {
            let reply = exchange.download.reply().await;
            assert_eq!((reply.text().as_str(), reply.end), ("halfmore", End::Complete), "{signal:?} {version:?}");
            client.close().await;
        }
        assert!(edge.process.exit().await.success(), "{signal:?}");
    }
}

#[tokio::test]
async fn quitquitquit_is_a_stop_and_takes_post_only() {
    let backend = slow().await;
    let mut edge = Edge::start(&backend, ALL).await;
    assert_ne!(edge.process.admin("/quitquitquit").await.status, 200);
    assert_eq!(edge.process.admin_post("/quitquitquit").await.text(), "OK\n");
    assert!(edge.process.exit().await.success());
}

#[tokio::test]
async fn a_second_signal_ends_at_once() {
    let backend = slow().await;
    let mut edge = Edge::start(&backend, ALL).await;
    let client = edge.client(Version::Http1).await;
    let mut exchange = client.open(&Request::get("/slow"), true).await;
    exchange.download.body_of(4).await;
    let address = edge.process.address("http");
    edge.process.terminate();
    until("accepting to end", async || tcp(address).await.err()).await;
    edge.process.terminate();
    edge.process.exit().await;
    assert_ne!(exchange.download.reply().await.end, End::Complete);
}

#[tokio::test]
async fn idle_connections_are_told_to_go() {
    let backend = slow().await;
    let mut edge = Edge::start(&backend, ALL).await;
    for version in Version::ALL {
        assert_eq!(edge.client(version).await.send(Request::get("/")).await.status, 200, "{version:?}");
    }
    let http2 = edge.client(Version::Http2).await;
    let http3 = edge.client(Version::Http3).await;
    assert_eq!(http2.send(Request::get("/")).await.status, 200);
    assert_eq!(http3.send(Request::get("/")).await.status, 200);
    edge.process.terminate();
    assert!(edge.process.exit().await.success(), "connections without a request do not hold the process");
}

#[tokio::test]
async fn handshakes_of_clients_that_have_gone_do_not_hold_the_process() {
    let backend = slow().await;
    let mut edge =
        Edge::altered(&backend, &[("quic_options: {}", "quic_options: {crypto_handshake_timeout: 3600s}")]).await;
    let before = edge.process.stats().await.of("listener.127.0.0.1_0.downstream_cx_total");
    let _gone = begin_handshake(&edge).await;
    let begun = async || {
        let total = edge.process.stats().await.of("listener.127.0.0.1_0.downstream_cx_total");
        (total > before).then_some(())
    };
    until("the handshake", begun).await;
    edge.process.terminate();
    assert!(edge.process.exit().await.success());
    let line = edge.process.log("connections.log").lines(1).await.pop().expect("a line");
    assert_eq!(line["reason"], "draining", "{line}");
}

#[tokio::test]
async fn early_data_of_clients_that_have_gone_does_not_hold_the_process() {
    let backend = slow().await;
    let changes = [
        ("quic_options: {}", "quic_options: {crypto_handshake_timeout: 3600s}"),
        ("route: {cluster: backend}", "route: {cluster: backend, timeout: 0s}"),
    ];
    let mut edge = Edge::altered(&backend, &changes).await;
    // Its first flight comes, and nothing more.
    let relay = Relay::to(edge.process.address("http3")).await;
    let mut early = Early::towards(&edge, relay.address()).await;
    let _answers = [early.get("/").await, early.send(request("POST", "/waits"), "").await];
    backend.until_received(1).await;
    edge.process.terminate();
    assert!(edge.process.exit().await.success());
    assert_eq!(backend.received().len(), 1, "nobody has completed the handshake that the other waits for");
}

#[tokio::test]
async fn access_logs_are_reopened() {
    let backend = slow().await;
    let edge = Edge::start(&backend, ALL).await;
    let client = edge.client(Version::Http1).await;
    client.send(Request::get("/one")).await;
    let mut log = edge.process.log("access.log");
    log.lines(1).await;
    let (path, moved) = (edge.process.directory().join("access.log"), edge.process.directory().join("moved.log"));
    std::fs::rename(&path, &moved).expect("the log can be moved");
    edge.process.signal(Signal::USR1);
    until("the log to be opened again", async || path.exists().then_some(())).await;
    client.send(Request::get("/two")).await;
    let line = edge.process.log("access.log").lines(1).await.pop().expect("a line");
    assert_eq!(line["path"], "/two");
}
