//! Control streams, pushes, and streams that a server does not open (RFC 9114 §6 and §7).

use super::row::{Answer, Row, Step, Want};
use super::table::play;
use crate::http3::row::{
    H3_CLOSED_CRITICAL_STREAM, H3_FRAME_ERROR, H3_FRAME_UNEXPECTED, H3_ID_ERROR, H3_MISSING_SETTINGS,
    H3_SETTINGS_ERROR, H3_STREAM_CREATION_ERROR, Last,
};
use crate::http3::wire::{
    CANCEL_PUSH, CONTROL, DECODER, ENCODER, GOAWAY, MAX_PUSH_ID, PRIORITY_UPDATE, PUSH, PUSH_PROMISE, RESERVED, data,
    frame, headers, settings, varint,
};

#[tokio::test]
async fn rfc9114_6_2_1_there_is_one_control_stream_and_it_lasts() {
    play(vec![
        Row::bare("no-settings").control(frame(GOAWAY, [0])).closes(H3_MISSING_SETTINGS),
        Row::bare("reserved-before-settings").control(frame(RESERVED, "x")).closes(H3_MISSING_SETTINGS),
        Row::bare("control-ends").uni([CONTROL, &settings(&[])].concat(), Last::Fin).closes(H3_CLOSED_CRITICAL_STREAM),
        Row::new("two-control-streams").control(settings(&[])).closes(H3_STREAM_CREATION_ERROR),
        Row::new("our-control-is-stopped").step(Step::StopControl(0x100)).closes(H3_CLOSED_CRITICAL_STREAM),
        Row::bare("no-control-at-all").answers(),
        Row::new("reserved-on-control").more_control(frame(RESERVED, "anything")).answers(),
    ])
    .await;
}

#[tokio::test]
async fn rfc9114_7_2_4_settings_come_once_and_are_settings() {
    play(vec![
        Row::new("settings-twice").more_control(settings(&[])).closes(H3_FRAME_UNEXPECTED),
        Row::bare("a-setting-twice").control(settings(&[(0x21, 1), (0x21, 2)])).closes(H3_SETTINGS_ERROR),
        Row::bare("a-setting-of-http2").control(settings(&[(0x3, 100)])).closes(H3_SETTINGS_ERROR),
        Row::bare("a-setting-cut-short").control(frame(0x4, [0x21])).closes(H3_FRAME_ERROR),
        Row::bare("connect-protocol-is-2").control(settings(&[(0x8, 2)])).closes(H3_SETTINGS_ERROR),
        Row::bare("unknown-settings").control(settings(&[(0x1f * 3 + 0x21, 7), (0xffff, 9)])).answers(),
        Row::bare("a-table-for-us").control(settings(&[(0x1, 4096), (0x7, 16)])).answers(),
    ])
    .await;
}

#[tokio::test]
async fn rfc9114_7_2_frames_that_no_server_sends_on_a_control_stream() {
    let on_control = |name: &str, kind| Row::new(name).more_control(frame(kind, [0])).closes(H3_FRAME_UNEXPECTED);
    play(vec![
        on_control("data-on-control", 0x0),
        on_control("headers-on-control", 0x1),
        on_control("push-promise-on-control", PUSH_PROMISE),
        on_control("max-push-id", MAX_PUSH_ID),
        on_control("priority-update", PRIORITY_UPDATE),
        on_control("http2-priority", 0x2),
        on_control("http2-ping", 0x6),
        on_control("http2-window-update", 0x8),
        on_control("http2-continuation", 0x9),
        Row::new("cancel-push").more_control(frame(CANCEL_PUSH, [0])).closes(H3_ID_ERROR),
    ])
    .await;
}

#[tokio::test]
async fn rfc9114_5_2_goaway_names_a_request_and_never_grows() {
    play(vec![
        Row::new("goaway-of-another-kind").more_control(frame(GOAWAY, [1])).closes(H3_ID_ERROR),
        Row::new("goaway-grows").more_control([frame(GOAWAY, [4]), frame(GOAWAY, [8])].concat()).closes(H3_ID_ERROR),
        Row::new("goaway-cut-short").more_control(frame(GOAWAY, [])).closes(H3_FRAME_ERROR),
        Row::new("goaway-and-more").more_control(frame(GOAWAY, [4, 0])).closes(H3_FRAME_ERROR),
    ])
    .await;
}

#[tokio::test]
async fn rfc9114_4_6_nothing_is_pushed_that_was_not_allowed() {
    let promise = frame(PUSH_PROMISE, [&varint(0)[..], &[0, 0]].concat());
    play(vec![
        Row::new("push-stream").uni([PUSH, &varint(0)].concat(), Last::Open).closes(H3_ID_ERROR),
        Row::new("push-promise").begins(&promise).closes(H3_ID_ERROR),
        Row::new("push-promise-after-the-head")
            .begins([headers(&[(":status", "200")]), promise].concat())
            .want(Want::Closed(H3_ID_ERROR))
            .client(Answer::Cut),
    ])
    .await;
}

#[tokio::test]
async fn rfc9114_6_streams_that_a_server_may_open_and_those_that_it_may_not() {
    play(vec![
        Row::new("bidirectional").step(Step::Bi(headers(&[(":status", "200")]))).closes(H3_STREAM_CREATION_ERROR),
        Row::new("unknown-type")
            .uni([&varint(RESERVED)[..], b"anything"].concat(), Last::Open)
            .want(Want::UniStopped(1, H3_STREAM_CREATION_ERROR))
            .answers(),
        Row::new("no-type").uni([], Last::Fin).answers(),
        Row::new("half-a-type").uni([0x40], Last::Fin).answers(),
        Row::new("both-qpack-streams").uni(ENCODER, Last::Open).uni(DECODER, Last::Open).answers(),
        Row::new("data-after-the-end").whole([headers(&[(":status", "200")]), data("x")].concat()).good("x"),
    ])
    .await;
}
