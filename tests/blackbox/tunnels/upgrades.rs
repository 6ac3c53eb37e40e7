//! Upgrades: what is asked, what is granted, and what is not.

use super::client::{ACCEPT, Asked, ask};
use super::{Ways, echo, granting};
use crate::support::backend::{Backend, Script};
use crate::support::client::Version;
use crate::support::message::field;

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
