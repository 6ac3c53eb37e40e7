//! What the encoder writes, and what it must not do to its peer.

use bytes::BytesMut;

use super::*;

fn encoder(own: Limits, peer: Limits) -> Encoder {
    let mut encoder = Encoder::new(own);
    encoder.apply_settings(peer).unwrap();
    encoder
}

fn encode(encoder: &mut Encoder, stream: u64, lines: &[(&str, &str)]) -> Vec<u8> {
    let mut out = BytesMut::from(&b"before"[..]);
    let lines = lines.iter().map(|(name, value)| FieldLine::new(name.as_bytes(), value.as_bytes()));
    encoder.encode(stream, lines, &mut out);
    out.strip_prefix(b"before").unwrap().to_vec()
}

#[test]
fn rfc9204_3_2_3_no_instruction_while_the_peer_has_no_table() {
    for mut encoder in [
        Encoder::new(limits(4096, 16)),
        encoder(limits(4096, 16), limits(0, 16)),
        encoder(limits(0, 0), limits(4096, 16)),
    ] {
        for stream in 0..4 {
            assert_eq!(encode(&mut encoder, stream, &[("x", "#")]), hex("0000 2178 0123"));
        }
        assert_eq!(encoder.take_instructions(), "");
    }
}

#[test]
fn rfc9204_3_2_3_the_capacity_is_what_both_sides_allow() {
    for (own, peer, instruction) in
        [(100, 200, "3f45"), (200, 100, "3f45"), (100, u64::MAX >> 2, "3f45"), (30, 100, "3e")]
    {
        let mut encoder = encoder(limits(own, 0), limits(peer, 0));
        assert_eq!(encoder.take_instructions(), hex(instruction));
    }
}

#[test]
fn rfc9204_3_2_3_a_remembered_capacity_must_come_again() {
    let mut changed = encoder(limits(4096, 16), limits(100, 1));
    let error = Err(Error::DecoderStream(Fault::RememberedCapacityChanged));
    assert_eq!(changed.apply_settings(limits(200, 1)), error);
    assert_eq!(changed.apply_settings(limits(0, 1)), error);
    assert_eq!(changed.apply_settings(limits(100, 5)), Ok(()));
    assert_eq!(changed.take_instructions(), hex("3f45"));
    let mut nothing_remembered = encoder(limits(4096, 16), limits(0, 0));
    assert_eq!(nothing_remembered.apply_settings(limits(100, 1)), Ok(()));
    assert_eq!(nothing_remembered.take_instructions(), hex("3f45"));
}

#[test]
fn rfc9204_4_5_each_line_has_its_shortest_form() {
    let mut encoder = Encoder::new(Limits::default());
    for (name, value, section) in [
        (":method", "GET", "d1"),
        (":status", "500", "ff08"),
        (":path", "/index.html", "5188 60d5485f2bce9a68"),
        ("x-frame-options", "!", "5f52 0121"),
        ("custom-key", "custom-value", "2f01 25a849e95ba97d7f 89 25a849e95bb8e8b4bf"),
        ("", "", "20 00"),
    ] {
        let section = [hex("0000"), hex(section)].concat();
        assert_eq!(encode(&mut encoder, 0, &[(name, value)]), section, "{name}: {value}");
    }
}

#[test]
fn rfc9204_7_1_3_never_indexed_lines_are_literals_with_the_bit_even_when_a_table_has_them() {
    let mut encoder = encoder(limits(4096, 16), limits(4096, 16));
    encoder.take_instructions();
    for _ in 0..3 {
        for (name, value, section) in [
            ("authorization", "#", "7f45 0123"),
            ("set-cookie", "#", "7e 0123"),
            ("cookie", "#", "75 0123"),
            ("proxy-authorization", "#", "3f07 aec3f9f69a4b1d2b4fb8e4ea6f"),
        ] {
            let written = encode(&mut encoder, 0, &[(name, value)]);
            if name == "proxy-authorization" {
                assert_eq!(written[2] & 0xf0, 0x30, "{name}");
            } else {
                assert_eq!(written, [hex("0000"), hex(section)].concat(), "{name}");
            }
        }
        // What came never indexed leaves so, though the static table has the whole line.
        let mut out = BytesMut::new();
        let line = FieldLine { never_indexed: true, ..FieldLine::new(b":method", b"GET") };
        encoder.encode(0, [line], &mut out);
        assert_eq!(out[..3], hex("0000 7f"));
    }
    assert_eq!(encoder.take_instructions(), "");
}

