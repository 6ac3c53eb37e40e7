//! RFC 9114 §4.2.2 and §10.5: what is too large, too many, or announced as huge. The limits are the defaults: 60 KiB and 100
//! fields.

use super::row::{Last, Row, Want};
use super::table::play;
use super::wire::{ENCODER, HEADERS, cut_frame, frame, headers, integer, line, text};
use crate::watched::Upstream;

#[tokio::test]
async fn rfc9114_4_2_2_large_field_sections() {
    play([too_large(), too_many(), expanded()].concat()).await;
}

fn too_large() -> Vec<Row> {
    let value = "v".repeat(62_000);
    let below = "v".repeat(50_000);
    vec![
        Row::new("rfc9114_4_2_2_large").get(&[("x-large", &below)]).good(&["x-large: vvvv"]),
        Row::new("rfc9114_4_2_2_too_large").get(&[("x-large", &value)]).answers(&[431]),
        Row::new("rfc9114_4_2_2_path_too_large")
            .whole(headers(&[(":method", "GET"), (":path", &value)]))
            .answers(&[431]),
        Row::new("rfc9114_4_2_2_name_too_large").get(&[(&value, "x")]).answers(&[431]),
        Row::new("rfc9114_10_5_1_headers_announced_as_huge")
            .request(cut_frame(HEADERS, (1 << 62) - 1, "x"), Last::Open)
            .answers(&[431]),
        Row::new("rfc9114_10_5_1_headers_announced_as_one_byte_too_many")
            .request(cut_frame(HEADERS, 60 * 1024 + 1, ""), Last::Open)
            .answers(&[431]),
        Row::new("rfc9204_7_4_string_announced_as_huge")
            .whole(frame(HEADERS, [&[0, 0, 0x21, b'a'], &integer(0, 7, 1 << 40)[..]].concat()))
            .closes(super::row::QPACK_DECOMPRESSION_FAILED),
    ]
}

fn too_many() -> Vec<Row> {
    // Four pseudo-header fields come first, and the gateway's limit counts them.
    let many = |name: &str, count: usize, field| {
        let row = Row::new(name);
        row.get(&vec![field; count])
    };
    vec![
        many("rfc9114_10_5_many_fields", 90, ("x-field", "x")).good(&["x-field: x"]),
        many("rfc9114_10_5_too_many_fields", 101, ("x-field", "x")).answers(&[431]),
        many("rfc9114_10_5_very_many_fields", 5_000, ("a", "")).answers(&[431]),
        many("rfc9114_4_2_2_too_many_cookie_crumbs", 101, ("cookie", "a=1")).answers(&[431]),
        many("rfc9114_4_2_2_cookie_crumbs_counted_decoded", 1_900, ("cookie", "")).answers(&[431]),
        many("rfc9114_10_5_too_many_empty_names", 101, ("", "")).malformed(),
    ]
}

/// Sections that are small on the wire.
fn expanded() -> Vec<Row> {
    let large = "v".repeat(4000);
    let entry = [integer(0x20, 5, 4096), integer(0x40, 5, 1), b"a".to_vec(), text(&large)].concat();
    let references = [vec![2, 0], vec![0x80; 1000]].concat();
    // Index 85 of the static table has a long value.
    let of_static = [vec![0, 0], [0xff, 22].repeat(1000)].concat();
    let trailers = |count: usize| frame(HEADERS, [vec![0, 0], line("x-sum", "1").repeat(count)].concat());
    vec![
        Row::new("rfc9204_7_1_references_expand")
            .uni([ENCODER, &entry].concat(), Last::Open)
            .whole(frame(HEADERS, references))
            .answers(&[431]),
        Row::new("rfc9204_7_1_static_references_expand").whole(frame(HEADERS, of_static)).answers(&[431]),
        Row::new("rfc9114_4_2_2_too_many_trailers")
            .post_then(&[], [super::wire::data("ab"), trailers(101)].concat())
            .answers(&[431])
            .upstream(Upstream::NothingWhole),
        Row::new("rfc9114_4_2_2_too_many_trailers_at_once").get_then(trailers(101)).answers(&[431]),
        Row::new("rfc9114_4_2_2_trailers_too_large")
            .post_then(&[], [super::wire::data("ab"), trailers(5000)].concat())
            .answers(&[431])
            .upstream(Upstream::NothingWhole),
        Row::new("rfc9114_4_1_too_large_before_its_end")
            .request(cut_frame(HEADERS, 1 << 20, [0; 1000]), Last::Open)
            .want(Want::Statuses(&[431])),
    ]
}
