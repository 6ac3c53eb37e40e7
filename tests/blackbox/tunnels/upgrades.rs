//! Upgrades: what is asked, what is granted, and what is not.

use super::client::{ACCEPT, Asked, ask};
use super::{MANAGER, ROUTES, Ways, echo, granting};
use crate::edge::Edge;
use crate::support::backend::{Backend, Script};
use crate::support::client::Version;
use crate::support::message::field;
use crate::support::wire::Wire;
use crate::upstream_http2::chain::secured;
use crate::upstream_http3::chain::quic_cluster;

#[tokio::test]
async fn what_is_said_through_a_tunnel_comes_back() {
    let backend = echo().await;
    let ways = Ways::to(&backend).await;
    for (cell, edge, version) in ways.cells() {
        for protocol in ["websocket", "other"] {
            let mut log = edge.process.log("access.log");
            log.lines_so_far();
            let mut tunnel = ask(edge, version, Asked::Upgrade(protocol, "/chat?a=b"), "").await;
            let multiplexed = version != Version::Http1;
            assert_eq!(tunnel.status, if multiplexed { 200 } else { 101 }, "{cell} {protocol}");
            if version == Version::Http1 {
                let seen = ["connection", "upgrade"].map(|name| tunnel.header(name));
                assert_eq!(seen, [Some("upgrade"), Some(protocol)], "{cell}");
                if protocol == "websocket" {
                    assert_eq!(tunnel.header("sec-websocket-accept"), Some(ACCEPT), "{cell}");
                }
            } else if protocol == "websocket" {
                assert_eq!(tunnel.header("sec-websocket-accept"), None, "{cell}");
            }
            for said in ["ping", "pong", &"x".repeat(100_000)] {
                tunnel.say(said).await;
                assert_eq!(tunnel.hear(said.len()).await, said, "{cell} {protocol}");
            }
            tunnel.finish().await;
            assert_eq!(tunnel.rest().await.as_deref(), Ok(""), "{cell} {protocol}");
            let line = log.lines(1).await.remove(0);
            let seen = ["code", "method", "path", "received", "sent", "flags"].map(|name| line[name].to_string());
            assert_eq!(
                seen,
                ["101", "\"GET\"", "\"/chat?a=b\"", "100008", "100008", "\"-\""],
                "{cell} {protocol}: {line}"
            );
        }
    }
    for received in backend.received() {
        assert_eq!((received.method.as_str(), received.target.as_str()), ("GET", "/chat?a=b"));
        assert_eq!(field(&received.headers, "connection"), Some("upgrade"), "{received}");
        let key = field(&received.headers, "sec-websocket-key");
        assert_eq!(
            field(&received.headers, "upgrade") == Some("websocket"),
            key.is_some_and(|key| key.len() == 24) && field(&received.headers, "upgrade") == Some("websocket"),
            "{received}"
        );
    }
}

#[tokio::test]
async fn both_directions_have_a_pace_of_their_own() {
    let backend = echo().await;
    let ways = Ways::to(&backend).await;
    let said: Vec<u8> =
        (0..2 << 20).map(|index: u32| b'a' + (index.wrapping_mul(2_654_435_761) >> 24) as u8 % 26).collect();
    for (cell, edge, version) in ways.cells() {
        let mut tunnel = ask(edge, version, Asked::Upgrade("other", "/"), "").await;
        let heard = tunnel.say_and_hear(&said).await;
        assert!(heard == said, "{cell}: {} bytes came back, not those that were said", heard.len());
    }
}

#[tokio::test]
async fn what_is_said_before_the_grant_waits_for_it() {
    let backend = Backend::start(|received| Script::nothing().when_released().then(granting(received)).echoes()).await;
    let ways = Ways::to(&backend).await;
    for (count, (cell, edge, version)) in ways.cells().enumerate() {
        let early = "GET /smuggled HTTP/1.1\r\nhost: a\r\n\r\n";
        let asking = ask(edge, version, Asked::Upgrade("other", "/"), early);
        let granting = async {
            backend.until_received(count + 1).await;
            backend.release();
        };
        let (mut tunnel, ()) = tokio::join!(asking, granting);
        assert_eq!(tunnel.hear(early.len()).await, early, "{cell}");
    }
    // Nothing of it was a request to anybody.
    assert!(backend.received().iter().all(|received| received.target == "/"), "{:?}", backend.received());
}

#[tokio::test]
async fn an_answer_that_grants_nothing_is_an_answer_like_any_other() {
    let backend = Backend::start(|received| match received.path() {
        "/no" => Script::reply(426, "no"),
        "/ignored" => Script::reply(200, "as it was"),
        "/another" => {
            Script::bytes("HTTP/1.1 101 Switching\r\nconnection: upgrade\r\nupgrade: another\r\n\r\n").stall()
        }
        "/unnamed" => Script::bytes("HTTP/1.1 101 Switching\r\n\r\n").stall(),
        _ => Script::bytes(granting(received).replace("sec-websocket-accept: ", "sec-websocket-accept: x")).echoes(),
    })
    .await;
    let ways = Ways::to(&backend).await;
    for (cell, edge, version) in ways.cells() {
        let mut answered = ask(edge, version, Asked::Upgrade("websocket", "/no"), "").await;
        assert_eq!(answered.status, 426, "{cell}");
        if version != Version::Http1 {
            assert_eq!(answered.rest().await.as_deref(), Ok("no"), "{cell}");
        }
        // To a client that has streams, 200 would say that the tunnel is open.
        let over_http1 = cell == "Http1 to HTTP/1";
        let ignored = ask(edge, version, Asked::Upgrade("websocket", "/ignored"), "").await;
        assert_eq!(ignored.status, if over_http1 { 200 } else { 502 }, "{cell}");
        for path in ["/another", "/unnamed"] {
            assert_eq!(ask(edge, version, Asked::Upgrade("websocket", path), "").await.status, 502, "{cell} {path}");
        }
        // A client of HTTP/1 checks the answer to its key itself.
        let wrong = ask(edge, version, Asked::Upgrade("websocket", "/wrong"), "").await;
        assert_eq!(wrong.status, if over_http1 { 101 } else { 502 }, "{cell}");
    }
}

