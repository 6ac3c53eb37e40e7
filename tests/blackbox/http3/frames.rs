//! RFC 9114 §7: each frame where it must not be, and frames that are cut short or too long.

use super::row::{H3_EXCESSIVE_LOAD, H3_FRAME_ERROR, H3_FRAME_UNEXPECTED, H3_ID_ERROR, H3_MISSING_SETTINGS, Last, Row};
use super::table::play;
use super::wire::{
    CANCEL_PUSH, CONTROL, DATA, GOAWAY, HEADERS, MAX_PUSH_ID, PUSH_PROMISE, RESERVED, SETTINGS, cut_frame, data, frame,
    settings, varint,
};

#[tokio::test]
async fn rfc9114_7_2_frames_in_wrong_places() {
    play([on_control(), on_request()].concat()).await;
}

fn on_control() -> Vec<Row> {
    let mut rows = Vec::new();
    for (name, kind) in [
        ("7_2_1_data", DATA),
        ("7_2_2_headers", HEADERS),
        ("7_2_5_push_promise", PUSH_PROMISE),
        ("7_2_8_http2_priority", 0x2),
        ("7_2_8_http2_ping", 0x6),
        ("7_2_8_http2_window_update", 0x8),
        ("7_2_8_http2_continuation", 0x9),
    ] {
        let name = format!("rfc9114_{name}_on_the_control_stream");
        rows.push(Row::new(&name).more_control(frame(kind, "x")).closes(H3_FRAME_UNEXPECTED));
        let first = Row::bare(&format!("{name}_first")).control(frame(kind, "x"));
        rows.push(first.closes(H3_MISSING_SETTINGS));
    }
    rows.extend([
        Row::bare("rfc9114_6_2_1_reserved_frame_before_settings")
            .control(frame(RESERVED, "x"))
            .closes(H3_MISSING_SETTINGS),
        Row::new("rfc9114_7_2_8_reserved_frame_on_the_control_stream").more_control(frame(RESERVED, [7; 5000])),
    ]);
    rows
}

fn on_request() -> Vec<Row> {
    let mut rows = Vec::new();
    for (name, kind, payload) in [
        ("7_2_3_cancel_push", CANCEL_PUSH, &[0][..]),
        ("7_2_4_settings", SETTINGS, &[]),
        ("7_2_5_push_promise", PUSH_PROMISE, &[0, 0, 0]),
        ("7_2_7_max_push_id", MAX_PUSH_ID, &[0]),
        ("7_2_8_http2_priority", 0x2, &[]),
        ("7_2_8_http2_ping", 0x6, &[]),
        ("7_2_8_http2_window_update", 0x8, &[]),
        ("7_2_8_http2_continuation", 0x9, &[]),
    ] {
        let name = format!("rfc9114_{name}_on_a_request_stream");
        let within = Row::new(&format!("{name}_within"));
        rows.extend([
            Row::new(&name).whole(frame(kind, payload)).closes(H3_FRAME_UNEXPECTED),
            within.post_then(&[], [data("ab"), frame(kind, payload)].concat()).closes(H3_FRAME_UNEXPECTED).late(),
        ]);
    }
    rows
}

#[tokio::test]
async fn rfc9114_7_1_lengths() {
    play([cut_short(), integers(), pushes()].concat()).await;
}

