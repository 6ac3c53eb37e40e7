//! RFC 9204: QPACK that cannot be followed, and the dynamic table where it can.

use super::client::{Client, endpoint};
use super::row::{
    Last, QPACK_DECODER_STREAM_ERROR, QPACK_DECOMPRESSION_FAILED, QPACK_ENCODER_STREAM_ERROR, Row, Step, Want,
};
use super::table::{play, play_with};
use super::wire::{DECODER, ENCODER, HEADERS, SETTINGS, data, frame, headers, integer, line, pairs, section, text};

/// A request whose section is these bytes.
fn encoded(name: &str, section: &[u8]) -> Row {
    Row::new(name).whole(frame(HEADERS, section))
}

/// A client with an encoder stream.
fn encoder(name: &str, instructions: &[Vec<u8>]) -> Row {
    Row::new(name).uni([ENCODER, &instructions.concat()].concat(), Last::Open)
}

/// Set Dynamic Table Capacity (RFC 9204 §4.3.1).
fn capacity(bytes: u64) -> Vec<u8> {
    integer(0x20, 5, bytes)
}

/// Insert with Literal Name (RFC 9204 §4.3.3).
fn insert(name: &str, value: &str) -> Vec<u8> {
    [integer(0x40, 5, name.len() as u64), name.as_bytes().to_vec(), text(value)].concat()
}

/// Insert with Name Reference (RFC 9204 §4.3.2), into the static or the dynamic table.
fn insert_named(pattern: u8, index: u64, value: &str) -> Vec<u8> {
    [integer(pattern, 6, index), text(value)].concat()
}

/// The pseudo-header fields of a good GET whose path is the name of its row, as lines.
fn good_lines(name: &str) -> Vec<u8> {
    let path = format!("/{name}");
    [line(":method", "GET"), line(":scheme", "https"), line(":authority", "localhost"), line(":path", &path)].concat()
}

#[tokio::test]
async fn rfc9204_field_sections() {
    play([bad_references(), bad_strings(), too_large()].concat()).await;
}

fn bad_references() -> Vec<Row> {
    let bad = |name: &str, section: &[u8]| encoded(name, section).closes(QPACK_DECOMPRESSION_FAILED);
    vec![
        bad("rfc9204_3_1_static_index_99", &[0, 0, 0xff, 36]),
        bad("rfc9204_3_1_static_index_of_62_bits", &[vec![0, 0], integer(0xc0, 6, (1 << 62) - 1)].concat()),
        bad("rfc9204_3_1_static_name_99", &[vec![0, 0], integer(0x50, 4, 99), text("x")].concat()),
        bad("rfc9204_2_2_3_dynamic_index_of_an_empty_table", &[0, 0, 0x80]),
        bad("rfc9204_2_2_3_dynamic_name_of_an_empty_table", &[0, 0, 0x40, 0]),
        bad("rfc9204_2_2_3_post_base_index_of_an_empty_table", &[0, 0, 0x10]),
        bad("rfc9204_2_2_3_post_base_name_of_an_empty_table", &[0, 0, 0x00, 0]),
        // Our table has room for 128 entries, so that 256 is the largest encoded count.
        bad("rfc9204_4_5_1_1_insert_count_above_its_range", &[0xff, 2, 0]),
        bad("rfc9204_4_5_1_1_insert_count_nobody_writes", &[250, 0]),
        bad("rfc9204_4_5_1_1_insert_count_of_zero_in_another_form", &[1, 0]),
        bad("rfc9204_4_5_1_2_negative_base", &[0, 0x80]),
        bad("rfc9204_4_5_no_prefix", &[]),
        bad("rfc9204_4_5_half_a_prefix", &[0]),
        encoder("rfc9204_2_2_1_insert_count_above_what_is_needed", &[capacity(100), insert("x", "y")])
            .whole(frame(
                HEADERS,
                [&[2, 0][..], &good_lines("rfc9204_2_2_1_insert_count_above_what_is_needed")].concat(),
            ))
            .closes(QPACK_DECOMPRESSION_FAILED),
        encoder("rfc9204_2_2_3_reference_beyond_the_insert_count", &[capacity(100), insert("x", "y"), insert("z", "")])
            .whole(frame(HEADERS, [2, 0x00, 0x80, 0x10]))
            .closes(QPACK_DECOMPRESSION_FAILED),
        encoder("rfc9204_2_2_3_reference_to_an_evicted_entry", &[capacity(40), insert("x", "y"), insert("z", "")])
            .whole(frame(HEADERS, [3, 0x00, 0x80, 0x81]))
            .closes(QPACK_DECOMPRESSION_FAILED),
        Row::new("rfc9204_2_2_3_bad_reference_in_trailers")
            .post_then(&[], [data("ab"), frame(HEADERS, [0, 0, 0x80])].concat())
            .closes(QPACK_DECOMPRESSION_FAILED)
            .late(),
    ]
}

