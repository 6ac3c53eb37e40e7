//! RFC 9113 §8.1 and §8.2: the frames of a message, its content, its fields; §8.5 and RFC 8441: CONNECT.

use super::row::Row;
use super::table::play;
use super::wire::{DATA, PADDED, data, frame, headers, last_data, last_headers};
use crate::watched::Upstream;

#[tokio::test]
async fn rfc9113_8_1_frames_of_a_message() {
    play([order(), good()].concat()).await;
}

fn order() -> Vec<Row> {
    vec![
        Row::new("rfc9113_5_1_data_first").write(last_data("x")).closes(),
        Row::new("rfc9113_8_1_trailers_without_end").trailers_without_end(&[("x-sum", "1")]).late(),
        // RFC 9113 §5.1 has STREAM_CLOSED for it; the h2 crate says PROTOCOL_ERROR.
        Row::new("rfc9113_5_1_data_after_trailers")
            .post_then(&[], [data("x"), last_headers(&[("x-sum", "1")]), data("y")].concat())
            .closes()
            .late(),
    ]
}

fn good() -> Vec<Row> {
    let pieces: Vec<u8> = b"pieces".iter().flat_map(|byte| data([*byte])).collect();
    let padded = frame(DATA, PADDED, b"\x03ab\0\0\0");
    vec![
        Row::new("rfc9113_8_1_get").get(&[]).good(&["GET /rfc9113_8_1_get HTTP/1.1", "host: localhost"]),
        Row::new("rfc9113_8_1_empty_data")
            .post_then(&[], [data(""), data("ab"), data(""), last_data("")].concat())
            .good(&["\nab\n"]),
        Row::new("rfc9113_8_1_pieces").post_then(&[], [pieces, last_data("")].concat()).good(&["\npieces\n"]),
        Row::new("rfc9113_6_1_padding").post_then(&[], [padded, last_data("cd")].concat()).good(&["\nabcd\n"]),
        Row::new("rfc9113_8_1_trailers").trailers(&[("x-sum", "195")]).good(&["\nab\n", "trailer x-sum: 195"]),
        Row::new("rfc9110_10_1_1_expect_continue")
            .post_then(&[("expect", "100-continue"), ("content-length", "2")], last_data("ab"))
            .answers(&[100, 200])
            .upstream(Upstream::Whole),
        Row::new("rfc9113_8_2_3_cookie_crumbs")
            .get(&[("cookie", "a=1"), ("x-other", "y"), ("cookie", "b=2")])
            .good(&["cookie: a=1; b=2\n"]),
        Row::new("rfc9113_8_2_2_te_trailers").get(&[("te", "trailers")]).good(&[]),
    ]
}

#[tokio::test]
async fn rfc9113_8_1_1_content_length() {
    let post = |name: &str, lengths: &[&str], frames: Vec<u8>| {
        let fields: Vec<_> = lengths.iter().map(|length| ("content-length", *length)).collect();
        Row::new(name).post_then(&fields, frames)
    };
    play(vec![
        post("rfc9113_8_1_1_content_length", &["2"], last_data("ab")).good(&["content-length: 2", "\nab\n"]),
        post("rfc9113_8_1_1_content_length_and_a_late_end", &["2"], [data("ab"), last_data("")].concat())
            .good(&["content-length: 2", "\nab\n"]),
        post("rfc9113_8_1_1_content_length_twice_the_same", &["2", "2"], last_data("ab")).good(&["\nab\n"]),
        post("rfc9113_8_1_1_content_length_of_nothing", &["0"], last_data("")).good(&["content-length: 0"]),
        Row::new("rfc9113_8_1_1_content_length_and_no_content").get(&[("content-length", "3")]),
        post("rfc9113_8_1_1_content_length_and_empty_content", &["3"], last_data("")),
        post("rfc9113_8_1_1_content_length_above_content", &["3"], last_data("ab")),
        post("rfc9113_8_1_1_content_length_above_parts", &["3"], [data("a"), last_data("b")].concat()).late(),
        post("rfc9113_8_1_1_content_length_below_content", &["3"], last_data("abcd")),
        post("rfc9113_8_1_1_content_length_below_parts", &["3"], [data("abc"), last_data("d")].concat()),
        post("rfc9113_8_1_1_content_length_of_nothing_and_content", &["0"], last_data("a")),
        post("rfc9113_8_1_1_content_length_and_trailers", &["3"], [data("ab"), last_headers(&[("x-a", "b")])].concat())
            .late(),
        // The last of what was announced waits for the end of the stream, so this is whole nowhere.
        post("rfc9113_8_1_1_content_length_below_what_comes_later", &["3"], data("abc")).write(last_data("d")).late(),
        post("rfc9113_8_1_1_content_length_and_malformed_trailers_later", &["3"], data("abc"))
            .write(last_headers(&[("x-a", " b")]))
            .answers(&[400])
            .late(),
        post("rfc9110_8_6_content_lengths_differ", &["2", "3"], last_data("ab")),
        post("rfc9110_8_6_content_length_list", &["2, 2"], last_data("ab")),
        post("rfc9110_8_6_content_length_signed", &["+2"], last_data("ab")),
        post("rfc9110_8_6_content_length_negative", &["-2"], last_data("ab")),
        post("rfc9110_8_6_content_length_empty", &[""], last_data("")),
        post("rfc9110_8_6_content_length_hexadecimal", &["0x2"], last_data("ab")),
        post("rfc9110_8_6_content_length_above_64_bits", &["18446744073709551618"], last_data("ab")),
    ])
    .await;
}

