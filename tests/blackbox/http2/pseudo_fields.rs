//! RFC 9113 §8.3: pseudo-header fields.

use super::client::Client;
use super::row::Row;
use super::table::play;
use crate::edge::{ALL, Edge};
use crate::support::backend::Backend;
use crate::support::deadline::within;

type Fields<'a> = &'a [(&'a str, &'a str)];

const METHOD: (&str, &str) = (":method", "GET");
const SCHEME: (&str, &str) = (":scheme", "https");
const AUTHORITY: (&str, &str) = (":authority", "localhost");
const PATH: (&str, &str) = (":path", "/somewhere");

fn bad(name: &str, fields: Fields<'_>) -> Row {
    Row::new(name).only(fields)
}

#[tokio::test]
async fn rfc9113_8_3_pseudo_header_fields() {
    play([each_once(), known_and_first(), values(), paths(), authorities()].concat()).await;
}

fn each_once() -> Vec<Row> {
    let twice = |name: &str, field| bad(name, &[METHOD, SCHEME, AUTHORITY, PATH, field]);
    vec![
        bad("rfc9113_8_3_1_no_method", &[SCHEME, AUTHORITY, PATH]),
        bad("rfc9113_8_3_1_no_scheme", &[METHOD, AUTHORITY, PATH]),
        bad("rfc9113_8_3_1_no_authority", &[METHOD, SCHEME, PATH]),
        bad("rfc9113_8_3_1_no_path", &[METHOD, SCHEME, AUTHORITY]),
        bad("rfc9113_8_3_1_no_path_beside_host", &[METHOD, SCHEME, ("host", "localhost")]),
        bad("rfc9113_8_3_1_no_field_at_all", &[]),
        bad("rfc9113_8_3_1_no_pseudo_field", &[("host", "localhost")]),
        twice("rfc9113_8_3_1_method_twice", METHOD),
        twice("rfc9113_8_3_1_scheme_twice", SCHEME),
        twice("rfc9113_8_3_1_authority_twice", AUTHORITY),
        twice("rfc9113_8_3_1_path_twice", PATH),
        twice("rfc9113_8_3_1_two_methods", (":method", "POST")),
    ]
}

fn known_and_first() -> Vec<Row> {
    let with = |name: &str, field| bad(name, &[METHOD, SCHEME, AUTHORITY, PATH, field]);
    let late = |name: &str, before: Fields<'_>, field| bad(name, &[before, &[("x-field", "x"), field]].concat());
    vec![
        // The h2 crate knows no field of such a name.
        with("rfc9113_8_3_unknown", (":other", "x")).closes(),
        with("rfc9113_8_3_no_name", (":", "x")).closes(),
        with("rfc9113_8_3_upper_case", (":Path", "/")).closes(),
        with("rfc9113_8_3_status_in_a_request", (":status", "200")),
        late("rfc9113_8_3_method_late", &[SCHEME, AUTHORITY, PATH], METHOD),
        late("rfc9113_8_3_scheme_late", &[METHOD, AUTHORITY, PATH], SCHEME),
        late("rfc9113_8_3_authority_late", &[METHOD, SCHEME, PATH], AUTHORITY),
        late("rfc9113_8_3_path_late", &[METHOD, SCHEME, AUTHORITY], PATH),
    ]
}

fn values() -> Vec<Row> {
    let method = |name: &str, method| bad(name, &[(":method", method), SCHEME, AUTHORITY, PATH]);
    let scheme = |name: &str, scheme| bad(name, &[METHOD, (":scheme", scheme), AUTHORITY, PATH]);
    let lost = "rfc9113_8_3_1_empty_scheme_beside_host";
    vec![
        // The h2 crate cannot type them.
        method("rfc9113_8_3_1_empty_method", "").closes(),
        method("rfc9113_8_3_1_method_with_space", "GET /smuggled").closes(),
        method("rfc9113_8_3_1_method_with_line_break", "GET\r\n").closes(),
        scheme("rfc9113_8_3_1_empty_scheme", ""),
        scheme("rfc9113_8_3_1_scheme_with_colon", "https://a"),
        scheme("rfc9113_8_3_1_scheme_with_space", "ht tp"),
        scheme("rfc3986_3_1_scheme_that_begins_with_a_digit", "1http"),
        // The h2 crate hands over no scheme where `host` alone is the authority; nothing here depends on one.
        bad(lost, &[METHOD, (":scheme", ""), (":path", &format!("/{lost}")), ("host", "localhost")]).good(&[]),
    ]
}

