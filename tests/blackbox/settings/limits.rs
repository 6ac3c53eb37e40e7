//! What a request may be, and how long it may take.

use crate::edge::{ALL, Edge};
use crate::support::backend::{Backend, Script};
use crate::support::client::Version;
use crate::support::message::Request;
use crate::support::wire::Wire;

/// A request with this many fields of this size.
fn with_fields(count: usize, size: usize) -> Request {
    (0..count).fold(Request::get("/"), |request, index| request.header(&format!("x-{index}"), &"v".repeat(size)))
}

#[tokio::test]
async fn a_head_has_a_size_and_a_number_of_fields() {
    let backend = Backend::echo().await;
    let large = with_fields(1, 10_000);
    let many = with_fields(30, 1);
    for (settings, of_large, of_many) in [
        ("", 200, 200),
        ("max_request_headers_kb: 8", 431, 200),
        ("common_http_protocol_options: {max_headers_count: 20}", 200, 431),
    ] {
        let edge = Edge::with(&backend, ALL, &format!("          {settings}\n")).await;
        for version in Version::ALL {
            let many = edge.client(version).await.send(many.clone()).await;
            assert_eq!(many.status, of_many, "{settings} {version:?}");
            let large = edge.client(version).await.send(large.clone()).await;
            // An HTTP/3 client is told the limit in SETTINGS and may keep to it.
            let kept_to = version == Version::Http3 && of_large == 431 && large.status == 0;
            assert!(large.status == of_large || kept_to, "{settings} {version:?}: {}", large.status);
        }
    }
}

#[tokio::test]
async fn a_stream_has_a_longest_time() {
    let backend = Backend::start(|_| Script::nothing().stall()).await;
    let settings = "          common_http_protocol_options: {max_stream_duration: 0.1s}\n";
    let edge = Edge::with(&backend, ALL, settings).await;
    let mut log = edge.process.log("access.log");
    for version in Version::ALL {
        let reply = edge.client(version).await.send(Request::get("/")).await;
        assert_eq!((reply.status, reply.text().as_str()), (504, "downstream duration timeout"), "{version:?}");
        let line = log.lines(1).await.pop().expect("a line");
        assert_eq!(line["details"], "max_duration_timeout", "{version:?} {line}");
    }
}

#[tokio::test]
async fn http_1_0_is_served_where_it_is_accepted() {
    let backend = Backend::echo().await;
    for (accepted, status) in [("false", 426), ("true", 200)] {
        let options = format!("http_protocol_options: {{accept_http_10: {accepted}, enable_trailers: true}}");
        let edge = Edge::altered(
            &backend,
            &[("          http_protocol_options: {enable_trailers: true}", &format!("          {options}"))],
        )
        .await;
        let mut wire = Wire::tcp(edge.process.address("http")).await.expect("the port is open");
        wire.write("GET / HTTP/1.0\r\nhost: a.test\r\n\r\n").await.expect("the connection stands");
        assert_eq!(wire.reply("GET").await.status, status);
    }
}

#[tokio::test]
async fn a_head_has_a_time() {
    let backend = Backend::echo().await;
    let begun = async |timeout: &str| {
        let edge = Edge::with(&backend, ALL, &format!("          request_headers_timeout: {timeout}\n")).await;
        let mut wire = Wire::tcp(edge.process.address("http")).await.expect("the port is open");
        wire.write("GET / HTTP/1.1\r\nhost: a").await.expect("the connection stands");
        (edge, wire)
    };
    let (_patient, mut goes_on) = begun("3600s").await;
    let (_impatient, mut ends) = begun("0.1s").await;
    assert_eq!(ends.reply("GET").await.status, 408);
    // The other one began earlier.
    goes_on.write(".test\r\n\r\n").await.expect("the connection stands");
    assert_eq!(goes_on.reply("GET").await.status, 200);
}