#[tokio::test]
async fn rfc9113_8_2_fields() {
    play([untyped(), typed(), values(), trailers()].concat()).await;
}

/// What the h2 crate cannot type.
fn untyped() -> Vec<Row> {
    [
        ("rfc9113_8_2_upper_case", "X-Upper", "x"),
        ("rfc9113_8_2_one_upper_case_letter", "x-uppeR", "x"),
        ("rfc9113_8_2_1_empty_name", "", "x"),
        ("rfc9113_8_2_1_space_in_name", "x y", "x"),
        ("rfc9113_8_2_1_colon_in_name", "x:y", "x"),
        ("rfc9113_8_2_1_line_break_in_name", "x\r\ny", "x"),
        ("rfc9113_8_2_1_nul_in_name", "x\0y", "x"),
        ("rfc9113_8_2_1_name_beyond_ascii", "x\u{e9}y", "x"),
        ("rfc9113_8_2_1_cr_in_value", "x-field", "a\rb"),
        ("rfc9113_8_2_1_lf_in_value", "x-field", "a\nb"),
        ("rfc9113_8_2_1_request_in_value", "x-field", "a\r\n\r\nGET /smuggled HTTP/1.1\r\nhost: a\r\n\r\n"),
        ("rfc9113_8_2_1_nul_in_value", "x-field", "a\0b"),
        ("rfc9113_8_2_1_control_character_in_value", "x-field", "a\x01b"),
        ("rfc9113_8_2_1_delete_in_value", "x-field", "a\x7fb"),
    ]
    .map(|(name, field, value)| Row::new(name).get(&[(field, value)]).closes())
    .to_vec()
}

/// What the h2 crate types, and what is no field of HTTP/2 all the same.
fn typed() -> Vec<Row> {
    [
        ("rfc9110_5_6_2_quotation_mark_in_name", "x\"y", "x"),
        ("rfc9113_8_2_2_connection", "connection", "close"),
        ("rfc9113_8_2_2_keep_alive", "keep-alive", "timeout=5"),
        ("rfc9113_8_2_2_proxy_connection", "proxy-connection", "close"),
        ("rfc9113_8_2_2_transfer_encoding", "transfer-encoding", "chunked"),
        ("rfc9113_8_2_2_upgrade", "upgrade", "websocket"),
        ("rfc9113_8_2_2_te", "te", "gzip"),
        ("rfc9113_8_2_2_te_and_more", "te", "trailers, gzip"),
        ("rfc9113_8_2_2_te_of_nothing", "te", ""),
        // It is in order, but the h2 crate takes small letters only.
        ("rfc9110_10_1_4_te_in_upper_case", "te", "Trailers"),
    ]
    .map(|(name, field, value)| Row::new(name).get(&[(field, value)]))
    .to_vec()
}

