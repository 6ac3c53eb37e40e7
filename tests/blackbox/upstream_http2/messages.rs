//! Responses that are malformed (RFC 9113 §8.1.1 to §8.3), and what breaks the framing.

use super::row::{CANCEL, FRAME_SIZE, NO_ERROR, PROTOCOL, REFUSED_STREAM, Row, Want};
use super::table::play;
use crate::http2::wire::{DATA, END_STREAM, HEADERS, PING, SETTINGS, data, frame, frame_on, headers, last_headers};
use crate::upstream_http3::row::{Answer, PROTOCOL_ERROR};

/// A head with these fields and no end of the stream.
fn head(name: &str, fields: &[(&str, &str)]) -> Row {
    Row::new(name).head(fields)
}

/// 200 with these fields, and no end of the stream.
fn ok_with(name: &str, fields: &[(&str, &str)]) -> Row {
    head(name, &[&[(":status", "200")], fields].concat())
}

#[tokio::test]
async fn rfc9113_8_3_2_a_response_has_one_status_and_no_other_pseudo_field() {
    play(vec![
        head("no-fields", &[]).malformed(),
        head("no-status", &[("x-one", "1")]).malformed(),
        head("two-statuses", &[(":status", "200"), (":status", "200")]).malformed(),
        head("status-after-a-field", &[("x-one", "1"), (":status", "200")]).malformed(),
        head("status-of-two-digits", &[(":status", "20")]).breaks(),
        head("status-of-letters", &[(":status", "abc")]).breaks(),
        head("empty-status", &[(":status", "")]).breaks(),
        // RFC 9113 §8.6
        head("switching-protocols", &[(":status", "101")]).malformed(),
        ok_with("unknown-pseudo", &[(":unknown", "1")]).breaks(),
    ])
    .await;
}

#[tokio::test]
async fn rfc9113_8_2_fields_are_lower_case_and_not_about_a_connection() {
    play(vec![
        ok_with("connection", &[("connection", "close")]).malformed(),
        ok_with("keep-alive", &[("keep-alive", "timeout=5")]).malformed(),
        ok_with("proxy-connection", &[("proxy-connection", "close")]).malformed(),
        ok_with("transfer-encoding", &[("transfer-encoding", "chunked")]).malformed(),
        ok_with("upgrade", &[("upgrade", "websocket")]).malformed(),
        ok_with("space-first", &[("x-one", " 1")]).malformed(),
        ok_with("tab-last", &[("x-one", "1\t")]).malformed(),
        ok_with("upper-case", &[("X-One", "1")]).breaks(),
        ok_with("lf", &[("x-one", "1\nset-cookie: a=b")]).breaks(),
        ok_with("nul", &[("x-one", "1\u{0}2")]).breaks(),
        Row::new("connection-in-trailers")
            .head(&[(":status", "200")])
            .write(last_headers(&[("connection", "close")]))
            .want(Want::Nothing)
            .client(Answer::Cut),
        // The h2 crate does not hand it over.
        Row::new("pseudo-in-trailers").head(&[(":status", "200")]).answer(&[(":status", "200")]),
    ])
    .await;
}

#[tokio::test]
async fn rfc9113_8_1_1_content_is_as_long_as_was_said() {
    let ok = |name: &str, length: &str| ok_with(name, &[("content-length", length)]);
    play(vec![
        ok("longer", "3").write(data("four")).cut(),
        ok("shorter", "9").content("four").client(Answer::Cut).want(Want::Reset(PROTOCOL)),
        ok("as-long", "4").content("four").good("four"),
        ok("no-number", "four").malformed(),
        ok("a-negative-number", "-1").malformed(),
        ok_with("two-lengths", &[("content-length", "1"), ("content-length", "2")]).malformed(),
        ok_with("the-same-length-twice", &[("content-length", "4"), ("content-length", "4")])
            .content("four")
            .good("four"),
        // RFC 9110 §6.4.1: these have no content.
        ok("length-of-head", "4").method("HEAD").content(""),
        head("content-of-204", &[(":status", "204")]).write(data("x")).malformed(),
        // In a DATA frame of its own the end is too late for the h2 crate.
        Row::new("length-of-304").answer(&[(":status", "304"), ("content-length", "4")]).client(Answer::Local(
            304,
            "-",
            "via_upstream",
        )),
    ])
    .await;
}

#[tokio::test]
async fn interim_heads_come_before_the_final_one_and_end_here() {
    let hints = [(":status", "103"), ("link", "</a>")];
    let mut many = Row::new("many");
    for _ in 0..65 {
        many = many.head(&hints);
    }
    play(vec![
        head("hints", &hints).head(&[(":status", "100")]).head(&[(":status", "200")]).content("x").good("x"),
        // The stream has ended: nothing is left to be reset.
        Row::new("interim-ends-the-stream").answer(&hints).client(PROTOCOL_ERROR),
        many.want(Want::Reset(CANCEL)).client(PROTOCOL_ERROR),
        head("connection-in-an-interim-head", &[(":status", "103"), ("connection", "close")]).malformed(),
    ])
    .await;
}

