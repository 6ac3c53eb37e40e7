//! How long the head of a request may take, whatever it waits for.

use super::client::{Client, endpoint};
use super::row::{Last, Row, Step};
use super::table::play_with;
use super::wire::{HEADERS, RESERVED, cut_frame, frame, varint};
use crate::support::deadline::{until, within};

#[tokio::test]
async fn rfc9114_10_5_a_head_has_a_time() {
    // A section that refers to the first entry of the dynamic table, which never comes (RFC 9204 §4.5.1).
    let blocked = frame(HEADERS, [2, 0, 0x80]);
    let begun = |name: &str, bytes: &[u8]| Row::new(name).request(bytes, Last::Open).answers(&[408]);
    let rows = vec![
        begun("rfc9114_10_5_a_stream_that_says_nothing", &varint(RESERVED)),
        begun("rfc9114_10_5_a_head_that_is_cut_short", &cut_frame(HEADERS, 100, [0, 0])),
        begun("rfc9114_10_5_unknown_frames_instead_of_a_head", &frame(RESERVED, [0; 1000])),
        begun("rfc9204_2_1_2_entries_that_never_come", &blocked),
        Row::new("rfc9204_2_1_2_entries_that_never_come_for_a_whole_request").whole(&blocked).answers(&[408]),
    ];
    let count = rows.len();
    let edge = play_with("          request_headers_timeout: 0.5s\n", rows).await;
    // Of the row that ended its stream, and of those that did not: all were told and written down.
    let log = edge.process.log("access.log").lines(2 * count).await;
    let late: Vec<_> = log.iter().filter(|line| line["code"] == 408).collect();
    assert_eq!(late.len(), count);
    assert!(
        late.iter().all(|line| line["details"] == "request_header_timeout" && line["protocol"] == "HTTP/3"),
        "{late:?}"
    );
    until("the counter", async || {
        (edge.process.stats().await.of("http.edge.downstream_rq_header_timeout") == 5).then_some(())
    })
    .await;
}

#[tokio::test]
async fn rfc9204_2_2_2_2_a_section_that_waited_too_long_makes_room() {
    let edge = play_with(IMPATIENT, Vec::new()).await;
    let mut client = Client::connect(&endpoint(), edge.process.address("http3")).await;
    // Sixteen may wait at once.
    for turn in 0..20 {
        client.take(&Step::Request(frame(HEADERS, [2, 0, 0x80]), Last::Fin)).await.expect("the connection stands");
        assert_eq!(within("an answer", client.answer()).await.map(|answer| answer.statuses), Ok(vec![408]), "{turn}");
    }
}

#[tokio::test]
async fn rfc9000_2_1_streams_opened_by_a_later_one_have_a_time() {
    let edge = play_with(IMPATIENT, Vec::new()).await;
    let mut client = Client::connect(&endpoint(), edge.process.address("http3")).await;
    // Nothing is written on the first 49: they are open because the last one is.
    let answers = within("answers", client.open_and_write_on_last(50, &varint(RESERVED))).await;
    assert_eq!(answers, vec![vec![408]; 50]);
}

/// A head that does not come at once does not come.
const IMPATIENT: &str = "          request_headers_timeout: 0.1s\n";