fn values() -> Vec<Row> {
    [
        ("rfc9113_8_2_1_space_before_value", " a"),
        ("rfc9113_8_2_1_space_after_value", "a "),
        ("rfc9113_8_2_1_tab_before_value", "\ta"),
        ("rfc9113_8_2_1_tab_after_value", "a\t"),
        ("rfc9113_8_2_1_space_alone", " "),
    ]
    .map(|(name, value)| Row::new(name).get(&[("x-field", value)]))
    .to_vec()
}

fn trailers() -> Vec<Row> {
    let with = |name: &str, field, value| Row::new(name).trailers(&[("x-sum", "1"), (field, value)]).late();
    // The h2 crate hands over trailers without their pseudo-header fields: the rest goes on, and these nowhere.
    let lost = |name: &str, field, value| {
        let fields = [(field, value), ("x-sum", "1")];
        Row::new(name).trailers(&fields).good_without(&["\nab\n", "trailer x-sum: 1"], &["trailer :", "secret"])
    };
    vec![
        lost("rfc9113_8_1_path_in_trailers", ":path", "/secret"),
        lost("rfc9113_8_1_status_in_trailers", ":status", "200"),
        with("rfc9113_8_1_late_path_in_trailers", ":path", "/"),
        with("rfc9113_8_1_unknown_in_trailers", ":other", "x").closes(),
        with("rfc9113_8_2_upper_case_in_trailers", "X-Other", "x").closes(),
        with("rfc9113_8_2_1_line_break_in_trailers", "x-other", "a\r\nb").closes(),
        with("rfc9113_8_2_2_connection_in_trailers", "connection", "close"),
        with("rfc9113_8_2_2_transfer_encoding_in_trailers", "transfer-encoding", "chunked"),
        // RFC 9113 §8.1.1: a server may answer before it ends the stream.
        with("rfc9113_8_2_1_space_in_trailers", "x-other", " a").answers(&[400]),
    ]
}

#[tokio::test]
async fn rfc9113_8_5_connect() {
    let connect =
        |name: &str, fields: &[(&str, &str)]| Row::new(name).only(&[&[(":method", "CONNECT")], fields].concat());
    let to = (":authority", "localhost:443");
    let extended = [(":scheme", "https"), (":path", "/"), (":authority", "localhost")];
    play(vec![
        connect("rfc9113_8_5_connect_with_path", &[to, (":path", "/")]),
        connect("rfc9113_8_5_connect_with_scheme", &[to, (":scheme", "https")]),
        connect("rfc9113_8_5_connect_with_both", &[to, (":scheme", "https"), (":path", "/")]),
        connect("rfc9113_8_5_connect_to_nobody", &[]),
        connect("rfc9113_8_5_connect_to_host_only", &[("host", "localhost:443")]),
        connect("rfc9113_8_5_connect_without_port", &[(":authority", "localhost")]),
        connect("rfc9113_8_5_connect_to_nothing", &[(":authority", "")]),
        connect("rfc9113_8_5_connect_to_userinfo", &[(":authority", "me@localhost:443")]),
        connect("rfc9113_8_5_connect_beside_another_host", &[to, ("host", "elsewhere:443")]),
        // Nothing leads a tunnel anywhere here.
        connect("rfc9113_8_5_connect_is_not_forwarded", &[to]).answers(&[404]),
        // It was not announced in SETTINGS.
        connect("rfc8441_3_extended_connect", &[&extended[..], &[(":protocol", "websocket")]].concat()),
        connect("rfc8441_4_protocol_of_nothing", &[to, (":protocol", "")]),
        Row::new("rfc8441_4_protocol_without_connect")
            .only(&[&[(":method", "GET"), (":protocol", "websocket")], &extended[..]].concat()),
        // A client that waits for the answer has not ended its stream.
        Row::new("rfc9113_8_1_1_refused_before_its_end").write(headers(&[
            (":method", "GET"),
            (":scheme", "https"),
            (":authority", "a@localhost"),
            (":path", "/"),
        ])),
    ])
    .await;
}
