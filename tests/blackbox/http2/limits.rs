//! RFC 9113 §6.5.2 and §10.5.1: what is too large, or too many. The limits are the defaults: 60 KiB and 100 fields, as in
//! HTTP/3 with the pseudo-header fields among them.

use super::row::{ENHANCE_YOUR_CALM, Row, Want};
use super::table::play;

#[tokio::test]
async fn rfc9113_10_5_1_large_field_sections() {
    let (below, above, far_above) = ("v".repeat(50_000), "v".repeat(62_000), "v".repeat(62_000 * 4));
    let many = |name: &str, count: usize, field| Row::new(name).get(&vec![field; count]);
    let trailers = |name: &str, count: usize, field| Row::new(name).trailers(&vec![field; count]);
    // 32 with each line: the four pseudo-header fields of a GET, and this one.
    let filled = |name: &str, size: usize| {
        let path = format!("/{name}");
        let others =
            [":methodGET", ":schemehttps", ":authoritylocalhost", ":path", &path, "x-large"].concat().len() + 5 * 32;
        Row::new(name).get(&[("x-large", &"v".repeat(size - others))])
    };
    play(vec![
        filled("rfc9113_6_5_2_one_byte_below_the_limit", LIMIT - 1).good(&["x-large: vvvv"]),
        // The h2 crate takes one byte less than it announces.
        filled("rfc9113_6_5_2_at_the_limit", LIMIT).answers(&[431]),
        Row::new("rfc9113_6_5_2_large").get(&[("x-large", &below)]).good(&["x-large: vvvv"]),
        Row::new("rfc9113_6_5_2_too_large").get(&[("x-large", &above)]).answers(&[431]),
        Row::new("rfc9113_6_5_2_path_too_large").only(&[(":method", "GET"), (":path", &above)]).answers(&[431]),
        // The h2 crate gives up a connection at four times the limit.
        Row::new("rfc9113_6_5_2_far_too_large").get(&[("x-large", &far_above)]).want(Want::Closed(ENHANCE_YOUR_CALM)),
        many("rfc9113_10_5_as_many_fields_as_may_be", 96, ("x-field", "x")).good(&["x-field: x"]),
        many("rfc9113_10_5_one_field_too_many", 97, ("x-field", "x")).answers(&[431]),
        many("rfc9113_10_5_too_many_cookie_crumbs", 101, ("cookie", "a=1")).answers(&[431]),
        many("rfc9113_6_5_2_cookie_crumbs_counted_decoded", 1_900, ("cookie", "")).answers(&[431]),
        trailers("rfc9113_10_5_as_many_trailers_as_may_be", 100, ("x-sum", "1")).good(&["trailer x-sum: 1"]),
        trailers("rfc9113_10_5_one_trailer_too_many", 101, ("x-sum", "1")).answers(&[431]).late(),
        // The h2 crate hands over what of the trailers is below the limit, and does not say that there was more.
        Row::new("rfc9113_6_5_2_trailers_too_large")
            .trailers(&[("x-sum", "1"), ("x-large", &above)])
            .good_without(&["\nab\n", "trailer x-sum: 1"], &["trailer x-large"]),
    ])
    .await;
}

/// Bytes of a field section.
const LIMIT: usize = 60 * 1024;
