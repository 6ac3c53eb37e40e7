//! The word to go on (100, RFC 9110 §10.1.1): the gateway's own, and the upstream's with `proxy_100_continue`.

use super::{PROXIED, Ways};
use crate::support::backend::{Backend, Script};
use crate::support::message::{Request, field};

fn expecting() -> Request {
    Request::post("/", "").header("expect", "100-continue").header("content-length", "4")
}

#[tokio::test]
async fn the_gateway_says_to_go_on_by_default() {
    let backend = Backend::start(|received| Script::echo(received).at_once("HTTP/1.1 100 Continue\r\n\r\n")).await;
    let ways = Ways::to(&backend).await;
    for (cell, client) in ways.clients().await {
        let mut exchange = client.open(&expecting(), false).await;
        assert_eq!(exchange.download.interim(1).await.informational, [(100, Vec::new())], "{cell}");
        exchange.upload.data("body").await.expect("the gateway reads on");
        exchange.upload.finish(Vec::new()).await.expect("the gateway reads on");
        let reply = exchange.download.reply().await;
        assert_eq!((reply.status, reply.informational.len()), (200, 1), "{cell}");
        assert!(reply.text().contains("body") && !reply.text().contains("\nexpect:"), "{cell}: {}", reply.text());
    }
}

#[tokio::test]
async fn the_upstream_says_to_go_on_where_that_is_configured() {
    let backend =
        Backend::start(|received| Script::echo(received).at_once("HTTP/1.1 100 Continue\r\nx-from: backend\r\n\r\n"))
            .await;
    let ways = Ways::with(&backend, PROXIED).await;
    for (cell, client) in ways.clients().await {
        for _ in 0..2 {
            let mut exchange = client.open(&expecting(), false).await;
            let early = exchange.download.interim(1).await.clone();
            assert_eq!(early.informational.len(), 1, "{cell}");
            assert_eq!(field(&early.informational[0].1, "x-from"), Some("backend"), "{cell}");
            exchange.upload.data("body").await.expect("the gateway reads on");
            exchange.upload.finish(Vec::new()).await.expect("the gateway reads on");
            let reply = exchange.download.reply().await;
            assert_eq!((reply.status, reply.informational.len()), (200, 1), "{cell}");
            assert!(reply.text().contains("\nexpect: 100-continue"), "{cell}: {}", reply.text());
        }
    }
}

#[tokio::test]
async fn an_upstream_that_says_nothing_gets_the_content_of_who_does_not_wait() {
    let backend = Backend::echo().await;
    let ways = Ways::with(&backend, PROXIED).await;
    for (cell, client) in ways.clients().await {
        let reply = client.send(Request::post("/", "body").header("expect", "100-continue").sized()).await;
        assert_eq!((reply.status, reply.informational.len()), (200, 0), "{cell}");
        assert!(reply.text().contains("body"), "{cell}: {}", reply.text());
    }
}

#[tokio::test]
async fn an_upstream_may_refuse_before_the_content_is_sent() {
    let backend =
        Backend::start(|_| Script::bytes("HTTP/1.1 417 No\r\ncontent-length: 0\r\nconnection: close\r\n\r\n").early())
            .await;
    let ways = Ways::with(&backend, PROXIED).await;
    for (cell, client) in ways.clients().await {
        let mut exchange = client.open(&expecting(), false).await;
        let head = exchange.download.head().await;
        assert_eq!((head.status, head.informational.len()), (417, 0), "{cell}");
    }
}
