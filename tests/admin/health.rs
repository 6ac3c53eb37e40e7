//! `/healthcheck/fail`, `/healthcheck/ok`, `/ready`: load balancers are told, and nobody is turned away.

use crate::rig::Rig;
use crate::support::backend::{Backend, Script};
use crate::support::client::Version;
use crate::support::deadline::until;
use crate::support::message::{End, Request};

#[tokio::test]
async fn ready_follows_the_health_checks() {
    let rig = Rig::start().await;
    let ready = async || {
        let reply = rig.see("/ready").await;
        (reply.status, reply.text())
    };
    assert_eq!(ready().await, (200, "LIVE\n".to_owned()));
    for _ in 0..2 {
        rig.order("/healthcheck/fail").await;
        assert_eq!(ready().await, (503, "DRAINING\n".to_owned()));
        assert_eq!(rig.json("/server_info").await["state"], "DRAINING");
        let stats = rig.process.stats().await;
        assert_eq!((stats.of("server.live"), stats.of("server.state")), (0, 1));
        rig.order("/healthcheck/ok").await;
        assert_eq!(ready().await, (200, "LIVE\n".to_owned()));
    }
}

#[tokio::test]
async fn who_comes_is_served_and_asked_to_go() {
    let rig = Rig::start().await;
    rig.order("/healthcheck/fail").await;
    let reply = rig.process.plain_client("in").await.send(Request::get("/")).await;
    assert_eq!((reply.status, reply.header("connection")), (200, Some("close")));
    for version in [Version::Http2, Version::Http3] {
        let listener = if version == Version::Http3 { "quic" } else { "tls" };
        let reply = rig.process.client(version, listener).await.send(Request::get("/")).await;
        assert_eq!(reply.status, 200, "{version:?}");
    }
    rig.order("/healthcheck/ok").await;
    let client = rig.process.plain_client("in").await;
    for _ in 0..2 {
        let reply = client.send(Request::get("/")).await;
        assert_eq!((reply.status, reply.header("connection")), (200, None), "the connection may stay");
    }
}

#[tokio::test]
async fn who_is_there_is_asked_to_go_when_its_exchange_is_over() {
    let backend = Backend::start(|_| {
        Script::bytes("HTTP/1.1 200 OK\r\ncontent-length: 8\r\n\r\nhalf").when_released().then("more")
    });
    let rig = Rig::in_front_of(backend.await).await;
    let client = rig.process.plain_client("in").await;
    let mut exchange = client.open(&Request::get("/"), true).await;
    assert_eq!(exchange.download.body_of(4).await.status, 200);
    rig.order("/healthcheck/fail").await;
    rig.backend.release();
    let reply = exchange.download.reply().await;
    assert_eq!((reply.text().as_str(), reply.end), ("halfmore", End::Complete));
    until("the connection to end", async || (rig.stat("server.total_connections").await == 0).then_some(())).await;
}
