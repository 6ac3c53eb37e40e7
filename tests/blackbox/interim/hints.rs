//! Early hints (103, RFC 8297) and the other interim responses that have nothing to do with the content of a request.

use super::{PROXIED, Ways};
use crate::support::backend::{Backend, Script};
use crate::support::message::{End, Request, field};

fn hints(link: &str) -> String {
    format!("HTTP/1.1 103 Early Hints\r\nlink: <{link}>; rel=preload\r\n\r\n")
}

const OK: &str = "HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok";

#[tokio::test]
async fn hints_come_before_the_answer_is_there() {
    let backend = Backend::start(|_| Script::bytes(hints("/a.css")).when_released().then(OK)).await;
    let ways = Ways::to(&backend).await;
    for (cell, client) in ways.clients().await {
        let mut exchange = client.open(&Request::get("/"), true).await;
        // The answer is held back until the hints have been read.
        let early = exchange.download.interim(1).await.clone();
        assert_eq!((early.status, early.informational.len()), (0, 1), "{cell}");
        let (status, fields) = &early.informational[0];
        assert_eq!((*status, field(fields, "link")), (103, Some("</a.css>; rel=preload")), "{cell}");
        backend.release();
        let reply = exchange.download.reply().await;
        assert_eq!((reply.status, reply.text().as_str(), reply.end), (200, "ok", End::Complete), "{cell}");
        assert_eq!(reply.informational.len(), 1, "{cell}");
    }
}

#[tokio::test]
async fn hints_that_come_with_the_answer_are_in_front_of_it() {
    let backend = Backend::start(|received| match received.path() {
        "/error" => Script::bytes(hints("/a") + "HTTP/1.1 503 No\r\ncontent-length: 0\r\n\r\n"),
        _ => Script::bytes(hints("/a") + &hints("/b") + &hints("/c") + OK),
    })
    .await;
    let ways = Ways::to(&backend).await;
    for (cell, client) in ways.clients().await {
        let reply = client.send(Request::get("/")).await;
        assert_eq!((reply.status, reply.text().as_str(), reply.end), (200, "ok", End::Complete), "{cell}");
        let links: Vec<_> = reply.informational.iter().filter_map(|(_, fields)| field(fields, "link")).collect();
        assert_eq!(links, ["</a>; rel=preload", "</b>; rel=preload", "</c>; rel=preload"], "{cell}");
        let reply = client.send(Request::get("/error")).await;
        assert_eq!((reply.status, reply.informational.len()), (503, 1), "{cell}");
        // A connection goes on as after any other answer.
        assert_eq!(client.send(Request::get("/")).await.status, 200, "{cell}");
    }
}

#[tokio::test]
async fn a_local_answer_may_follow_hints() {
    let backend = Backend::start(|_| Script::bytes(hints("/a")).when_released().close()).await;
    let ways = Ways::to(&backend).await;
    for (cell, client) in ways.clients().await {
        let mut exchange = client.open(&Request::get("/"), true).await;
        assert_eq!(exchange.download.interim(1).await.informational.len(), 1, "{cell}");
        backend.release();
        let reply = exchange.download.reply().await;
        assert_eq!((reply.status, reply.end), (503, End::Complete), "{cell}");
    }
}

#[tokio::test]
async fn what_passes_beside_hints_is_said_in_the_configuration() {
    let all = [100, 102, 103, 104, 105, 110, 199];
    let head = |status: &u16| format!("HTTP/1.1 {status} Said\r\nx-status: {status}\r\n\r\n");
    let heads = all.iter().map(head).collect::<Vec<_>>().concat();
    let backend = Backend::start(move |_| Script::bytes(heads.clone() + OK)).await;
    for (manager, passed) in [("", &[103][..]), (PROXIED, &[100, 102, 103, 104][..])] {
        let ways = Ways::with(&backend, manager).await;
        for (cell, client) in ways.clients().await {
            let reply = client.send(Request::get("/")).await;
            let statuses: Vec<_> = reply.informational.iter().map(|(status, _)| *status).collect();
            assert_eq!((reply.status, &statuses[..]), (200, passed), "{cell} {manager}");
        }
    }
}

#[tokio::test]
async fn rfc9110_7_6_1_fields_of_one_connection_do_not_pass_with_hints() {
    let backend = Backend::start(|_| {
        let fields = "connection: x-mine, close\r\nx-mine: 1\r\nkeep-alive: 5\r\nupgrade: x\r\ncontent-length: 0\r\n";
        Script::bytes(format!("HTTP/1.1 103 Early Hints\r\n{fields}link: </a>\r\n\r\n{OK}"))
    })
    .await;
    let ways = Ways::to(&backend).await;
    for (cell, client) in ways.clients().await {
        let reply = client.send(Request::get("/")).await;
        let expected = vec![("link".to_owned(), "</a>".to_owned())];
        assert_eq!((reply.status, &reply.informational), (200, &vec![(103, expected)]), "{cell}");
    }
}

#[tokio::test]
async fn interim_responses_are_counted_on_both_sides() {
    let backend = Backend::start(|_| Script::bytes(hints("/a") + "HTTP/1.1 102 Processing\r\n\r\n" + OK)).await;
    let ways = Ways::to(&backend).await;
    for (cell, client) in ways.clients().await {
        let edge = if cell.ends_with('1') { &ways.edge } else { &ways.chain.front };
        let before = edge.process.stats().await;
        client.send(Request::get("/")).await;
        let counted = edge.process.stats().await.since(&before);
        let of = |name: &str| counted.get(name).copied().unwrap_or_default();
        assert_eq!(of("http.edge.downstream_rq_1xx"), 1, "{cell}: {counted:?}");
        // Another gateway in between passes no more than it gets to see.
        let seen = if cell.ends_with('1') { 2 } else { 1 };
        assert_eq!(of("cluster.backend.upstream_rq_1xx"), seen, "{cell}: {counted:?}");
        assert_eq!(of("cluster.backend.upstream_rq_103"), 1, "{cell}: {counted:?}");
    }
}