fn bad_strings() -> Vec<Row> {
    let bad = |name: &str, line: &[u8]| encoded(name, &[&[0, 0], line].concat()).closes(QPACK_DECOMPRESSION_FAILED);
    // A literal line named `a` with a Huffman-coded value of these bytes.
    let huffman = |name: &str, value: &[u8]| {
        bad(name, &[&[0x21, b'a'], &integer(0x80, 7, value.len() as u64)[..], value].concat())
    };
    vec![
        // The code of `a` is 00011; what follows it is padding.
        huffman("rfc7541_5_2_padding_of_eight_bits", &[0x1f, 0xff]),
        huffman("rfc7541_5_2_padding_of_zeros", &[0x18]),
        huffman("rfc7541_5_2_end_of_string", &[0xff, 0xff, 0xff, 0xff]),
        huffman("rfc7541_5_2_end_of_string_within", &[0x1f, 0xff, 0xff, 0xff, 0xe3]),
        bad("rfc9204_4_5_name_cut_short", &[0x23, b'a']),
        bad("rfc9204_4_5_value_missing", &[0x21, b'a']),
        bad("rfc9204_4_5_value_cut_short", &[0x21, b'a', 5, b'b']),
        bad("rfc9204_4_5_index_cut_short", &[0xff]),
        bad("rfc9204_4_5_length_cut_short", &[0x27]),
    ]
}

/// RFC 9204 §7.4: only the stream ends.
fn too_large() -> Vec<Row> {
    let bad = |name: &str, line: &[u8]| encoded(name, &[&[0, 0], line].concat()).resets(QPACK_DECOMPRESSION_FAILED);
    let above = [vec![0xff], vec![0xff; 9], vec![0x7f]].concat();
    vec![
        bad("rfc9204_4_1_1_integer_above_62_bits", &above),
        bad("rfc9204_7_4_integer_without_end", &[0xff; 100]),
        encoded("rfc9204_7_4_insert_count_above_62_bits", &above).resets(QPACK_DECOMPRESSION_FAILED),
        Row::new("rfc9204_7_4_integer_above_62_bits_before_the_end")
            .request(frame(HEADERS, [&[0, 0], &above[..]].concat()), Last::Open)
            .want(Want::ResetAndStopped(QPACK_DECOMPRESSION_FAILED)),
        Row::new("rfc9204_7_4_integer_above_62_bits_in_trailers")
            .post_then(&[], [data("ab"), frame(HEADERS, [&[0, 0], &above[..]].concat())].concat())
            .answers(&[400])
            .late(),
    ]
}

#[tokio::test]
async fn rfc9204_dynamic_table() {
    play([wrong_instructions(), wrong_feedback(), good(), blocked()].concat()).await;
}

