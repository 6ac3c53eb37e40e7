//! RFC 9114 §5 and §6: the streams of a connection, and its end.

use super::row::{
    H3_CLOSED_CRITICAL_STREAM, H3_FRAME_UNEXPECTED, H3_ID_ERROR, H3_MISSING_SETTINGS, H3_NO_ERROR,
    H3_STREAM_CREATION_ERROR, Last, Row, Want,
};
use super::table::play;
use super::wire::{CONTROL, DECODER, ENCODER, GOAWAY, PUSH, RESERVED, frame, settings, varint};

#[tokio::test]
async fn rfc9114_5_2_goaway() {
    let goaway = |name: &str, ids: &[u64]| {
        let frames: Vec<u8> = ids.iter().flat_map(|id| frame(GOAWAY, varint(*id))).collect();
        Row::new(name).more_control(frames)
    };
    play(vec![
        goaway("rfc9114_5_2_goaway_grows", &[0, 1]).closes(H3_ID_ERROR),
        goaway("rfc9114_5_2_goaway_grows_after_it_shrank", &[9, 4, 5]).closes(H3_ID_ERROR),
        goaway("rfc9114_5_2_goaway_names_a_push", &[7]),
        goaway("rfc9114_5_2_goaway_shrinks", &[(1 << 62) - 1, 9, 0]),
        goaway("rfc9114_5_2_goaway_again", &[4, 4]),
        Row::bare("rfc9114_6_2_1_goaway_before_settings").control(frame(GOAWAY, varint(0))).closes(H3_MISSING_SETTINGS),
        Row::new("rfc9114_7_2_6_goaway_on_a_request_stream")
            .whole(frame(GOAWAY, varint(0)))
            .closes(H3_FRAME_UNEXPECTED),
        Row::new("rfc9114_7_2_6_goaway_within_a_request")
            .get_then(frame(GOAWAY, varint(0)))
            .closes(H3_FRAME_UNEXPECTED)
            .late(),
    ])
    .await;
}

#[tokio::test]
async fn rfc9114_6_2_unidirectional_streams() {
    play([critical(), others()].concat()).await;
}

fn critical() -> Vec<Row> {
    let mut rows = Vec::new();
    for (name, kind) in [("encoder", ENCODER), ("decoder", DECODER)] {
        let row = |what: &str| Row::new(&format!("rfc9204_4_2_{name}_stream_{what}"));
        rows.extend([
            row("closed").uni(kind, Last::Fin).closes(H3_CLOSED_CRITICAL_STREAM),
            row("twice").uni(kind, Last::Open).uni(kind, Last::Open).closes(H3_STREAM_CREATION_ERROR),
            row("silent").uni(kind, Last::Open),
        ]);
    }
    let control = [CONTROL, &settings(&[])].concat();
    rows.extend([
        Row::bare("rfc9114_6_2_1_control_closed").uni(&control, Last::Fin).closes(H3_CLOSED_CRITICAL_STREAM),
        Row::bare("rfc9114_6_2_1_control_closed_at_once").uni(CONTROL, Last::Fin).closes(H3_CLOSED_CRITICAL_STREAM),
        Row::bare("rfc9114_6_2_1_control_closed_within_a_frame")
            .uni([CONTROL, &[0x4]].concat(), Last::Fin)
            .closes(H3_CLOSED_CRITICAL_STREAM),
        Row::new("rfc9114_6_2_1_control_twice").control(settings(&[])).closes(H3_STREAM_CREATION_ERROR),
        Row::new("rfc9114_6_2_1_control_twice_without_settings").control("").closes(H3_STREAM_CREATION_ERROR),
        Row::new("rfc9114_6_2_1_control_of_the_server_refused")
            .stop_control(H3_NO_ERROR)
            .closes(H3_CLOSED_CRITICAL_STREAM),
        Row::bare("rfc9114_6_2_1_control_byte_by_byte")
            .uni(CONTROL, Last::Open)
            .more_control([0x4])
            .more_control([0x2])
            .more_control([0x6])
            .more_control([0x20]),
        Row::bare("rfc9114_6_2_1_request_before_control").get(&[]).good(&[]),
        Row::bare("rfc9114_7_2_4_request_before_settings").control("").get(&[]).good(&[]),
    ]);
    rows
}

fn others() -> Vec<Row> {
    let reserved = varint(RESERVED);
    vec![
        Row::new("rfc9114_6_2_2_push_stream").uni(PUSH, Last::Open).closes(H3_STREAM_CREATION_ERROR),
        Row::new("rfc9114_6_2_2_push_stream_with_push")
            .uni([PUSH, &[0], &frame(1, "x")].concat(), Last::Fin)
            .closes(H3_STREAM_CREATION_ERROR),
        Row::new("rfc9114_6_2_3_reserved_stream").uni([&reserved[..], b"anything"].concat(), Last::Fin),
        Row::new("rfc9114_6_2_unknown_stream")
            .uni([0x40, 0x54, 1, 2, 3], Last::Open)
            .want(Want::UniStopped(H3_STREAM_CREATION_ERROR)),
        Row::new("rfc9114_6_2_unknown_stream_of_much").uni([&reserved[..], &vec![0; 100_000]].concat(), Last::Open),
        Row::new("rfc9114_6_2_stream_without_type").uni("", Last::Fin),
        Row::new("rfc9114_6_2_stream_reset_before_its_type").uni("", Last::Reset(H3_NO_ERROR)),
        Row::new("rfc9114_6_2_type_cut_short").uni([0xc0, 0, 0], Last::Fin),
        Row::new("rfc9114_6_2_type_cut_short_by_a_reset").uni([0x40], Last::Reset(H3_NO_ERROR)),
        Row::bare("rfc9000_16_type_longer_than_needed").uni([&[0x40, 0][..], &settings(&[])].concat(), Last::Open),
        Row::new("rfc9000_16_second_control_longer_than_needed")
            .uni([0xc0, 0, 0, 0, 0, 0, 0, 0], Last::Open)
            .closes(H3_STREAM_CREATION_ERROR),
        Row::new("rfc9114_6_2_type_in_pieces")
            .uni([0x40], Last::Open)
            .more_uni(1, [0x1], Last::Open)
            .closes(H3_STREAM_CREATION_ERROR),
    ]
}
