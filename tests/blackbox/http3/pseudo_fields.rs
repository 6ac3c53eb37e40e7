//! RFC 9114 §4.3: pseudo-header fields.

use super::row::Row;
use super::table::play;
use super::wire::headers;

type Fields<'a> = &'a [(&'a str, &'a str)];

const METHOD: (&str, &str) = (":method", "GET");
const SCHEME: (&str, &str) = (":scheme", "https");
const AUTHORITY: (&str, &str) = (":authority", "localhost");
const PATH: (&str, &str) = (":path", "/somewhere");

/// A request of these fields and no others.
fn only(name: &str, fields: Fields<'_>) -> Row {
    Row::new(name).whole(headers(fields))
}

fn bad(name: &str, fields: Fields<'_>) -> Row {
    only(name, fields).malformed()
}

#[tokio::test]
async fn rfc9114_4_3_pseudo_header_fields() {
    play([each_once(), known_and_first(), values(), authorities()].concat()).await;
}

fn each_once() -> Vec<Row> {
    let twice =
        |name: &str, field| Row::new(name).whole(headers(&[METHOD, SCHEME, AUTHORITY, PATH, field])).malformed();
    vec![
        bad("rfc9114_4_3_1_no_method", &[SCHEME, AUTHORITY, PATH]),
        bad("rfc9114_4_3_1_no_scheme", &[METHOD, AUTHORITY, PATH]),
        bad("rfc9114_4_3_1_no_authority", &[METHOD, SCHEME, PATH]),
        bad("rfc9114_4_3_1_no_path", &[METHOD, SCHEME, AUTHORITY]),
        bad("rfc9114_4_3_1_no_field_at_all", &[]),
        bad("rfc9114_4_3_1_no_pseudo_field", &[("host", "localhost")]),
        twice("rfc9114_4_3_1_method_twice", METHOD),
        twice("rfc9114_4_3_1_scheme_twice", SCHEME),
        twice("rfc9114_4_3_1_authority_twice", AUTHORITY),
        twice("rfc9114_4_3_1_path_twice", PATH),
        twice("rfc9114_4_3_1_two_methods", (":method", "POST")),
    ]
}

fn known_and_first() -> Vec<Row> {
    let with = |name: &str, field| bad(name, &[METHOD, SCHEME, AUTHORITY, PATH, field]);
    let late = |name: &str, before: Fields<'_>, field| bad(name, &[before, &[("x-field", "x"), field]].concat());
    vec![
        with("rfc9114_4_3_unknown", (":other", "x")),
        with("rfc9114_4_3_status_in_a_request", (":status", "200")),
        with("rfc9114_4_3_no_name", (":", "x")),
        with("rfc9114_4_3_upper_case", (":Path", "/")),
        late("rfc9114_4_3_method_late", &[SCHEME, AUTHORITY, PATH], METHOD),
        late("rfc9114_4_3_scheme_late", &[METHOD, AUTHORITY, PATH], SCHEME),
        late("rfc9114_4_3_authority_late", &[METHOD, SCHEME, PATH], AUTHORITY),
        late("rfc9114_4_3_path_late", &[METHOD, SCHEME, AUTHORITY], PATH),
    ]
}

fn values() -> Vec<Row> {
    let method = |name: &str, method| bad(name, &[(":method", method), SCHEME, AUTHORITY, PATH]);
    let scheme = |name: &str, scheme| bad(name, &[METHOD, (":scheme", scheme), AUTHORITY, PATH]);
    let path = |name: &str, path| bad(name, &[METHOD, SCHEME, AUTHORITY, (":path", path)]);
    vec![
        method("rfc9114_4_3_1_empty_method", ""),
        method("rfc9114_4_3_1_method_with_space", "GET /smuggled"),
        method("rfc9114_4_3_1_method_with_line_break", "GET\r\n"),
        scheme("rfc9114_4_3_1_empty_scheme", ""),
        scheme("rfc9114_4_3_1_scheme_with_colon", "https://a"),
        scheme("rfc9114_4_3_1_scheme_with_space", "ht tp"),
        path("rfc9114_4_3_1_empty_path", ""),
        path("rfc9114_4_3_1_relative_path", "somewhere"),
        path("rfc9114_4_3_1_absolute_uri_as_path", "https://localhost/"),
        path("rfc9114_4_3_1_asterisk_without_options", "*"),
        path("rfc9114_4_3_1_fragment", "/a#b"),
        path("rfc9114_10_3_space_in_path", "/a HTTP/1.1"),
        path("rfc9114_10_3_line_break_in_path", "/a\r\nx: y"),
        path("rfc9114_10_3_nul_in_path", "/a\0"),
    ]
}

fn authorities() -> Vec<Row> {
    let authority = |name: &str, authority| bad(name, &[METHOD, SCHEME, (":authority", authority), PATH]);
    let host = |name: &str, hosts: Fields<'_>| bad(name, &[&[METHOD, SCHEME, PATH], hosts].concat());
    let good = |name: &'static str, fields: Fields<'_>| {
        let path = format!("/{name}");
        Row::new(name).whole(headers(&[&[METHOD, SCHEME, (":path", &path)], fields].concat()))
    };
    vec![
        authority("rfc9114_4_3_1_empty_authority", ""),
        authority("rfc9114_4_3_1_userinfo", "me@localhost"),
        authority("rfc9114_4_3_1_authority_with_path", "localhost/a"),
        authority("rfc9114_4_3_1_authority_with_space", "local host"),
        authority("rfc9114_10_3_authority_with_line_break", "localhost\r\nx: y"),
        host("rfc9114_4_3_1_empty_host", &[("host", "")]),
        host("rfc9114_4_3_1_two_hosts", &[("host", "localhost"), ("host", "localhost")]),
        host("rfc9114_4_3_1_list_of_hosts", &[("host", "a, b")]),
        host("rfc9114_4_3_1_host_with_space", &[("host", "local host")]),
        bad("rfc9114_4_3_1_host_differs", &[METHOD, SCHEME, AUTHORITY, PATH, ("host", "elsewhere")]),
        bad("rfc9114_4_3_1_port_of_host_differs", &[METHOD, SCHEME, AUTHORITY, PATH, ("host", "localhost:1")]),
        bad("rfc9114_4_3_1_host_beside_authority_empty", &[METHOD, SCHEME, AUTHORITY, PATH, ("host", "")]),
        good("rfc9114_4_3_1_host_alone", &[("host", "a.test")]).good(&["host: a.test\n"]),
        good("rfc9114_4_3_1_host_agrees", &[AUTHORITY, ("host", "localhost")]).good(&["host: localhost\n"]),
    ]
}