#[tokio::test]
async fn a_head_has_a_size_and_a_number_of_fields() {
    let long = "x".repeat(16_000);
    let fields: Vec<(String, &str)> = (0..9).map(|number| (format!("x-{number}"), long.as_str())).collect();
    let many: Vec<(String, &str)> = (0..100).map(|number| (format!("x-{number}"), "1")).collect();
    let ok = |fields: &[(String, &str)]| -> Vec<(String, String)> {
        let fields = fields.iter().map(|(name, value)| (name.clone(), (*value).to_owned()));
        [(":status".to_owned(), "200".to_owned())].into_iter().chain(fields).collect()
    };
    let borrowed = |fields: &[(String, String)]| -> Vec<u8> {
        let fields: Vec<(&str, &str)> = fields.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
        headers(&fields)
    };
    play(vec![
        // Nine times 16 kB are more than 128 KiB.
        Row::new("large").write(borrowed(&ok(&fields))).want(Want::Reset(PROTOCOL)).client(PROTOCOL_ERROR),
        Row::new("not-too-large").write(borrowed(&ok(&fields[..7]))).content(""),
        Row::new("many").write(borrowed(&ok(&many))).want(Want::Reset(CANCEL)).client(PROTOCOL_ERROR),
        Row::new("not-too-many").write(borrowed(&ok(&many[..99]))).content(""),
    ])
    .await;
}

#[tokio::test]
async fn rfc9113_8_1_a_response_that_breaks_off_is_none() {
    let reset = |name: &str, code, details| Row::new(name).resets(code).client(Answer::Local(503, "UR", details));
    play(vec![
        // Nothing was done for it: another connection may take it, unless it has content.
        Row::new("refused").resets(REFUSED_STREAM).want(Want::Left),
        reset("refused-content", REFUSED_STREAM, "upstream_reset_before_response_started{remote_refused_stream_reset")
            .method("POST"),
        // What was answered is not asked again.
        Row::new("refused-after-its-head")
            .head(&[(":status", "200"), ("content-length", "0")])
            .resets(REFUSED_STREAM)
            .client(Answer::Local(503, "UR", "upstream_reset_before_response_started{remote_reset")),
        reset("internal-error", 0x2, "upstream_reset_before_response_started{remote_reset"),
        reset("cancelled", CANCEL, "upstream_reset_before_response_started{remote_reset"),
        reset("no-error", NO_ERROR, "upstream_reset_before_response_started{remote_reset"),
        Row::new("reset-in-the-middle").head(&[(":status", "200")]).write(data("part")).resets(0x2).client(Answer::Cut),
        Row::new("no-error-in-the-middle")
            .head(&[(":status", "200")])
            .write(data("part"))
            .resets(NO_ERROR)
            .client(Answer::Cut),
        Row::new("closed-before-the-head").closing().want(Want::Left).client(Answer::Local(
            503,
            "UC",
            "upstream_reset_before_response_started{connection_termination",
        )),
        Row::new("closed-in-the-middle")
            .head(&[(":status", "200")])
            .write(data("part"))
            .closing()
            .want(Want::Left)
            .client(Answer::Cut),
    ])
    .await;
}

#[tokio::test]
async fn rfc9113_8_1_a_response_may_come_before_the_request_is_whole() {
    play(vec![
        Row::new("answered-and-stopped")
            .method("POST")
            .head(&[(":status", "200")])
            .content("early")
            .resets(NO_ERROR)
            .good("early"),
        Row::new("answered").method("POST").head(&[(":status", "200")]).content("early").good("early"),
    ])
    .await;
}

#[tokio::test]
async fn rfc9113_5_4_1_broken_frames_end_the_connection() {
    let closes = |name: &str, frames: Vec<u8>, code| {
        Row::new(name).write(frames).want(Want::Closed(code)).client(PROTOCOL_ERROR)
    };
    play(vec![
        closes("data-before-the-head", data("x"), PROTOCOL),
        closes("data-on-stream-0", frame_on(0, DATA, END_STREAM, "x"), PROTOCOL),
        closes("headers-on-stream-0", frame_on(0, HEADERS, END_STREAM, []), PROTOCOL),
        // RFC 9113 §6.5, §6.7 name FRAME_SIZE_ERROR; the h2 crate says the more general word.
        closes("a-short-ping", frame_on(0, PING, 0, [0; 7]), PROTOCOL),
        closes("settings-cut-short", frame_on(0, SETTINGS, 0, [0; 5]), PROTOCOL),
        closes("a-push", frame(5, 0x4, [0, 0, 0, 2]), PROTOCOL),
        closes("no-http2", b"HTTP/1.1 400 Bad Request\r\n\r\n".to_vec(), FRAME_SIZE),
    ])
    .await;
}
