//! What is only HTTP/1's.

use crate::edge::Edge;
use crate::support::backend::Backend;
use crate::support::message::{Fields, Reply, field};
use crate::support::wire::Wire;

/// A gateway with these `http_protocol_options`, and the backend behind it.
async fn edge(backend: &Backend, options: &str) -> Edge {
    let place = "http_protocol_options: {enable_trailers: true}\n          access_log";
    let options = format!("http_protocol_options: {{enable_trailers: true{options}}}\n          access_log");
    Edge::altered(backend, &[(place, &options)]).await
}

/// The replies to these requests on one connection, up to its end.
async fn ask(edge: &Edge, requests: &[&str]) -> Vec<Reply> {
    let mut wire = Wire::tcp(edge.process.address("http")).await.expect("the port is open");
    let mut replies = Vec::new();
    for request in requests {
        if wire.write(request.replace('\n', "\r\n")).await.is_err() {
            break;
        }
        let reply = wire.reply("GET").await;
        if reply.status == 0 {
            break;
        }
        replies.push(reply);
    }
    replies
}

fn statuses(replies: &[Reply]) -> Vec<u16> {
    replies.iter().map(|reply| reply.status).collect()
}

#[tokio::test]
async fn rfc9112_3_2_2_absolute_form_is_taken_or_not() {
    let request = "GET http://b.test/x?y HTTP/1.1\nhost: a.test\n\n";
    let backend = Backend::echo().await;
    let taken = edge(&backend, ", allow_absolute_url: true").await;
    assert_eq!(statuses(&ask(&taken, &[request]).await), [200]);
    let received = backend.received().pop().expect("a request");
    assert_eq!((received.target.as_str(), field(&received.headers, "host")), ("/x?y", Some("b.test")));
    let other = "GET ftp://b.test/x HTTP/1.1\nhost: a.test\n\n";
    assert_eq!(statuses(&ask(&taken, &[other]).await), [400]);
    let refused = edge(&backend, ", allow_absolute_url: false").await;
    let mut log = refused.process.log("access.log");
    assert_eq!(statuses(&ask(&refused, &[request]).await), [404]);
    let line = log.lines(1).await.pop().expect("a line");
    assert_eq!((&line["details"], &line["path"]), (&"absolute_path_rejected".into(), &"http://b.test/x?y".into()));
    assert_eq!(refused.process.stats().await.of("http.edge.downstream_rq_non_relative_path"), 1);
}

#[tokio::test]
async fn rfc9112_3_2_4_nothing_is_said_of_the_server_as_a_whole() {
    let backend = Backend::echo().await;
    let edge = edge(&backend, "").await;
    assert_eq!(statuses(&ask(&edge, &["OPTIONS * HTTP/1.1\nhost: a.test\n\n"]).await), [404]);
    let line = edge.process.log("access.log").lines(1).await.pop().expect("a line");
    assert_eq!((&line["details"], &line["path"]), (&"absolute_path_rejected".into(), &"*".into()));
}

#[tokio::test]
async fn a_request_of_http_1_0_may_have_a_host_by_default() {
    let backend = Backend::echo().await;
    let without = edge(&backend, ", accept_http_10: true").await;
    assert_eq!(statuses(&ask(&without, &["GET / HTTP/1.0\n\n"]).await), [400]);
    let with = edge(&backend, ", accept_http_10: true, default_host_for_http_10: by.default").await;
    for (request, host) in [("GET / HTTP/1.0\n\n", "by.default"), ("GET / HTTP/1.0\nhost: b\n\n", "b")] {
        assert_eq!(statuses(&ask(&with, &[request]).await), [200], "{request}");
        let received = backend.received().pop().expect("a request");
        assert_eq!(field(&received.headers, "host"), Some(host), "{request}");
    }
    assert_eq!(statuses(&ask(&with, &["GET / HTTP/1.1\n\n"]).await), [400]);
}

#[tokio::test]
async fn a_connection_may_outlive_a_request_that_is_refused() {
    let backend = Backend::echo().await;
    let requests = ["GET / HTTP/1.1\nx: y\n\n", "GET / HTTP/1.1\nhost: a.test\n\n"];
    for (options, expected) in [
        ("", &[400][..]),
        (", override_stream_error_on_invalid_http_message: false", &[400]),
        (", override_stream_error_on_invalid_http_message: true", &[400, 200]),
    ] {
        let edge = edge(&backend, options).await;
        assert_eq!(statuses(&ask(&edge, &requests).await), expected, "{options}");
    }
    let manager = "          stream_error_on_invalid_http_message: true\n";
    let edge = Edge::with(&backend, crate::edge::ALL, manager).await;
    assert_eq!(statuses(&ask(&edge, &requests).await), [400, 200]);
}

#[tokio::test]
async fn names_of_fields_may_have_capitals() {
    let backend = Backend::echo().await;
    for (options, expected) in
        [("", "content-length"), (", header_key_format: {proper_case_words: {}}", "Content-Length")]
    {
        let edge = edge(&backend, options).await;
        let reply = ask(&edge, &["GET / HTTP/1.1\nhost: a.test\n\n"]).await.pop().expect("a reply");
        let has = |fields: &Fields, name: &str| fields.iter().any(|(key, _)| key == name);
        assert!(has(&reply.headers, expected), "{options} {:?}", reply.headers);
    }
    // Towards upstreams the cluster says it.
    let place = "explicit_http_config: {http_protocol_options: {enable_trailers: true}}";
    let other = place.replace("true}", "true, header_key_format: {proper_case_words: {}}}");
    for (options, expected) in [(place, "\nx-some: 1\n"), (&other, "\nX-Some: 1\n")] {
        let edge = Edge::altered(&backend, &[(place, options)]).await;
        let reply = ask(&edge, &["GET / HTTP/1.1\nhost: a.test\nx-some: 1\n\n"]).await.pop().expect("a reply");
        assert!(reply.text().contains(expected), "{options} {}", reply.text());
    }
}
