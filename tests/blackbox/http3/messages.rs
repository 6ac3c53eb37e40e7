//! RFC 9114 §4.1 and §4.2: the order of frames in a message, its content, its fields.

use super::row::{
    H3_FRAME_UNEXPECTED, H3_MESSAGE_ERROR, H3_NO_ERROR, H3_REQUEST_CANCELLED, H3_REQUEST_INCOMPLETE, Last, Row, Want,
};
use super::table::play;
use super::wire::{RESERVED, cut_frame, data, frame, headers};

#[tokio::test]
async fn rfc9114_4_1_frames_of_a_message() {
    play([order(), good(), left_early()].concat()).await;
}

fn order() -> Vec<Row> {
    let trailers = headers(&[("x-sum", "1")]);
    let unexpected =
        |name: &str, after: &[&[u8]]| Row::new(name).post_then(&[], after.concat()).closes(H3_FRAME_UNEXPECTED).late();
    vec![
        Row::new("rfc9114_4_1_data_first").whole(data("x")).closes(H3_FRAME_UNEXPECTED),
        Row::new("rfc9114_4_1_empty_data_first").whole(data("")).closes(H3_FRAME_UNEXPECTED),
        unexpected("rfc9114_4_1_data_after_trailers", &[&data("x"), &trailers, &data("y")]),
        unexpected("rfc9114_4_1_data_after_trailers_of_no_content", &[&trailers, &data("y")]),
        unexpected("rfc9114_4_1_empty_data_after_trailers", &[&data("x"), &trailers, &data("")]),
        unexpected("rfc9114_4_1_headers_after_trailers", &[&data("x"), &trailers, &trailers]),
        Row::new("rfc9114_4_1_1_no_frame").whole("").resets(H3_REQUEST_INCOMPLETE),
        Row::new("rfc9114_4_1_1_reserved_frame_only").whole(frame(RESERVED, "x")).resets(H3_REQUEST_INCOMPLETE),
    ]
}

fn good() -> Vec<Row> {
    let reserved = frame(RESERVED, "nothing");
    let get = |name: &str| Row::new(name).head("GET", &[]);
    let pieces: Vec<u8> = b"pieces".iter().flat_map(|byte| data([*byte])).collect();
    let mut byte_by_byte = Row::new("rfc9114_4_1_byte_by_byte").request("", Last::Open);
    for byte in [byte_by_byte.head("POST", &[]), data("abc")].concat() {
        byte_by_byte = byte_by_byte.more([byte], Last::Open);
    }
    vec![
        Row::new("rfc9114_4_1_get").get(&[]).good(&["GET /rfc9114_4_1_get HTTP/1.1", "host: localhost"]),
        Row::new("rfc9114_4_1_empty_data").post_then(&[], [data(""), data("ab"), data("")].concat()).good(&["\nab\n"]),
        Row::new("rfc9114_4_1_pieces").post_then(&[], pieces).good(&["\npieces\n"]),
        Row::new("rfc9114_4_1_trailers")
            .post_then(&[("trailer", "x-sum")], [data("ab"), headers(&[("x-sum", "195")])].concat())
            .good(&["\nab\n", "trailer x-sum: 195"]),
        Row::new("rfc9114_9_reserved_frame_first")
            .whole([&reserved, &get("rfc9114_9_reserved_frame_first")[..]].concat())
            .good(&[]),
        Row::new("rfc9114_9_reserved_frames_between")
            .post_then(&[], [&reserved, &data("ab"), &reserved, &data("cd"), &reserved].map(Vec::as_slice).concat())
            .good(&["\nabcd\n"]),
        Row::new("rfc9114_9_reserved_frame_last")
            .post_then(&[("trailer", "x-sum")], [data("ab"), headers(&[("x-sum", "1")]), reserved.clone()].concat())
            .good(&["trailer x-sum: 1"]),
        Row::new("rfc9114_9_empty_reserved_frame").get_then(frame(RESERVED, "")).good(&[]),
        byte_by_byte.more("", Last::Fin).good(&["\nabc\n"]),
        Row::new("rfc9110_10_1_1_expect_continue")
            .post_then(&[("expect", "100-continue"), ("content-length", "2")], data("ab"))
            .answers(&[100, 200])
            .upstream(crate::watched::Upstream::Whole),
        Row::new("rfc9114_4_2_1_cookie_crumbs")
            .get(&[("cookie", "a=1"), ("x-other", "y"), ("cookie", "b=2")])
            .good(&["cookie: a=1; b=2\n"]),
        Row::new("rfc9114_4_2_te_trailers").get(&[("te", "trailers")]).good(&[]),
    ]
}

