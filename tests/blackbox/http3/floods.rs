//! RFC 9114 §10.5: much of what costs a client little. None of it is kept, and the connection goes on.

use super::row::{H3_REQUEST_CANCELLED, Last, Row};
use super::table::play_with;
use super::wire::{GOAWAY, HEADERS, MAX_PUSH_ID, PRIORITY_UPDATE, RESERVED, data, frame, varint};

/// So many that a hundred bytes kept of each would be seen.
const MANY: usize = 300_000;

/// What the process may have needed at its peak, in KiB. An idle one needed 24 MiB when this was written, and this test 32.
const PEAK: u64 = 60 * 1024;

#[tokio::test]
async fn rfc9114_10_5_floods_are_not_kept() {
    let edge = play_with("", [frames(), streams()].concat()).await;
    let status = std::fs::read_to_string(format!("/proc/{}/status", edge.process.pid())).expect("our own child");
    let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:")?.trim().strip_suffix(" kB")?.parse().ok());
    let peak: u64 = peak.expect("the peak of its memory");
    assert!(peak < PEAK, "{peak} KiB");
}

fn frames() -> Vec<Row> {
    let reserved = frame(RESERVED, "").repeat(MANY);
    let control = |name: &str, frame: &[u8]| Row::new(name).more_control(frame.repeat(MANY));
    let updates = |at: usize| frame(PRIORITY_UPDATE, [varint(4 * (at as u64 % 100)), b"u=1".to_vec()].concat());
    let head = Row::new("rfc9114_10_5_unknown_frames_before_a_head").head("GET", &[]);
    vec![
        Row::new("rfc9114_10_5_unknown_frames_before_a_head").whole([&reserved, &head[..]].concat()).good(&[]),
        Row::new("rfc9114_10_5_unknown_frames_instead_of_content").post_then(&[], &reserved).good(&[]),
        Row::new("rfc9114_10_5_empty_content").post_then(&[], data("").repeat(MANY)).good(&[]),
        Row::new("rfc9114_10_5_content_in_single_bytes").post_then(&[], data("x").repeat(20_000)).good(&["xxxx"]),
        control("rfc9114_10_5_unknown_frames_on_the_control_stream", &frame(RESERVED, "")),
        control("rfc9114_10_5_goaway_again_and_again", &frame(GOAWAY, varint(5))),
        control("rfc9114_10_5_max_push_id_again_and_again", &frame(MAX_PUSH_ID, varint(5))),
        Row::new("rfc9114_10_5_priorities_of_many_streams")
            .more_control((0..MANY).flat_map(updates).collect::<Vec<_>>()),
    ]
}

fn streams() -> Vec<Row> {
    let mut reserved = Row::new("rfc9114_10_5_reserved_streams_opened_and_reset");
    let mut silent = Row::new("rfc9114_10_5_streams_that_end_without_a_type");
    for _ in 0..2000 {
        reserved = reserved.uni(varint(RESERVED), Last::Reset(H3_REQUEST_CANCELLED));
        silent = silent.uni("", Last::Fin);
    }
    // Sixteen streams may wait for entries of the dynamic table at once: one that is reset waits no more.
    let mut blocked = Row::new("rfc9204_2_1_2_streams_that_wait_for_entries_and_are_reset");
    for _ in 0..60 {
        let waits = frame(HEADERS, [2, 0, 0x80]);
        blocked = blocked.request(waits, Last::Open).meanwhile().more("", Last::Reset(H3_REQUEST_CANCELLED));
    }
    vec![reserved, silent, blocked]
}