fn wrong_instructions() -> Vec<Row> {
    let bad = |name: &str, instructions: &[Vec<u8>]| encoder(name, instructions).closes(QPACK_ENCODER_STREAM_ERROR);
    let room = || capacity(100);
    vec![
        bad("rfc9204_4_3_1_capacity_above_the_limit", &[capacity(4097)]),
        bad("rfc9204_4_3_1_capacity_of_62_bits", &[capacity((1 << 62) - 1)]),
        bad("rfc9204_3_2_2_insert_without_capacity", &[insert("x", "y")]),
        bad("rfc9204_3_2_2_entry_larger_than_the_table", &[room(), insert("x", &"y".repeat(68))]),
        bad("rfc9204_3_2_2_value_announced_as_huge", &[room(), vec![0x41, b'x'], integer(0, 7, 1 << 40)]),
        bad("rfc9204_3_2_2_name_announced_as_huge", &[room(), integer(0x40, 5, 1 << 40)]),
        bad("rfc9204_3_1_insert_with_static_name_99", &[room(), insert_named(0xc0, 99, "x")]),
        bad("rfc9204_2_2_3_insert_with_a_name_that_is_not_there", &[room(), insert_named(0x80, 0, "x")]),
        bad(
            "rfc9204_2_2_3_insert_with_an_evicted_name",
            &[capacity(40), insert("x", ""), insert("y", ""), insert_named(0x80, 1, "")],
        ),
        bad("rfc9204_4_3_4_duplicate_of_nothing", &[room(), vec![0]]),
        bad("rfc9204_4_3_4_duplicate_of_62_bits", &[room(), integer(0, 5, (1 << 62) - 1)]),
        bad("rfc9204_4_3_integer_without_end", &[vec![0x3f], vec![0xff; 100]]),
        bad("rfc7541_5_2_end_of_string_in_an_insert", &[room(), vec![0x41, b'x', 0x84, 0xff, 0xff, 0xff, 0xff]]),
        bad("rfc7541_5_2_padding_of_zeros_in_an_insert", &[room(), vec![0x41, b'x', 0x81, 0x18]]),
    ]
}

fn wrong_feedback() -> Vec<Row> {
    let says = |name: &str, bytes: Vec<u8>| Row::new(name).uni([DECODER, &bytes].concat(), Last::Open);
    let bad = |name: &str, bytes| says(name, bytes).closes(QPACK_DECODER_STREAM_ERROR);
    vec![
        bad("rfc9204_4_4_1_acknowledgment_of_nothing", integer(0x80, 7, 0)),
        bad("rfc9204_4_4_1_acknowledgment_of_a_stream_far_away", integer(0x80, 7, 1 << 40)),
        bad("rfc9204_4_4_3_increment_of_zero", vec![0]),
        bad("rfc9204_4_4_3_increment_of_nothing", vec![1]),
        bad("rfc9204_4_4_3_increment_of_62_bits", integer(0, 6, (1 << 62) - 1)),
        bad("rfc9204_4_4_integer_without_end", vec![0xff; 100]),
        says("rfc9204_4_4_2_cancellation_of_an_unknown_stream", integer(0x40, 6, 4000)),
        says("rfc9204_4_4_instruction_cut_short", vec![0x7f]),
    ]
}