fn left_early() -> Vec<Row> {
    let head = |name: &str| Row::new(name).head("POST", &[]);
    let cut = |name: &str| [head(name), cut_frame(0, 9, "part")].concat();
    vec![
        Row::new("rfc9114_4_1_1_reset_at_once").request("", Last::Reset(H3_REQUEST_CANCELLED)),
        Row::new("rfc9114_4_1_1_reset_within_headers")
            .request(cut_frame(1, 9, "part"), Last::Reset(H3_REQUEST_CANCELLED)),
        Row::new("rfc9114_4_1_1_reset_within_content")
            .request(cut("rfc9114_4_1_1_reset_within_content"), Last::Reset(H3_REQUEST_CANCELLED))
            .late(),
        Row::new("rfc9114_8_1_reset_with_an_unknown_code")
            .request(cut("rfc9114_8_1_reset_with_an_unknown_code"), Last::Reset(0x1234_5678))
            .late(),
        Row::new("rfc9114_4_1_1_answer_not_wanted")
            .request(head("rfc9114_4_1_1_answer_not_wanted"), Last::Open)
            .stop(H3_REQUEST_CANCELLED)
            .more("", Last::Reset(H3_REQUEST_CANCELLED))
            .late(),
        Row::new("rfc9114_8_1_stop_sending_with_an_unknown_code")
            .request(head("rfc9114_8_1_stop_sending_with_an_unknown_code"), Last::Open)
            .stop(0x1234_5678)
            .more("", Last::Reset(H3_NO_ERROR))
            .late(),
        // A server may tell at once what it refuses: it waits for no end.
        Row::new("rfc9114_4_1_2_refused_before_its_end")
            .request(headers(&[(":method", "GET")]), Last::Open)
            .want(Want::ResetAndStopped(H3_MESSAGE_ERROR)),
    ]
}

#[tokio::test]
async fn rfc9114_4_1_2_content_length() {
    let post = |name: &str, lengths: &[&str], content: Vec<u8>| {
        let fields: Vec<_> = lengths.iter().map(|length| ("content-length", *length)).collect();
        Row::new(name).post_then(&fields, content)
    };
    let bad = |name: &str, lengths: &[&str], content: Vec<u8>| post(name, lengths, content).malformed();
    // RFC 9114 §4.1.2: what shows after the head may be answered before the stream ends.
    let late = |name: &str, lengths: &[&str], content: Vec<u8>| post(name, lengths, content).answers(&[400]).late();
    play(vec![
        post("rfc9114_4_1_2_content_length", &["2"], data("ab")).good(&["content-length: 2", "\nab\n"]),
        post("rfc9114_4_1_2_content_length_of_nothing", &["0"], data("")).good(&["content-length: 0"]),
        late("rfc9114_4_1_2_content_length_above_content", &["3"], data("ab")),
        bad("rfc9114_4_1_2_content_length_and_no_content", &["3"], Vec::new()),
        bad("rfc9114_4_1_2_content_length_below_content", &["3"], data("abcd")),
        bad("rfc9114_4_1_2_content_length_below_parts", &["3"], [data("abc"), data("d")].concat()),
        bad("rfc9114_4_1_2_content_length_of_nothing_and_content", &["0"], data("a")),
        late("rfc9114_4_1_2_content_length_and_trailers", &["3"], [data("ab"), headers(&[("x-a", "b")])].concat()),
        bad("rfc9110_8_6_content_lengths_differ", &["2", "3"], data("ab")),
        bad("rfc9110_8_6_content_length_list", &["2, 2"], data("ab")),
        bad("rfc9110_8_6_content_length_signed", &["+2"], data("ab")),
        bad("rfc9110_8_6_content_length_negative", &["-2"], data("ab")),
        bad("rfc9110_8_6_content_length_empty", &[""], data("ab")),
        bad("rfc9110_8_6_content_length_hexadecimal", &["0x2"], data("ab")),
        bad("rfc9110_8_6_content_length_above_64_bits", &["18446744073709551618"], data("ab")),
    ])
    .await;
}

