//! What an upstream must not say before its answer.

use super::Ways;
use crate::edge::{ALL, Edge};
use crate::support::backend::{Backend, Script};
use crate::support::message::Request;

const OK: &str = "HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok";

#[tokio::test]
async fn an_upstream_that_breaks_the_rules_before_its_answer_is_answered_502() {
    let hints = "HTTP/1.1 103 Early Hints\r\nlink: </a>\r\n\r\n";
    let large = format!("HTTP/1.1 103 Early Hints\r\nlink: {}\r\n\r\n", "x".repeat(30_000));
    let many = (0..200).map(|number| format!("x-{number}: 1\r\n")).collect::<Vec<_>>().concat();
    let rows = [
        ("a-flood", hints.repeat(500)),
        ("a-flood-of-bytes", large.repeat(5)),
        ("content-length", "HTTP/1.1 103 Early Hints\r\ncontent-length: 5\r\n\r\n".to_owned()),
        ("transfer-encoding", "HTTP/1.1 103 Early Hints\r\ntransfer-encoding: chunked\r\n\r\n".to_owned()),
        ("too-many-fields", format!("HTTP/1.1 103 Early Hints\r\n{many}\r\n")),
        ("too-large", format!("HTTP/1.1 103 Early Hints\r\nx: {}\r\n\r\n", "x".repeat(200_000))),
        (
            "not-asked-to-switch",
            "HTTP/1.1 101 Switching Protocols\r\nconnection: upgrade\r\nupgrade: x\r\n\r\n".to_owned(),
        ),
        ("switches-without-a-word", "HTTP/1.1 101 Switching Protocols\r\n\r\n".to_owned()),
    ];
    let table = rows.clone();
    let backend = Backend::start(move |received| {
        let said = table.iter().find(|(name, _)| received.path() == format!("/{name}"));
        Script::bytes(said.map_or_else(String::new, |(_, said)| said.clone()) + OK)
    })
    .await;
    let ways = Ways::to(&backend).await;
    for (cell, client) in ways.clients().await {
        for (name, _) in &rows {
            let reply = client.send(Request::get(&format!("/{name}"))).await;
            assert_eq!(reply.status, 502, "{cell} {name}");
            assert!(reply.informational.iter().all(|(status, _)| *status == 103), "{cell} {name}");
            // The connection to the backend is not used again: what is left on it answers nobody.
            assert_eq!(client.send(Request::get("/good")).await.text(), "ok", "{cell} after {name}");
        }
    }
}

#[tokio::test]
async fn an_upstream_that_never_stops_is_given_up() {
    let hints = "HTTP/1.1 103 Early Hints\r\nlink: </a>\r\n\r\n";
    let backend =
        Backend::start(move |_| (0..64).fold(Script::nothing(), |script, _| script.then(hints.repeat(10_000))).stall())
            .await;
    let edge = Edge::start(&backend, ALL).await;
    let mut log = edge.process.log("access.log");
    for version in crate::support::client::Version::ALL {
        let reply = edge.client(version).await.send(Request::get("/")).await;
        assert_eq!(reply.status, 502, "{version:?}");
        assert!(reply.informational.len() <= 64, "{version:?}: {} interim responses", reply.informational.len());
        let line = log.lines(1).await.remove(0);
        assert_eq!(line["flags"], "UPE", "{version:?}: {line}");
    }
}