const LINE: [(&str, &str); 1] = [("x", "#")];
const LITERAL: &str = "0000 2178 0123";
/// The one entry of the table, behind the Base and before it.
const NEW: &str = "0280 10";
const OLD: &str = "0200 80";

#[test]
fn rfc9204_2_1_2_a_stream_that_may_not_block_waits_for_the_acknowledgment() {
    let e = &mut encoder(limits(4096, 16), limits(4096, 0));
    assert_eq!(e.take_instructions(), hex("3fe11f"));
    assert_eq!(encode(e, 0, &LINE), hex(LITERAL));
    assert_eq!(e.take_instructions(), "");
    assert_eq!(encode(e, 4, &LINE), hex(LITERAL));
    assert_eq!(e.take_instructions(), hex("4178 0123"));
    assert_eq!(encode(e, 8, &LINE), hex(LITERAL));
    e.read_decoder_stream(&hex("01")).unwrap();
    assert_eq!(encode(e, 12, &LINE), hex(OLD));
    assert_eq!(e.take_instructions(), "");
}

#[test]
fn rfc9204_2_1_2_no_more_streams_than_the_peer_allows_can_block() {
    let e = &mut encoder(limits(4096, 16), limits(4096, 2));
    encode(e, 0, &LINE);
    assert_eq!(encode(e, 4, &LINE), hex(NEW));
    assert_eq!(encode(e, 8, &LINE), hex(OLD));
    assert_eq!(encode(e, 12, &LINE), hex(LITERAL));
    // A stream that may be blocked anyway may refer to it again.
    assert_eq!(encode(e, 8, &LINE), hex(OLD));
    // One gone makes room for one.
    e.read_decoder_stream(&hex("44")).unwrap();
    e.read_decoder_stream(&hex("48")).unwrap();
    assert_eq!(encode(e, 16, &LINE), hex(OLD));
    // Once it has arrived nobody is blocked.
    e.read_decoder_stream(&hex("90")).unwrap();
    for stream in 5..50 {
        assert_eq!(encode(e, 4 * stream, &LINE), hex(OLD));
    }
}

#[test]
fn rfc9204_2_1_1_what_is_unacknowledged_or_referred_to_is_not_evicted() {
    // Room for five entries of 40 bytes.
    let e = &mut encoder(limits(200, 100), limits(200, 100));
    let mut decoder = Decoder::new(limits(200, 100));
    let twice = |e: &mut Encoder, stream: u64, names: [&str; 5]| {
        names.map(|name| [encode(e, stream, &[(name, "1234567")]), encode(e, stream, &[(name, "1234567")])])
    };
    let mut inserted = |e: &mut Encoder| {
        decoder.read_encoder_stream(&e.take_instructions()).unwrap();
        decoder.insert_count()
    };
    twice(e, 4, ["a", "b", "c", "d", "e"]);
    assert_eq!(inserted(e), 5);
    // None of them arrived for sure: nothing goes, and nothing is lost.
    let sections = twice(e, 8, ["f", "g", "h", "i", "j"]);
    assert!(sections.iter().flatten().all(|section| section[0] == 0));
    assert_eq!(inserted(e), 5);
    // They arrived, but sections of stream 4 refer to them.
    e.read_decoder_stream(&hex("05")).unwrap();
    twice(e, 8, ["f", "g", "h", "i", "j"]);
    assert_eq!(inserted(e), 5);
    // All but the last two sections are acknowledged: so many may go.
    e.read_decoder_stream(&hex("848484")).unwrap();
    twice(e, 8, ["f", "g", "h", "i", "j"]);
    assert_eq!(inserted(e), 8);
    // The last two are cancelled.
    e.read_decoder_stream(&hex("44")).unwrap();
    twice(e, 12, ["i", "j", "k", "l", "m"]);
    assert_eq!(inserted(e), 10);
}

