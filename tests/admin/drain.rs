//! `/drain_listeners` and `/quitquitquit`: what stops, and what goes on.

use std::io::ErrorKind;
use std::sync::Arc;

use crate::rig::Rig;
use crate::support::backend::{Backend, Script};
use crate::support::certificates::Certificates;
use crate::support::client::{Client, Version};
use crate::support::deadline::until;
use crate::support::message::{End, Request};
use crate::support::wire::tcp;

/// Waits until nobody listens there any more.
async fn refused(rig: &Rig, listener: &str) {
    let address = rig.process.address(listener);
    let what = format!("{listener} to be refused");
    until(what, async || {
        tcp(address).await.is_err_and(|error| error.kind() == ErrorKind::ConnectionRefused).then_some(())
    })
    .await;
}

async fn serves(rig: &Rig, listener: &str) -> bool {
    rig.process.plain_client(listener).await.send(Request::get("/")).await.status == 200
}

async fn slow() -> Backend {
    Backend::start(|received| match received.path() {
        "/slow" => Script::bytes("HTTP/1.1 200 OK\r\ncontent-length: 8\r\n\r\nhalf").when_released().then("more"),
        _ => Script::reply(200, "fast"),
    })
    .await
}

#[tokio::test]
async fn listeners_stop_while_the_process_and_its_exchanges_go_on() {
    let rig = Rig::in_front_of(slow().await).await;
    let mut exchanges = Vec::new();
    for version in Version::ALL {
        let listener = if version == Version::Http3 { "quic" } else { "tls" };
        let client = rig.process.client(version, listener).await;
        let mut exchange = client.open(&Request::get("/slow"), true).await;
        assert_eq!(exchange.download.body_of(4).await.status, 200, "{version:?}");
        exchanges.push((version, client, exchange));
    }
    rig.order("/drain_listeners").await;
    for listener in ["in", "out", "tls"] {
        refused(&rig, listener).await;
    }
    let tls = Certificates::of_this_run().client(&[Version::Http3.alpn()]);
    let quic = rig.process.address("quic");
    until("QUIC to be refused", async || Client::http3(quic, Arc::clone(&tls)).await.err()).await;
    for _ in &exchanges {
        rig.backend.release();
    }
    for (version, client, mut exchange) in exchanges {
        let reply = exchange.download.reply().await;
        assert_eq!((reply.text().as_str(), reply.end), ("halfmore", End::Complete), "{version:?}");
        client.close().await;
    }
    until("all connections to end", async || (rig.stat("server.total_connections").await == 0).then_some(())).await;
    assert_eq!(rig.see("/ready").await.text(), "LIVE\n", "as in Envoy");
    assert_eq!(rig.see("/listeners").await.text().lines().count(), 4, "as in Envoy");
    assert_eq!(rig.stat("listener_manager.listener_stopped").await, 4);
    rig.order("/drain_listeners").await;
    assert_eq!(rig.stat("listener_manager.listener_stopped").await, 4, "each stops once");
}

#[tokio::test]
async fn inboundonly_leaves_the_others() {
    let rig = Rig::start().await;
    rig.order("/drain_listeners?inboundonly").await;
    refused(&rig, "in").await;
    assert!(serves(&rig, "out").await);
    assert_eq!(rig.stat("listener_manager.listener_stopped").await, 1);
}

#[tokio::test]
async fn graceful_asks_connections_to_go_before_listeners_stop() {
    let rig = Rig::with(&["--drain-time-s", "600"]).await;
    rig.order("/drain_listeners?graceful").await;
    let reply = rig.process.plain_client("in").await.send(Request::get("/")).await;
    assert_eq!((reply.status, reply.header("connection")), (200, Some("close")));
    assert_eq!(rig.stat("listener_manager.listener_stopped").await, 0);
    rig.order("/healthcheck/ok").await;
    let reply = rig.process.plain_client("in").await.send(Request::get("/")).await;
    assert_eq!(reply.header("connection"), Some("close"), "a health check takes no drain back");
}

#[tokio::test]
async fn graceful_stops_listeners_when_the_time_is_over() {
    let rig = Rig::with(&["--drain-time-s", "1"]).await;
    for _ in 0..3 {
        rig.order("/drain_listeners?graceful").await;
    }
    for listener in ["in", "out", "tls"] {
        refused(&rig, listener).await;
    }
    until("all listeners to stop", async || (rig.stat("listener_manager.listener_stopped").await == 4).then_some(()))
        .await;
}

#[tokio::test]
async fn skip_exit_never_stops_listeners() {
    let rig = Rig::with(&["--drain-time-s", "0"]).await;
    rig.order("/drain_listeners?graceful&skip_exit").await;
    let reply = rig.process.plain_client("in").await.send(Request::get("/")).await;
    assert_eq!((reply.status, reply.header("connection")), (200, Some("close")));
    assert_eq!(rig.stat("listener_manager.listener_stopped").await, 0);
}

#[tokio::test]
async fn quitquitquit_finishes_what_is_in_flight_and_exits_0() {
    let mut rig = Rig::in_front_of(slow().await).await;
    let client = rig.process.plain_client("in").await;
    let mut exchange = client.open(&Request::get("/slow"), true).await;
    exchange.download.body_of(4).await;
    rig.order("/quitquitquit").await;
    refused(&rig, "in").await;
    let ready = rig.see("/ready").await;
    assert_eq!((ready.status, ready.text().as_str()), (503, "DRAINING\n"), "it can still be asked");
    rig.backend.release();
    assert_eq!(exchange.download.reply().await.end, End::Complete);
    assert_eq!(rig.process.exit().await.code(), Some(0));
}
