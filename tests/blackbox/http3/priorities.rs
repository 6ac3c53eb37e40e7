//! RFC 9218: priorities.

use super::row::{H3_EXCESSIVE_LOAD, H3_FRAME_ERROR, H3_FRAME_UNEXPECTED, H3_ID_ERROR, H3_MISSING_SETTINGS, Row};
use super::table::play;
use super::wire::{MAX_PUSH_ID, PRIORITY_UPDATE, PRIORITY_UPDATE_PUSH, cut_frame, frame, varint};

fn update(kind: u64, id: u64, value: &str) -> Vec<u8> {
    frame(kind, [&varint(id), value.as_bytes()].concat())
}

#[tokio::test]
async fn rfc9218_priorities() {
    play([wrong(), good()].concat()).await;
}

fn wrong() -> Vec<Row> {
    let says = |name: &str, frames: Vec<u8>| Row::new(name).more_control(frames);
    let push = |id| update(PRIORITY_UPDATE_PUSH, id, "u=1");
    let max_push = |id| frame(MAX_PUSH_ID, varint(id));
    let mut rows = vec![
        says("rfc9218_7_2_update_without_identifier", frame(PRIORITY_UPDATE, "")).closes(H3_FRAME_ERROR),
        says("rfc9218_7_2_identifier_cut_short", frame(PRIORITY_UPDATE, [0x40])).closes(H3_FRAME_ERROR),
        says("rfc9218_7_2_push_update_without_identifier", frame(PRIORITY_UPDATE_PUSH, "")).closes(H3_FRAME_ERROR),
        says("rfc9218_7_2_update_announced_as_huge", cut_frame(PRIORITY_UPDATE, 1 << 40, "")).closes(H3_EXCESSIVE_LOAD),
        says("rfc9218_7_2_update_of_a_push", push(0)).closes(H3_ID_ERROR),
        says("rfc9218_7_2_update_of_a_push_above_max_push_id", [max_push(5), push(6)].concat()).closes(H3_ID_ERROR),
        says("rfc9218_7_2_update_of_no_promise", [max_push(5), push(5)].concat()).closes(H3_ID_ERROR),
        // A hundred streams may be open, so that 400 is the first that may not.
        says("rfc9218_7_2_update_above_the_stream_limit", update(PRIORITY_UPDATE, 400, "u=1")).closes(H3_ID_ERROR),
        says("rfc9218_7_2_update_of_the_greatest_stream", update(PRIORITY_UPDATE, (1 << 62) - 4, "u=1"))
            .closes(H3_ID_ERROR),
        Row::bare("rfc9218_7_2_update_before_settings")
            .control(update(PRIORITY_UPDATE, 0, "u=1"))
            .closes(H3_MISSING_SETTINGS),
        Row::new("rfc9218_7_2_update_on_a_request_stream")
            .whole(update(PRIORITY_UPDATE, 0, "u=1"))
            .closes(H3_FRAME_UNEXPECTED),
        Row::new("rfc9218_7_2_push_update_on_a_request_stream")
            .whole(update(PRIORITY_UPDATE_PUSH, 0, "u=1"))
            .closes(H3_FRAME_UNEXPECTED),
        Row::new("rfc9218_7_2_update_within_a_request")
            .get_then(update(PRIORITY_UPDATE, 0, "u=1"))
            .closes(H3_FRAME_UNEXPECTED)
            .late(),
    ];
    // RFC 9000 §2.1: the two low bits of a request stream are zero.
    rows.extend([1, 2, 3].map(|id| {
        let name = format!("rfc9218_7_2_update_of_stream_{id}");
        says(&name, update(PRIORITY_UPDATE, id, "u=1")).closes(H3_ID_ERROR)
    }));
    rows
}

fn good() -> Vec<Row> {
    let updated =
        |name: &str, value: &str| Row::new(name).more_control(update(PRIORITY_UPDATE, 0, value)).get(&[]).good(&[]);
    let asked = |name: &str, value: &str| Row::new(name).get(&[("priority", value)]).good(&["priority: "]);
    let flood: Vec<u8> = (0..1000).flat_map(|_| update(PRIORITY_UPDATE, 4, "u=0")).collect();
    vec![
        updated("rfc9218_7_2_update_before_its_request", "u=0, i"),
        updated("rfc9218_7_2_empty_update", ""),
        updated("rfc9218_4_update_out_of_range", "u=9, i=?2"),
        updated("rfc9218_4_update_that_is_no_dictionary", "\0\u{ff},,="),
        asked("rfc9218_5_field", "u=7, i"),
        asked("rfc9218_4_field_out_of_range", "u=-1"),
        asked("rfc9218_4_field_that_is_no_dictionary", "=,;=\"u"),
        Row::new("rfc9218_7_2_update_of_the_last_stream_that_may_be_opened").more_control(update(
            PRIORITY_UPDATE,
            396,
            "u=1",
        )),
        Row::new("rfc9218_7_2_update_of_a_stream_that_another_made_room_for").meanwhile().more_control(update(
            PRIORITY_UPDATE,
            400,
            "u=1",
        )),
        Row::new("rfc9218_7_many_updates").more_control(flood).get(&[]).good(&[]),
        Row::new("rfc9218_7_2_update_after_its_request")
            .get(&[])
            .more_control(update(PRIORITY_UPDATE, 0, "u=6"))
            .good(&[]),
    ]
}