/// An encoder with room for five entries, and all five of 40 bytes arrived: `a` to `e`.
fn full(blocked: u64) -> (Encoder, Decoder) {
    let mut encoder = encoder(limits(200, blocked), limits(200, blocked));
    let mut decoder = Decoder::new(limits(200, blocked));
    for (name, stream) in ["a", "b", "c", "d", "e"].iter().zip(0..) {
        for _ in 0..2 {
            encode(&mut encoder, stream, &[(name, "1234567")]);
        }
    }
    decoder.read_encoder_stream(&encoder.take_instructions()).unwrap();
    encoder.read_decoder_stream(&decoder.take_instructions()).unwrap();
    for stream in 0..5 {
        encoder.read_decoder_stream(&[0x40 | stream]).unwrap();
    }
    assert_eq!(decoder.insert_count(), 5);
    (encoder, decoder)
}

#[test]
fn rfc9204_2_1_1_a_section_does_not_evict_what_it_refers_to() {
    let (mut encoder, mut decoder) = full(100);
    let lines = [("c", "1234567"), ("f", "1234567"), ("g", "1234567"), ("h", "1234567")];
    encode(&mut encoder, 20, &lines[1..]);
    // Room for `f` and `g` is made by `a` and `b`; `c` stays.
    let section = encode(&mut encoder, 24, &lines);
    decoder.read_encoder_stream(&encoder.take_instructions()).unwrap();
    assert_eq!(decoder.insert_count(), 7);
    assert_eq!(decode(&mut decoder, 24, &section), (Ok(Decoded::Whole), pairs(&lines)));
}

#[test]
fn rfc9204_3_2_2_a_name_is_not_taken_from_the_entry_that_its_line_evicts() {
    let (mut encoder, mut decoder) = full(0);
    for _ in 0..2 {
        let section = encode(&mut encoder, 20, &[("a", "7654321")]);
        assert_eq!(section[0], 0);
        assert_eq!(decode(&mut decoder, 20, &section), (Ok(Decoded::Whole), pairs(&[("a", "7654321")])));
    }
    // The instruction itself may take it from there.
    let instruction = encoder.take_instructions();
    assert_eq!(instruction[0], 0x84);
    decoder.read_encoder_stream(&instruction).unwrap();
    assert_eq!(decoder.insert_count(), 6);
}

#[test]
fn rfc9204_2_1_1_1_an_entry_that_would_go_next_is_duplicated() {
    let e = &mut encoder(limits(200, 100), limits(200, 100));
    for value in ["aaaaaaa", "bbbbbbb", "ccccccc", "ddddddd", "eeeeeee"] {
        for _ in 0..2 {
            encode(e, 0, &[("x", value)]);
        }
    }
    e.take_instructions();
    e.read_decoder_stream(&hex("8080808080")).unwrap();
    assert_eq!(encode(e, 4, &[("x", "aaaaaaa")]), hex("0780 10"));
    assert_eq!(e.take_instructions(), hex("04"));
    // It is not duplicated again.
    assert_eq!(encode(e, 8, &[("x", "aaaaaaa")]), hex("0700 80"));
    assert_eq!(e.take_instructions(), "");
}

#[test]
fn rfc9204_7_3_no_more_sections_are_tracked_than_the_bound() {
    let e = &mut encoder(limits(4096, 1000), limits(4096, 1000));
    encode(e, 0, &LINE);
    let dynamic = (0..1000).filter(|stream| encode(e, *stream, &LINE)[0] != 0).count();
    assert_eq!(dynamic, 256);
    e.read_decoder_stream(&hex("80")).unwrap();
    assert_eq!(encode(e, 1000, &LINE), hex(OLD));
}

#[test]
fn what_changes_with_each_message_stays_out_of_the_table() {
    let e = &mut encoder(limits(4096, 1000), limits(4096, 1000));
    e.take_instructions();
    for _ in 0..3 {
        encode(
            e,
            0,
            &[("date", "Mon, 21 Oct 2013 20:13:21 GMT"), ("cookie", "session=0123456789abcdef"), (":path", "/a")],
        );
    }
    assert_eq!(e.take_instructions(), "");
    assert_eq!(encode(e, 0, &[("server", "quicgate")])[0], 0);
    assert_eq!(encode(e, 0, &[("server", "quicgate")])[0], 2);
}

#[test]
fn rfc9204_7_3_instructions_that_are_never_fetched_are_limited_by_the_table() {
    let e = &mut encoder(limits(600, 1000), limits(600, 1000));
    for round in 0..1000 {
        let name = format!("x-{}", round % 100);
        encode(e, round, &[(&name, "v"), ("server", &name)]);
    }
    let waiting = e.take_instructions().len();
    assert!((50..600).contains(&waiting), "{waiting}");
}
