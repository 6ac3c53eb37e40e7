//! RFC 9114 §7.2.4: SETTINGS.

use super::row::{H3_EXCESSIVE_LOAD, H3_FRAME_ERROR, H3_FRAME_UNEXPECTED, H3_SETTINGS_ERROR, Row};
use super::table::play;
use super::wire::{RESERVED, SETTINGS, frame, settings};

#[tokio::test]
async fn rfc9114_7_2_4_settings() {
    play([wrong(), good()].concat()).await;
}

fn wrong() -> Vec<Row> {
    let says = |name: &str, pairs: &[(u64, u64)]| Row::bare(name).control(settings(pairs)).closes(H3_SETTINGS_ERROR);
    let holds = |name: &str, payload: &[u8]| Row::bare(name).control(frame(SETTINGS, payload)).closes(H3_FRAME_ERROR);
    let many: Vec<(u64, u64)> = (0..1000).map(|at| (0x1f * at + 0x21, 1 << 40)).collect();
    vec![
        Row::new("rfc9114_7_2_4_settings_twice").more_control(settings(&[])).closes(H3_FRAME_UNEXPECTED),
        Row::bare("rfc9114_7_2_4_settings_twice_in_one")
            .control([settings(&[]), settings(&[])].concat())
            .closes(H3_FRAME_UNEXPECTED),
        says("rfc9114_7_2_4_setting_twice", &[(6, 100), (6, 100)]),
        says("rfc9114_7_2_4_reserved_setting_twice", &[(RESERVED, 1), (6, 1), (RESERVED, 2)]),
        says("rfc9114_7_2_4_1_http2_reserved", &[(0, 0)]),
        says("rfc9114_7_2_4_1_http2_enable_push", &[(2, 0)]),
        says("rfc9114_7_2_4_1_http2_max_concurrent_streams", &[(3, 100)]),
        says("rfc9114_7_2_4_1_http2_initial_window_size", &[(4, 65535)]),
        says("rfc9114_7_2_4_1_http2_max_frame_size", &[(6, 1), (5, 16384)]),
        says("rfc9220_3_flag_that_is_none", &[(8, 2)]),
        says("rfc9297_2_1_1_flag_that_is_none", &[(0x33, 2)]),
        holds("rfc9114_7_2_4_setting_without_value", &[6]),
        holds("rfc9114_7_2_4_value_cut_short", &[6, 0x40]),
        holds("rfc9114_7_2_4_identifier_cut_short", &[6, 1, 0x80, 0]),
        Row::bare("rfc9114_10_5_very_many_settings").control(settings(&many)).closes(H3_EXCESSIVE_LOAD),
    ]
}

fn good() -> Vec<Row> {
    let says = |name: &str, pairs: &[(u64, u64)]| Row::bare(name).control(settings(pairs));
    vec![
        says("rfc9114_7_2_4_unknown_settings", &[(RESERVED, 0), (0x1234, 5), ((1 << 62) - 1, (1 << 62) - 1)]),
        says("rfc9114_7_2_4_all_settings", &[(6, 65536), (7, 0), (8, 1), (0x33, 0)]),
        says("rfc9204_5_largest_values", &[(6, (1 << 62) - 1), (7, (1 << 62) - 1)]),
    ]
}
