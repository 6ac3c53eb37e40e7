//! How long a connection lives, how many requests it serves, and which version it speaks.

use crate::edge::{ALL, Edge};
use crate::settings::http2::{GOAWAY, PING_FRAME, PREFACE, SETTINGS, frame};
use crate::support::backend::Backend;
use crate::support::client::{Client, Version};
use crate::support::deadline::within;
use crate::support::message::{End, Request};
use crate::support::wire::Wire;

/// Waits until a connection without a request is ended by the gateway, over each version.
async fn until_ended(edge: &Edge) {
    for begin in ["", PREFACE] {
        let mut wire = Wire::tcp(edge.process.address("http")).await.expect("the port is open");
        // The version is told by the first request.
        let first = if begin.is_empty() { "GET / HTTP/1.1\r\nhost: a.test\r\n\r\n" } else { begin };
        wire.write(first).await.expect("the connection stands");
        let (_, end) = within("the end of the connection", wire.rest()).await;
        assert_eq!(end, End::Closed);
    }
    let Client::Http3(client) = edge.client(Version::Http3).await else { panic!("another version") };
    let reason = within("the end of the QUIC connection", client.connection.closed()).await;
    assert!(matches!(reason, quinn::ConnectionError::ApplicationClosed(_)), "{reason}");
}

#[tokio::test]
async fn an_idle_connection_ends() {
    let backend = Backend::echo().await;
    let settings =
        "          delayed_close_timeout: 0s\n          common_http_protocol_options: {idle_timeout: 0.2s}\n";
    until_ended(&Edge::with(&backend, ALL, settings).await).await;
}

#[tokio::test]
async fn an_old_connection_ends() {
    let backend = Backend::echo().await;
    let options = "{max_connection_duration: 0.2s, idle_timeout: 0s}";
    let settings = format!("          delayed_close_timeout: 0s\n          common_http_protocol_options: {options}\n");
    until_ended(&Edge::with(&backend, ALL, &settings).await).await;
}

#[tokio::test]
async fn a_connection_that_has_served_enough_ends() {
    let backend = Backend::echo().await;
    let settings = "          common_http_protocol_options: {max_requests_per_connection: 2}\n";
    let edge = Edge::with(&backend, ALL, settings).await;
    for version in Version::ALL {
        let client = edge.client(version).await;
        let mut served = 0;
        // What is on its way when GOAWAY is said is still served.
        let over = within("the connection to take no more", async {
            loop {
                let reply = client.send(Request::get("/")).await;
                if reply.status == 0 {
                    return true;
                }
                served += 1;
                assert!(version != Version::Http1 || (reply.header("connection") == Some("close")) == (served == 2));
            }
        });
        assert!(over.await && served >= 2, "{version:?}: {served}");
    }
}

#[tokio::test]
async fn a_connection_that_was_told_to_go_may_stay_to_read() {
    let backend = Backend::echo().await;
    let aged = |delayed_close: &str| {
        let options = "{max_connection_duration: 0.2s, idle_timeout: 0s}";
        format!("          delayed_close_timeout: {delayed_close}\n          common_http_protocol_options: {options}\n")
    };
    let patient = Edge::with(&backend, ALL, &aged("3600s")).await;
    let impatient = Edge::with(&backend, ALL, &aged("0.1s")).await;
    let told = async |edge: &Edge| {
        let mut wire = Wire::tcp(edge.process.address("http")).await.expect("the port is open");
        wire.write(PREFACE).await.expect("the connection stands");
        while frame(&mut wire).await.kind != GOAWAY {}
        wire
    };
    let mut stays = told(&patient).await;
    let mut goes = told(&impatient).await;
    // Both were told; when the second is gone, the first is not.
    within("the end of the second", goes.rest()).await;
    stays.write(PING_FRAME).await.expect("the connection stands");
    while !frame(&mut stays).await.is_pong() {}
}

#[tokio::test]
async fn the_version_is_the_one_that_is_configured() {
    let backend = Backend::echo().await;
    for (codec, serves_http1, serves_http2) in [("AUTO", true, true), ("HTTP1", true, false), ("HTTP2", false, true)] {
        let (from, end) = ("          stat_prefix: edge\n", "          http_protocol_options");
        let changed = format!("{from}          codec_type: {codec}\n{end}");
        let edge = Edge::altered(&backend, &[(&format!("{from}{end}"), &changed)]).await;
        let mut wire = Wire::tcp(edge.process.address("http")).await.expect("the port is open");
        wire.write("GET / HTTP/1.1\r\nhost: a.test\r\nconnection: close\r\n\r\n").await.expect("the connection stands");
        let (bytes, _) = within("an answer", wire.rest()).await;
        assert_eq!(bytes.starts_with(b"HTTP/1.1 200"), serves_http1, "{codec}");
        let mut wire = Wire::tcp(edge.process.address("http")).await.expect("the port is open");
        wire.write(PREFACE).await.expect("the connection stands");
        let mut first = Vec::new();
        within("an answer", async { while first.len() < 9 && wire.reader.some(9, &mut first).await.is_ok() {} }).await;
        assert_eq!(first.get(3) == Some(&SETTINGS), serves_http2, "{codec}: {first:?}");
    }
    // On QUIC there is no other.
    let edge = Edge::start(&backend, ALL).await;
    assert_eq!(edge.client(Version::Http3).await.send(Request::get("/")).await.status, 200);
}