#[tokio::test]
async fn rfc9114_4_1_2_what_follows_announced_content() {
    // What comes meanwhile shows that the gateway has looked at the first part alone.
    let post = |name: &str, length: &str, content: &[u8]| {
        let row = Row::new(name);
        let head = row.head("POST", &[("content-length", length), ("trailer", "x-sum")]);
        row.request([&head, content].concat(), Last::Open).meanwhile()
    };
    let trailers = headers(&[("x-sum", "195")]);
    play(vec![
        post("rfc9114_4_1_2_content_later_than_a_length_of_nothing", "0", b"").more(data("x"), Last::Fin).malformed(),
        post("rfc9114_4_1_2_empty_content_later_than_a_length_of_nothing", "0", b"")
            .more(data(""), Last::Fin)
            .good(&["content-length: 0"]),
        post("rfc9114_4_1_2_end_later_than_a_length_of_nothing", "0", b"")
            .more("", Last::Fin)
            .good(&["content-length: 0"]),
        post("rfc9114_4_1_2_content_later_than_all_of_it", "2", &data("ab"))
            .more(data("c"), Last::Fin)
            .answers(&[400])
            .late(),
        post("rfc9114_4_1_2_end_later_than_all_content", "2", &data("ab")).more("", Last::Fin).good(&["\nab\n"]),
        post("rfc9114_4_1_2_trailers_later_than_all_content", "2", &data("ab"))
            .more(&trailers, Last::Fin)
            .good(&["\nab\n"]),
        post("rfc9114_4_1_end_later_than_trailers", "2", &[data("ab"), trailers.clone()].concat())
            .more("", Last::Fin)
            .good(&["\nab\n"]),
        post("rfc9114_4_1_2_reset_later_than_all_content", "2", &data("ab"))
            .more("", Last::Reset(H3_REQUEST_CANCELLED))
            .late(),
    ])
    .await;
}

#[tokio::test]
async fn rfc9114_4_2_fields() {
    play([names(), values(), trailers()].concat()).await;
}

fn names() -> Vec<Row> {
    [
        ("rfc9114_4_2_upper_case", "X-Upper", "x"),
        ("rfc9114_4_2_one_upper_case_letter", "x-uppeR", "x"),
        ("rfc9114_4_2_empty_name", "", "x"),
        ("rfc9114_10_3_space_in_name", "x y", "x"),
        ("rfc9114_10_3_colon_in_name", "x:y", "x"),
        ("rfc9114_10_3_line_break_in_name", "x\r\ny", "x"),
        ("rfc9114_10_3_nul_in_name", "x\0y", "x"),
        ("rfc9114_10_3_name_beyond_ascii", "x\u{e9}y", "x"),
        ("rfc9110_5_6_2_quotation_mark_in_name", "x\"y", "x"),
        ("rfc9114_4_2_connection", "connection", "close"),
        ("rfc9114_4_2_keep_alive", "keep-alive", "timeout=5"),
        ("rfc9114_4_2_proxy_connection", "proxy-connection", "close"),
        ("rfc9114_4_2_transfer_encoding", "transfer-encoding", "chunked"),
        ("rfc9114_4_2_upgrade", "upgrade", "websocket"),
        ("rfc9114_4_2_te", "te", "gzip"),
        ("rfc9114_4_2_te_and_more", "te", "trailers, gzip"),
    ]
    .map(|(name, field, value)| Row::new(name).get(&[(field, value)]).malformed())
    .to_vec()
}

fn values() -> Vec<Row> {
    [
        ("rfc9114_10_3_cr_in_value", "a\rb"),
        ("rfc9114_10_3_lf_in_value", "a\nb"),
        ("rfc9114_10_3_request_in_value", "a\r\n\r\nGET /smuggled HTTP/1.1\r\nhost: a\r\n\r\n"),
        ("rfc9114_10_3_nul_in_value", "a\0b"),
        ("rfc9114_10_3_control_character_in_value", "a\x01b"),
        ("rfc9114_10_3_delete_in_value", "a\x7fb"),
        ("rfc9113_8_2_1_space_before_value", " a"),
        ("rfc9113_8_2_1_space_after_value", "a "),
        ("rfc9113_8_2_1_tab_after_value", "a\t"),
    ]
    .map(|(name, value)| Row::new(name).get(&[("x-field", value)]).malformed())
    .to_vec()
}

fn trailers() -> Vec<Row> {
    [
        ("rfc9114_4_3_path_in_trailers", ":path", "/"),
        ("rfc9114_4_3_status_in_trailers", ":status", "200"),
        ("rfc9114_4_3_unknown_in_trailers", ":other", "x"),
        ("rfc9114_4_2_upper_case_in_trailers", "X-Sum", "x"),
        ("rfc9114_4_2_connection_in_trailers", "connection", "close"),
        ("rfc9114_4_2_transfer_encoding_in_trailers", "transfer-encoding", "chunked"),
        ("rfc9114_10_3_line_break_in_trailers", "x-sum", "a\r\nb"),
    ]
    .map(|(name, field, value)| {
        // RFC 9114 §4.1.2: a server may answer before it ends the stream.
        Row::new(name).post_then(&[], [data("ab"), headers(&[(field, value)])].concat()).answers(&[400]).late()
    })
    .to_vec()
}
