//! QPACK from an upstream (RFC 9204).

use super::chain::cluster;
use super::row::Row;
use super::server::Server;
use super::table::play;
use crate::edge::{ALL, Edge};
use crate::http3::row::{
    H3_CLOSED_CRITICAL_STREAM, H3_STREAM_CREATION_ERROR, Last, QPACK_DECODER_STREAM_ERROR, QPACK_DECOMPRESSION_FAILED,
    QPACK_ENCODER_STREAM_ERROR,
};
use crate::http3::wire::{DECODER, ENCODER, HEADERS, frame, integer, text};
use crate::support::client::Version;
use crate::support::message::Request;

#[tokio::test]
async fn rfc9204_2_2_sections_refer_only_to_what_there_is() {
    let section = |name: &str, bytes: &[u8]| Row::new(name).begins(frame(HEADERS, bytes));
    play(vec![
        // §4.5.2, §3.1: the static table has 99 entries.
        section("static-99", &[&[0, 0][..], &integer(0xc0, 6, 99)].concat()).closes(QPACK_DECOMPRESSION_FAILED),
        // §4.5.2: an entry of the dynamic table, of which there is none.
        section("dynamic-0", &[0, 0, 0x80]).closes(QPACK_DECOMPRESSION_FAILED),
        // §4.5.1.1: more inserts than the table can hold.
        section("too-many-inserts", &[&integer(0, 8, 1 << 20)[..], &[0]].concat()).closes(QPACK_DECOMPRESSION_FAILED),
        section("an-empty-section-prefix", &[]).closes(QPACK_DECOMPRESSION_FAILED),
    ])
    .await;
}

#[tokio::test]
async fn rfc9204_3_2_the_dynamic_table_is_used_in_both_orders() {
    // §4.3.1, §4.3.3: a capacity, then `:status: 200` as a literal entry.
    let insert = [&integer(0x20, 5, 220)[..], &integer(0x40, 5, 7), b":status", &text("200")].concat();
    // §4.5.1: one insert, encoded as 2; base 1; the entry with relative index 0.
    let section = frame(HEADERS, [2, 0, 0x80]);
    play(vec![
        Row::new("instructions-first").uni([ENCODER, &insert].concat(), Last::Open).whole(&section),
        Row::new("section-first").whole(&section).uni([ENCODER, &insert].concat(), Last::Open),
    ])
    .await;
}

#[tokio::test]
async fn rfc9204_4_instructions_that_are_wrong_end_the_connection() {
    let encoder = |name: &str, bytes: &[u8]| {
        Row::new(name).uni([ENCODER, bytes].concat(), Last::Open).closes(QPACK_ENCODER_STREAM_ERROR)
    };
    let decoder = |name: &str, bytes: &[u8]| {
        Row::new(name).uni([DECODER, bytes].concat(), Last::Open).closes(QPACK_DECODER_STREAM_ERROR)
    };
    play(vec![
        encoder("capacity-over-ours", &integer(0x20, 5, 1 << 20)),
        encoder("duplicate-of-nothing", &[0x00]),
        encoder("name-of-nothing", &[&integer(0x80, 6, 0)[..], &text("x")].concat()),
        encoder("entry-over-the-capacity", &[&integer(0x40, 5, 1)[..], b"x", &text("y")].concat()),
        decoder("increment-of-0", &[0x00]),
        decoder("increment-of-nothing", &integer(0x00, 6, 9)),
        decoder("acknowledgment-of-nothing", &integer(0x80, 7, 0)),
        Row::new("two-encoder-streams")
            .uni(ENCODER, Last::Open)
            .uni(ENCODER, Last::Open)
            .closes(H3_STREAM_CREATION_ERROR),
        Row::new("encoder-stream-ends").uni(ENCODER, Last::Fin).closes(H3_CLOSED_CRITICAL_STREAM),
        Row::new("decoder-stream-ends").uni(DECODER, Last::Fin).closes(H3_CLOSED_CRITICAL_STREAM),
    ])
    .await;
}

#[tokio::test]
async fn rfc9204_5_nothing_but_the_static_table_where_qpack_is_disabled() {
    for (options, disabled) in [("", false), ("disable_qpack: true", true)] {
        let server = Server::good();
        let front = Edge::in_front_of(&cluster("backend", server.address(), "", options), ALL, "").await;
        let request = Request::get("/").header("x-one", "readable");
        assert_eq!(front.client(Version::Http2).await.send(request).await.status, 200);
        // Without the Huffman code a value stands there as it is.
        let plain = server.requests().iter().flat_map(|request| request.windows(8)).any(|part| part == b"readable");
        assert_eq!(plain, disabled, "{options}");
    }
}
