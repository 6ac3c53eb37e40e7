//! The stream of a response, frame by frame (RFC 9114 §4.1 and §7).

use super::row::{Answer, PROTOCOL_ERROR, Row, Step, Want};
use super::table::play;
use crate::http3::row::{
    H3_FRAME_ERROR, H3_FRAME_UNEXPECTED, H3_MESSAGE_ERROR, H3_NO_ERROR, H3_REQUEST_CANCELLED, Last,
};
use crate::http3::wire::{
    CANCEL_PUSH, GOAWAY, HEADERS, MAX_PUSH_ID, PRIORITY_UPDATE, RESERVED, cut_frame, data, frame, headers, settings,
};

fn ok() -> Vec<u8> {
    headers(&[(":status", "200")])
}

#[tokio::test]
async fn rfc9114_4_1_a_response_is_a_head_content_and_perhaps_trailers() {
    let trailers = headers(&[("x-sum", "6")]);
    let late = |row: Row| row.want(Want::Closed(H3_FRAME_UNEXPECTED)).client(Answer::Cut);
    play(vec![
        Row::new("data-first").begins(data("x")).closes(H3_FRAME_UNEXPECTED),
        Row::new("data-after-an-interim-head")
            .begins([headers(&[(":status", "103")]), data("x")].concat())
            .closes(H3_FRAME_UNEXPECTED),
        late(Row::new("data-after-trailers").begins([ok(), data("x"), trailers.clone(), data("y")].concat())),
        late(Row::new("headers-after-trailers").begins([ok(), trailers.clone(), trailers.clone()].concat())),
        Row::new("trailers").whole([ok(), data("abc"), trailers].concat()).good("abc"),
        Row::new("empty-data").whole([ok(), data(""), data("abc"), data("")].concat()).good("abc"),
        Row::new("unknown-frames")
            .whole([frame(RESERVED, "1"), ok(), frame(RESERVED, "2"), data("abc"), frame(0xdead, "3")].concat())
            .good("abc"),
        Row::new("in-single-bytes-of-data").whole([ok(), data("a"), data("b"), data("c")].concat()).good("abc"),
    ])
    .await;
}

#[tokio::test]
async fn rfc9114_7_2_frames_that_stand_on_no_request_stream() {
    let on_request = |name: &str, bytes: Vec<u8>| Row::new(name).begins(bytes).closes(H3_FRAME_UNEXPECTED);
    play(vec![
        on_request("settings-on-a-request", settings(&[])),
        on_request("goaway-on-a-request", frame(GOAWAY, [0])),
        on_request("cancel-push-on-a-request", frame(CANCEL_PUSH, [0])),
        on_request("max-push-id-on-a-request", frame(MAX_PUSH_ID, [0])),
        on_request("priority-update-on-a-request", frame(PRIORITY_UPDATE, [0])),
        on_request("http2-priority-on-a-request", frame(0x2, [0])),
        on_request("http2-ping-on-a-request", frame(0x6, [0])),
        on_request("http2-window-update-on-a-request", frame(0x8, [0])),
        on_request("http2-continuation-on-a-request", frame(0x9, [0])),
    ])
    .await;
}

#[tokio::test]
async fn rfc9114_7_1_a_frame_cut_short_is_no_clean_end() {
    play(vec![
        Row::new("headers-cut").whole(cut_frame(HEADERS, 9, [0, 0])).closes(H3_FRAME_ERROR),
        Row::new("a-type-alone").whole([0x1]).closes(H3_FRAME_ERROR),
        Row::new("data-cut")
            .whole([ok(), cut_frame(0x0, 9, "part")].concat())
            .want(Want::Closed(H3_FRAME_ERROR))
            .client(Answer::Cut),
        Row::new("an-unknown-frame-cut")
            .whole([ok(), cut_frame(RESERVED, 9, "part")].concat())
            .want(Want::Closed(H3_FRAME_ERROR))
            .client(Answer::Cut),
    ])
    .await;
}

#[tokio::test]
async fn rfc9114_4_1_1_a_response_that_breaks_off_is_none() {
    let reset = |name: &str, code, details| {
        Row::new(name).step(Step::Answer(Vec::new(), Last::Reset(code))).client(Answer::Local(503, "UR", details))
    };
    play(vec![
        Row::new("nothing").whole([]).client(PROTOCOL_ERROR),
        Row::new("only-an-interim-head").whole(headers(&[(":status", "103")])).client(PROTOCOL_ERROR),
        // Nothing was done for it: another connection may take it, unless it has content.
        Row::new("rejected").step(Step::Answer(Vec::new(), Last::Reset(0x10b))).want(Want::Left),
        reset("rejected-content", 0x10b, "upstream_reset_before_response_started{remote_refused_stream_reset")
            .method("POST"),
        reset("internal-error", 0x102, "upstream_reset_before_response_started{remote_reset"),
        reset("cancelled", H3_REQUEST_CANCELLED, "upstream_reset_before_response_started{remote_reset"),
        Row::new("reset-in-the-middle")
            .begins([ok(), data("part")].concat())
            .step(Step::Answer(Vec::new(), Last::Reset(0x102)))
            .client(Answer::Cut),
        Row::new("closed-before-the-head").step(Step::Close(H3_NO_ERROR)).want(Want::Left).client(Answer::Local(
            503,
            "UC",
            "upstream_reset_before_response_started{connection_termination",
        )),
        Row::new("closed-in-the-middle")
            .begins([ok(), data("part")].concat())
            .step(Step::Close(0x102))
            .want(Want::Left)
            .client(Answer::Cut),
    ])
    .await;
}

#[tokio::test]
async fn rfc9114_4_1_a_response_may_come_before_the_request_is_whole() {
    play(vec![
        Row::new("stopped-and-answered")
            .method("POST")
            .step(Step::StopRequest(H3_NO_ERROR))
            .whole([ok(), data("early")].concat())
            .good("early"),
        Row::new("answered-and-stopped").method("POST").whole(ok()).step(Step::StopRequest(H3_NO_ERROR)),
    ])
    .await;
}

#[tokio::test]
async fn rfc9114_4_2_2_a_head_over_its_limit_is_not_kept() {
    let many: Vec<(String, &str)> = (0..200).map(|number| (format!("x-{number}"), "1")).collect();
    let mut fields = vec![(":status", "200")];
    fields.extend(many.iter().map(|(name, value)| (name.as_str(), *value)));
    let long = "x".repeat(200 << 10);
    let refused = |row: Row| row.want(Want::Stopped(H3_REQUEST_CANCELLED)).client(PROTOCOL_ERROR);
    play(vec![
        refused(Row::new("too-many-fields").begins(headers(&fields))),
        refused(Row::new("too-large-a-frame").begins(cut_frame(HEADERS, 1 << 40, "x"))),
        refused(Row::new("too-large-a-field").begins(headers(&[(":status", "200"), ("x-long", &long)]))),
        Row::new("too-many-interim-heads")
            .begins(headers(&[(":status", "103")]).repeat(100))
            .want(Want::Stopped(H3_REQUEST_CANCELLED))
            .client(PROTOCOL_ERROR),
        Row::new("some-interim-heads").whole([headers(&[(":status", "103")]).repeat(9), ok()].concat()),
        Row::new("trailers-that-are-malformed")
            .begins([ok(), data("x"), headers(&[(":status", "200")])].concat())
            .want(Want::Stopped(H3_MESSAGE_ERROR))
            .client(Answer::Cut),
    ])
    .await;
}