fn good() -> Vec<Row> {
    let entry = [capacity(4096), insert("x-table", "dynamic")];
    let request = |row: Row, prefix: &[u8], last: &[u8]| {
        let section = [prefix, &good_lines(&row.name), last].concat();
        row.whole(frame(HEADERS, section)).good(&["x-table: dynamic\n"])
    };
    let with_entry = |name: &str| encoder(name, &entry);
    vec![
        request(with_entry("rfc9204_4_5_2_indexed"), &[2, 0], &[0x80]),
        request(with_entry("rfc9204_4_5_3_indexed_post_base"), &[2, 0x80], &[0x10]),
        request(with_entry("rfc9204_4_5_4_named"), &[2, 0], &[vec![0x40], text("dynamic")].concat()),
        request(with_entry("rfc9204_4_5_5_named_post_base"), &[2, 0x80], &[vec![0], text("dynamic")].concat()),
        request(
            encoder(
                "rfc9204_4_3_4_duplicate",
                &[capacity(4096), insert("x-table", "dynamic"), insert("y", ""), vec![1]],
            ),
            &[4, 0],
            &[0x80],
        ),
        // RFC 7541 Appendix B: `a` is 00011, and three ones fill the byte.
        encoded(
            "rfc7541_5_2_huffman",
            &[&section(&[])[..], &good_lines("rfc7541_5_2_huffman"), &[0x21, b'a', 0x81, 0x1f]].concat(),
        )
        .good(&["a: a\n"]),
        // The section comes first and waits.
        request(Row::new("rfc9204_2_2_1_blocked_until_the_entry_comes"), &[2, 0], &[0x80])
            .uni([ENCODER, &entry.concat()].concat(), Last::Open),
        Row::new("rfc9204_2_2_1_malformed_after_it_was_blocked")
            .whole(frame(HEADERS, [2, 0, 0x80]))
            .uni([ENCODER, &entry.concat()].concat(), Last::Open)
            .malformed(),
    ]
}

fn blocked() -> Vec<Row> {
    let waiting = frame(HEADERS, [2, 0, 0x80]);
    let many = |name: &str, count: usize| (0..count).fold(Row::new(name), |row, _| row.whole(&waiting));
    vec![
        many("rfc9204_2_1_2_blocked_streams_above_the_limit", 17).closes(QPACK_DECOMPRESSION_FAILED),
        many("rfc9204_2_1_2_blocked_streams_at_the_limit", 16),
        many("rfc9204_2_1_2_blocked_streams_at_the_limit_and_another", 16).get(&[]).good(&[]),
        many("rfc9204_2_1_2_blocked_streams_that_go_on", 16)
            .uni([ENCODER, &capacity(4096), &insert("x", "y")].concat(), Last::Open)
            .malformed(),
        Row::new("rfc9204_2_1_2_blocked_trailers")
            .post_then(&[("trailer", "x-table")], [data("ab"), waiting.clone()].concat())
            .uni([ENCODER, &capacity(4096), &insert("x-table", "dynamic")].concat(), Last::Open)
            .good(&["trailer x-table: dynamic"]),
        Row::new("rfc9204_2_2_2_2_blocked_and_reset")
            .request(&waiting, Last::Open)
            .more("", Last::Reset(super::row::H3_REQUEST_CANCELLED)),
        Row::new("rfc9204_4_5_malformed_beside_a_good_reference")
            .uni([ENCODER, &capacity(4096), &insert("x", "y")].concat(), Last::Open)
            .whole(headers(&[("x", "y")]))
            .malformed(),
    ]
}

#[tokio::test]
async fn rfc9204_5_nothing_but_the_static_table_where_qpack_is_disabled() {
    for (options, disabled) in [("", false), ("          http3_protocol_options: {disable_qpack: true}\n", true)] {
        let edge = play_with(options, Vec::new()).await;
        let mut client = Client::connect(&endpoint(), edge.process.address("http3")).await;
        let get = [(":method", "GET"), (":scheme", "https"), (":authority", "localhost"), (":path", "/")];
        client.take(&Step::Request(headers(&get), Last::Fin)).await;
        let answer = client.read().await.expect("the connection stands").expect("an answer");
        // Without the Huffman code a value stands there as it is.
        let plain = answer.windows(8).any(|part| part == b"quicgate");
        let said = pairs(&client.control_frame(SETTINGS).await.expect("SETTINGS"));
        let tables = said.iter().any(|(id, value)| [TABLE_CAPACITY, BLOCKED_STREAMS].contains(id) && *value > 0);
        assert_eq!((tables, plain), (!disabled, disabled), "{options}");
    }
}

/// RFC 9204 §5.
const TABLE_CAPACITY: u64 = 0x1;
const BLOCKED_STREAMS: u64 = 0x7;
