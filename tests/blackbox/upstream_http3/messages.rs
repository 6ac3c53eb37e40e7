//! Responses that are malformed (RFC 9114 §4.1.2 to §4.3).

use super::chain::quic_cluster;
use super::row::{Answer, Row};
use super::server::Server;
use super::table::play;
use crate::edge::{ALL, Edge};
use crate::http3::wire::{data, frame, headers, line};
use crate::support::client::Version;
use crate::support::message::{End, Request};

/// A head with these fields and no end of the stream.
fn head(name: &str, fields: &[(&str, &str)]) -> Row {
    Row::new(name).begins(headers(fields))
}

/// 200 with these fields, and no end of the stream.
fn ok_with(name: &str, fields: &[(&str, &str)]) -> Row {
    head(name, &[&[(":status", "200")], fields].concat())
}

#[tokio::test]
async fn rfc9114_4_3_2_a_response_has_one_status_and_no_other_pseudo_field() {
    play(vec![
        head("no-fields", &[]).malformed(),
        head("no-status", &[("x-one", "1")]).malformed(),
        head("two-statuses", &[(":status", "200"), (":status", "200")]).malformed(),
        head("status-after-a-field", &[("x-one", "1"), (":status", "200")]).malformed(),
        ok_with("method", &[(":method", "GET")]).malformed(),
        ok_with("path", &[(":path", "/")]).malformed(),
        ok_with("unknown-pseudo", &[(":unknown", "1")]).malformed(),
        head("status-of-two-digits", &[(":status", "20")]).malformed(),
        head("status-of-four-digits", &[(":status", "0200")]).malformed(),
        head("status-of-letters", &[(":status", "abc")]).malformed(),
        head("status-below-100", &[(":status", "099")]).malformed(),
        head("empty-status", &[(":status", "")]).malformed(),
        head("status-with-a-sign", &[(":status", "+20")]).malformed(),
        // RFC 9114 §4.5
        head("switching-protocols", &[(":status", "101")]).malformed(),
    ])
    .await;
}

#[tokio::test]
async fn rfc9114_4_2_fields_are_lower_case_and_not_about_a_connection() {
    play(vec![
        ok_with("upper-case", &[("X-One", "1")]).malformed(),
        ok_with("a-space-in-a-name", &[("x one", "1")]).malformed(),
        ok_with("an-empty-name", &[("", "1")]).malformed(),
        ok_with("connection", &[("connection", "close")]).malformed(),
        ok_with("keep-alive", &[("keep-alive", "timeout=5")]).malformed(),
        ok_with("proxy-connection", &[("proxy-connection", "close")]).malformed(),
        ok_with("transfer-encoding", &[("transfer-encoding", "chunked")]).malformed(),
        ok_with("upgrade", &[("upgrade", "websocket")]).malformed(),
    ])
    .await;
}

#[tokio::test]
async fn rfc9114_10_3_no_field_ends_a_line() {
    play(vec![
        ok_with("cr", &[("x-one", "1\r2")]).malformed(),
        ok_with("lf", &[("x-one", "1\nset-cookie: a=b")]).malformed(),
        ok_with("crlf", &[("x-one", "1\r\n\r\nHTTP/1.1 200 OK")]).malformed(),
        ok_with("nul", &[("x-one", "1\u{0}2")]).malformed(),
        ok_with("lf-in-a-name", &[("x\none", "1")]).malformed(),
        ok_with("space-first", &[("x-one", " 1")]).malformed(),
        ok_with("tab-last", &[("x-one", "1\t")]).malformed(),
        Row::new("lf-in-trailers")
            .begins([headers(&[(":status", "200")]), headers(&[("x-sum", "1\n2")])].concat())
            .cut(),
        Row::new("connection-in-trailers")
            .begins([headers(&[(":status", "200")]), headers(&[("connection", "close")])].concat())
            .cut(),
    ])
    .await;
}

#[tokio::test]
async fn rfc9114_4_1_2_content_is_as_long_as_was_said() {
    let ok = |length: &str| headers(&[(":status", "200"), ("content-length", length)]);
    let of = |status: &str| headers(&[(":status", status)]);
    play(vec![
        Row::new("longer").begins([ok("3"), data("four")].concat()).cut(),
        // The stream has ended: nothing is left to be stopped.
        Row::new("shorter").whole([ok("9"), data("four")].concat()).client(Answer::Cut),
        Row::new("as-long").whole([ok("4"), data("four")].concat()).good("four"),
        ok_with("no-number", &[("content-length", "four")]).malformed(),
        ok_with("a-negative-number", &[("content-length", "-1")]).malformed(),
        ok_with("two-lengths", &[("content-length", "1"), ("content-length", "2")]).malformed(),
        ok_with("a-list-of-lengths", &[("content-length", "1, 1")]).malformed(),
        Row::new("the-same-length-twice")
            .whole(
                [headers(&[(":status", "200"), ("content-length", "4"), ("content-length", "4")]), data("four")]
                    .concat(),
            )
            .good("four"),
        // RFC 9110 §6.4.1: these have no content.
        Row::new("content-of-head").method("HEAD").begins([ok("4"), data("four")].concat()).cut(),
        Row::new("length-of-head").method("HEAD").whole(ok("4")),
        Row::new("content-of-204").begins([of("204"), data("x")].concat()).malformed(),
    ])
    .await;
}

#[tokio::test]
async fn fields_may_be_as_odd_as_they_are_allowed_to_be() {
    let raw = |lines: Vec<u8>| frame(0x1, [&[0, 0], &lines[..]].concat());
    play(vec![
        Row::new("an-empty-value").whole(headers(&[(":status", "200"), ("x-one", "")])),
        Row::new("bytes-above-ascii").whole(raw([line(":status", "200"), line("x-one", "grün")].concat())),
        Row::new("many-cookies").whole(headers(&[(":status", "200"), ("set-cookie", "a=b"), ("set-cookie", "c=d")])),
        Row::new("te-in-a-response").whole(headers(&[(":status", "200"), ("te", "trailers")])),
    ])
    .await;
}

#[tokio::test]
async fn rfc9110_8_6_a_length_that_was_said_twice_goes_on_once() {
    let twice = headers(&[(":status", "200"), ("content-length", "4"), ("content-length", "4")]);
    for (method, content) in [("HEAD", Vec::new()), ("GET", data("four"))] {
        for version in Version::ALL {
            let server = Server::playing(Row::new("twice").whole([twice.clone(), content.clone()].concat()));
            let front = Edge::in_front_of(&quic_cluster("backend", server.address()), ALL, "").await;
            let reply = front.client(version).await.send(Request::new(method, "/")).await;
            assert_eq!((reply.status, reply.end), (200, End::Complete), "{method} {version:?}");
            let lengths = reply.headers.iter().filter(|(name, _)| name == "content-length").count();
            assert_eq!(lengths, 1, "{method} {version:?}");
        }
    }
}