fn paths() -> Vec<Row> {
    let path = |name: &str, path| bad(name, &[METHOD, SCHEME, AUTHORITY, (":path", path)]);
    let beside_host = |name: &str, path| bad(name, &[METHOD, SCHEME, (":path", path), ("host", "localhost")]);
    vec![
        path("rfc9113_8_3_1_empty_path", ""),
        path("rfc9113_8_3_1_relative_path", "somewhere"),
        path("rfc9113_8_3_1_query_alone", "?a=b"),
        path("rfc9113_8_3_1_absolute_form", "https://localhost/"),
        path("rfc9113_8_3_1_asterisk_without_options", "*"),
        path("rfc9113_8_2_1_space_in_path", "/a HTTP/1.1"),
        path("rfc9113_8_2_1_line_break_in_path", "/a\r\nx: y"),
        path("rfc9113_8_2_1_nul_in_path", "/a\0"),
        beside_host("rfc9113_8_3_1_empty_path_beside_host", ""),
        beside_host("rfc9113_8_3_1_query_alone_beside_host", "?a=b"),
        beside_host("rfc9113_8_3_1_asterisk_without_options_beside_host", "*"),
        // The h2 crate hands over a path without its fragment: what goes on is well formed.
        path("rfc9110_4_1_fragment", "/rfc9110_4_1_fragment#b")
            .good_without(&["GET /rfc9110_4_1_fragment HTTP/1.1"], &["#"]),
    ]
}

fn authorities() -> Vec<Row> {
    let authority = |name: &str, authority| bad(name, &[METHOD, SCHEME, (":authority", authority), PATH]);
    let host = |name: &str, hosts: Fields<'_>| bad(name, &[&[METHOD, SCHEME, PATH], hosts].concat());
    let beside = |name: &str, hosts: Fields<'_>| bad(name, &[&[METHOD, SCHEME, AUTHORITY, PATH], hosts].concat());
    let good = |name: &'static str, fields: Fields<'_>| {
        let path = format!("/{name}");
        bad(name, &[&[METHOD, SCHEME, (":path", &path)], fields].concat())
    };
    vec![
        authority("rfc9113_8_3_1_empty_authority", ""),
        authority("rfc9113_8_3_1_userinfo", "me@localhost"),
        authority("rfc9113_8_3_1_authority_with_path", "localhost/a"),
        authority("rfc9113_8_3_1_authority_with_space", "local host"),
        authority("rfc9113_8_2_1_authority_with_line_break", "localhost\r\nx: y"),
        host("rfc9113_8_3_1_empty_host", &[("host", "")]),
        host("rfc9113_8_3_1_two_hosts", &[("host", "localhost"), ("host", "localhost")]),
        host("rfc9113_8_3_1_list_of_hosts", &[("host", "a, b")]),
        host("rfc9113_8_3_1_host_with_space", &[("host", "local host")]),
        host("rfc9113_8_3_1_host_with_userinfo", &[("host", "me@localhost")]),
        beside("rfc9113_8_3_1_host_differs", &[("host", "elsewhere")]),
        beside("rfc9113_8_3_1_port_of_host_differs", &[("host", "localhost:1")]),
        beside("rfc9113_8_3_1_host_beside_authority_empty", &[("host", "")]),
        beside("rfc9113_8_3_1_hosts_beside_authority", &[("host", "localhost"), ("host", "localhost")]),
        beside("rfc9113_8_3_1_second_host_differs", &[("host", "localhost"), ("host", "elsewhere")]),
        good("rfc9113_8_3_1_host_alone", &[("host", "a.test")]).good(&["host: a.test\n"]),
        good("rfc9113_8_3_1_host_agrees", &[AUTHORITY, ("host", "localhost")]).good(&["host: localhost\n"]),
    ]
}

#[tokio::test]
async fn the_log_says_what_was_malformed() {
    let backend = Backend::echo().await;
    let edge = Edge::start(&backend, ALL).await;
    let mut log = edge.process.log("access.log");
    let request = |more: Fields<'_>| bad("asked_for", &[&[METHOD, SCHEME, AUTHORITY], more].concat());
    for (row, details) in [
        (request(&[PATH, ("host", "elsewhere")]), "http2.authority_and_host_differ"),
        (request(&[PATH, ("x-field", " x")]), "http2.invalid_field_value"),
        (request(&[PATH, ("host", "localhost"), ("host", "localhost")]), "http2.invalid_authority"),
        (request(&[(":path", "*")]), "http2.invalid_path"),
    ] {
        let client = Client::connect(edge.process.address("https")).await.expect("a connection");
        within("the row", client.play(&row)).await.expect("a reset, and an answer after it");
        let lines = log.lines(2).await;
        let line = lines.iter().find(|line| line["details"] == details);
        assert!(line.is_some_and(|line| line["flags"] == "DPE"), "{details} is not in {lines:?}");
    }
    assert!(backend.received().iter().all(|received| received.path() == "/asked_for/after"));
}