#[tokio::test]
async fn what_follows_a_refusal_on_http1_is_no_request() {
    let backend = Backend::start(|_| Script::reply(426, "no")).await;
    let ways = Ways::to(&backend).await;
    for (cell, edge, version) in ways.cells().filter(|(_, _, version)| *version == Version::Http1) {
        let smuggled = "GET /smuggled HTTP/1.1\r\nhost: a\r\n\r\n";
        let mut answered = ask(edge, version, Asked::Upgrade("other", "/"), smuggled).await;
        assert_eq!((answered.status, answered.header("connection")), (426, Some("close")), "{cell}");
        assert_eq!(answered.rest().await.as_deref(), Ok("no"), "{cell}");
    }
    assert!(backend.received().iter().all(|received| received.target == "/"), "{:?}", backend.received());
}

#[tokio::test]
async fn what_asks_for_a_tunnel_in_a_wrong_way_is_refused() {
    let backend = echo().await;
    let edge = Edge::with(&backend, ROUTES, MANAGER).await;
    let upgrade = "connection: upgrade\r\nupgrade: websocket\r\n";
    for (request, status) in [
        (format!("POST / HTTP/1.1\r\nhost: a\r\n{upgrade}content-length: 1\r\n\r\n"), 403),
        (format!("POST / HTTP/1.1\r\nhost: a\r\n{upgrade}transfer-encoding: chunked\r\n\r\n"), 403),
        (format!("GET / HTTP/1.1\r\nhost: a\r\n{upgrade}upgrade: other\r\n\r\n"), 403),
        ("GET / HTTP/1.1\r\nhost: a\r\nconnection: upgrade\r\nupgrade: websocket, other\r\n\r\n".to_owned(), 403),
        (format!("GET / HTTP/1.0\r\nhost: a\r\n{upgrade}\r\n"), 426),
        ("CONNECT a:1 HTTP/1.1\r\nhost: a:1\r\ncontent-length: 1\r\n\r\n".to_owned(), 400),
        ("CONNECT a:1 HTTP/1.1\r\nhost: a:1\r\ntransfer-encoding: chunked\r\n\r\n".to_owned(), 400),
    ] {
        let mut wire = Wire::tcp(edge.process.address("http")).await.expect("a connection");
        wire.write(&request).await.expect("written");
        let reply = wire.reply("GET").await;
        assert_eq!((reply.status, reply.header("connection")), (status, Some("close")), "{request}");
    }
    // Nominated by nobody, it is a field like any other, of one connection: h2c was withdrawn (RFC 9113 §3.1).
    for fields in ["upgrade: websocket\r\n", "connection: upgrade\r\nupgrade: h2c\r\n"] {
        let mut wire = Wire::tcp(edge.process.address("http")).await.expect("a connection");
        wire.write(format!("GET /plain HTTP/1.1\r\nhost: a\r\n{fields}\r\n")).await.expect("written");
        backend.until_received(1).await;
    }
    let received = backend.received();
    assert!(received.iter().all(|received| field(&received.headers, "upgrade").is_none()), "{received:?}");
}

#[tokio::test]
async fn rfc9113_8_5_only_data_goes_through_a_tunnel() {
    let backend = echo().await;
    let edge = Edge::with(&backend, ROUTES, MANAGER).await;
    let mut tunnel = ask(&edge, Version::Http2, Asked::Connect("a.test:443"), "").await;
    tunnel.say_trailers();
    assert!(tunnel.rest().await.is_err(), "the stream has to be reset");
}

#[tokio::test]
async fn rfc8441_3_rfc9220_3_an_upstream_that_does_not_announce_it_is_not_asked() {
    let backend = echo().await;
    let silent = MANAGER.replace("{allow_extended_connect: true}", "{}").replace("{allow_connect: true}", "{}");
    let back = Edge::with(&backend, ROUTES, &silent).await;
    for cluster in
        [secured("backend", back.process.address("https"), ""), quic_cluster("backend", back.process.address("http3"))]
    {
        let front = Edge::in_front_of(&cluster, ROUTES, MANAGER).await;
        for version in Version::ALL {
            assert_eq!(ask(&front, version, Asked::Upgrade("websocket", "/"), "").await.status, 502, "{version:?}");
            // A plain CONNECT needs no word.
            assert_eq!(ask(&front, version, Asked::Connect("a.test:443"), "").await.status, 200, "{version:?}");
        }
    }
    assert!(backend.received().iter().all(|received| received.method == "CONNECT"));
}