fn cut_short() -> Vec<Row> {
    let cut = |name: &str, bytes: &[u8]| Row::new(name).whole(bytes).closes(H3_FRAME_ERROR);
    let late = |name: &str, bytes: &[u8]| Row::new(name).post_then(&[], bytes).closes(H3_FRAME_ERROR).late();
    let whole = Row::new("rfc9114_7_1_headers_one_byte_short").head("GET", &[]);
    let short = whole.split_last().map(|(_, short)| short).unwrap_or_default();
    vec![
        cut("rfc9114_7_1_type_alone", &[0x1]),
        cut("rfc9114_7_1_type_cut_short", &[0x40]),
        cut("rfc9114_7_1_length_cut_short", &[0x1, 0x40]),
        cut("rfc9114_7_1_headers_without_payload", &cut_frame(HEADERS, 10, "")),
        cut("rfc9114_7_1_headers_one_byte_short", short),
        cut("rfc9114_7_1_reserved_frame_cut_short", &cut_frame(RESERVED, 10, "x")),
        cut("rfc9114_7_1_reserved_frame_announced_as_huge", &cut_frame(RESERVED, (1 << 62) - 1, "x")),
        late("rfc9114_7_1_data_cut_short", &cut_frame(DATA, 10, "part")),
        late("rfc9114_7_1_data_without_payload", &cut_frame(DATA, 10, "")),
        late("rfc9114_7_1_data_announced_as_huge", &cut_frame(DATA, (1 << 62) - 1, "part")),
        late("rfc9114_7_1_second_data_cut_short", &[data("ab"), cut_frame(DATA, 2, "c")].concat()),
        late("rfc9114_7_1_trailers_cut_short", &[data("ab"), cut_frame(HEADERS, 9, [0, 0])].concat()),
        late("rfc9114_7_1_type_alone_after_content", &[data("ab"), vec![0]].concat()),
    ]
}

fn integers() -> Vec<Row> {
    let mut rows = Vec::new();
    for (name, kind) in [("goaway", GOAWAY), ("max_push_id", MAX_PUSH_ID), ("cancel_push", CANCEL_PUSH)] {
        let row = |what: &str, bytes: Vec<u8>| Row::new(&format!("rfc9114_7_1_{name}_{what}")).more_control(bytes);
        rows.extend([
            row("empty", frame(kind, "")).closes(H3_FRAME_ERROR),
            row("cut_short", frame(kind, [0x40])).closes(H3_FRAME_ERROR),
            row("with_more_behind", frame(kind, [0, 0])).closes(H3_FRAME_ERROR),
            row("announced_as_huge", cut_frame(kind, 1 << 40, "")).closes(H3_FRAME_ERROR),
        ]);
    }
    rows.extend([
        Row::bare("rfc9114_7_1_settings_announced_as_huge")
            .uni([CONTROL, &cut_frame(SETTINGS, 1 << 40, "")].concat(), Last::Open)
            .closes(H3_EXCESSIVE_LOAD),
        Row::bare("rfc9114_7_1_length_longer_than_needed").control([0x4, 0xc0, 0, 0, 0, 0, 0, 0, 0]),
        Row::new("rfc9114_7_1_reserved_frame_on_control_never_ends").more_control(cut_frame(
            RESERVED,
            (1 << 62) - 1,
            vec![0; 100_000],
        )),
        Row::bare("rfc9114_7_1_frames_of_control_in_one")
            .control([settings(&[]), frame(RESERVED, "x"), frame(GOAWAY, varint(0)), frame(GOAWAY, varint(1))].concat())
            .closes(H3_ID_ERROR),
    ]);
    rows
}

fn pushes() -> Vec<Row> {
    let max = |id| frame(MAX_PUSH_ID, varint(id));
    let cancel = |id| frame(CANCEL_PUSH, varint(id));
    let row = |name: &str, frames: &[Vec<u8>]| Row::new(name).more_control(frames.concat());
    vec![
        row("rfc9114_7_2_7_max_push_id_shrinks", &[max(5), max(4)]).closes(H3_ID_ERROR),
        row("rfc9114_7_2_7_max_push_id_grows", &[max(0), max(5), max(5), max((1 << 62) - 1)]),
        row("rfc9114_7_2_3_cancel_push_without_max_push_id", &[cancel(0)]).closes(H3_ID_ERROR),
        row("rfc9114_7_2_3_cancel_push_above_max_push_id", &[max(5), cancel(6)]).closes(H3_ID_ERROR),
        row("rfc9114_7_2_3_cancel_push_of_no_promise", &[max(5), cancel(5)]).closes(H3_ID_ERROR),
    ]
}
