//! Interim responses on a connection of HTTP/1, where they stand between the messages of others.

use super::PROXIED;
use crate::edge::{ALL, Edge};
use crate::exchanges::large;
use crate::support::backend::{Backend, Script};
use crate::support::message::End;
use crate::support::wire::Wire;

const HINTS: &str = "HTTP/1.1 103 Early Hints\r\nlink: </a>\r\n\r\n";

async fn edge(backend: &Backend, manager: &str) -> (Edge, Wire) {
    let manager = format!("{manager}          request_headers_timeout: 20s\n");
    let edge = Edge::with(backend, ALL, &manager).await;
    let wire = Wire::tcp(edge.process.address("http")).await.expect("a connection");
    (edge, wire)
}

#[tokio::test]
async fn hints_of_a_pipelined_request_come_after_the_whole_of_the_answer_before() {
    let body = large();
    let whole = body.clone();
    let backend = Backend::start(move |received| match received.path() {
        "/large" => Script::reply(200, &whole),
        _ => Script::bytes(HINTS).when_released().then("HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok"),
    })
    .await;
    let (_edge, mut wire) = edge(&backend, "").await;
    wire.write("GET /large HTTP/1.1\r\nhost: a\r\n\r\nGET /hints HTTP/1.1\r\nhost: a\r\n\r\n").await.expect("written");
    let first = wire.reply("GET").await;
    assert_eq!((first.status, first.informational.len(), first.end), (200, 0, End::Complete));
    assert!(first.body == body, "something stands in the answer that is not of it");
    let mut second = crate::support::message::Reply::default();
    assert_eq!(wire.reader.next_head(&mut second).await, Ok(false));
    assert_eq!(second.informational, [(103, vec![("link".to_owned(), "</a>".to_owned())])]);
    backend.release();
    let second = wire.reply("GET").await;
    assert_eq!((second.status, second.text().as_str()), (200, "ok"));
}

#[tokio::test]
async fn rfc9110_15_2_a_client_of_http10_is_sent_none() {
    let backend = Backend::start(|received| {
        Script::reply(200, received.to_string()).at_once(format!("HTTP/1.1 100 Continue\r\n\r\n{HINTS}"))
    })
    .await;
    for manager in ["", PROXIED] {
        let (edge, _) = edge(&backend, manager).await;
        drop(edge);
        let edge = Edge::altered(
            &backend,
            &[
                (
                    "http_protocol_options: {enable_trailers: true}\n          access_log",
                    "http_protocol_options: {accept_http_10: true}\n          access_log",
                ),
                ("          stat_prefix: edge\n", &format!("          stat_prefix: edge\n{manager}")),
            ],
        )
        .await;
        let mut wire = Wire::tcp(edge.process.address("http")).await.expect("a connection");
        let request = "POST / HTTP/1.0\r\nhost: a\r\nexpect: 100-continue\r\ncontent-length: 4\r\n\r\nbody";
        wire.write(request).await.expect("written");
        let reply = wire.reply("POST").await;
        assert_eq!((reply.status, reply.informational.len()), (200, 0), "{manager}");
        assert!(reply.text().contains("body") && !reply.text().contains("\nexpect:"), "{manager}: {}", reply.text());
    }
}
