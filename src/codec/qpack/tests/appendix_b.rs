//! The examples of RFC 9204, Appendix B, byte for byte, read by our decoder; and the decoder stream of them read by our
//! encoder.

use bytes::BytesMut;

use super::*;

const STREAM_0: &str = "0000 510b 2f69 6e64 6578 2e68 746d 6c";
const ENCODER_B_2: &str = "3fbd01 c00f 7777 772e 6578 616d 706c 652e 636f 6d c10c 2f73 616d 706c 652f 7061 7468";
const STREAM_4: &str = "0381 10 11";
const ENCODER_B_3: &str = "4a63 7573 746f 6d2d 6b65 790c 6375 7374 6f6d 2d76 616c 7565";
const ENCODER_B_4: &str = "02";
const STREAM_8: &str = "0500 80 c1 81";
const ENCODER_B_5: &str = "810d 6375 7374 6f6d 2d76 616c 7565 32";

fn whole(decoder: &mut Decoder, stream: u64, section: &str, lines: &[(&str, &str)]) {
    assert_eq!(decode(decoder, stream, &hex(section)), (Ok(Decoded::Whole), pairs(lines)));
}

#[test]
fn rfc9204_b_the_examples_in_one_connection() {
    let mut decoder = Decoder::new(limits(220, 1));
    let d = &mut decoder;
    // B.1. Literal Field Line with Name Reference
    whole(d, 0, STREAM_0, &[(":path", "/index.html")]);
    assert_eq!(d.take_instructions(), "");
    // B.2. Dynamic Table; the section comes first here, and waits.
    assert_eq!(decode(d, 4, &hex(STREAM_4)), (Ok(Decoded::Blocked(2)), vec![]));
    d.read_encoder_stream(&hex(ENCODER_B_2)).unwrap();
    assert_eq!(d.insert_count(), 2);
    whole(d, 4, STREAM_4, &[(":authority", "www.example.com"), (":path", "/sample/path")]);
    assert_eq!(d.take_instructions(), hex("84"));
    // B.3. Speculative Insert
    d.read_encoder_stream(&hex(ENCODER_B_3)).unwrap();
    assert_eq!(d.take_instructions(), hex("01"));
    // B.4. Duplicate Instruction, Stream Cancellation
    assert_eq!(decode(d, 8, &hex(STREAM_8)), (Ok(Decoded::Blocked(4)), vec![]));
    d.cancel(8).unwrap();
    assert_eq!(d.take_instructions(), hex("48"));
    d.read_encoder_stream(&hex(ENCODER_B_4)).unwrap();
    // B.5. Dynamic Table Insert, Eviction
    d.read_encoder_stream(&hex(ENCODER_B_5)).unwrap();
    assert_eq!(d.insert_count(), 5);
    // What is in the table then, by sections of our own: the entries 1 to 4, while 0 is gone.
    whole(
        d,
        12,
        "0600 80 81 82 83",
        &[
            ("custom-key", "custom-value2"),
            (":authority", "www.example.com"),
            ("custom-key", "custom-value"),
            (":path", "/sample/path"),
        ],
    );
    let (result, _) = decode(d, 16, &hex("0600 84"));
    assert_eq!(result, Err(Error::Section(Fault::NoDynamicEntry)));
}

#[test]
fn rfc9204_b_the_encoder_stream_in_any_pieces() {
    let wire: Vec<u8> =
        [ENCODER_B_2, ENCODER_B_3, ENCODER_B_4, ENCODER_B_5].iter().flat_map(|part| hex(part)).collect();
    for size in 1..=wire.len() {
        let mut decoder = Decoder::new(limits(220, 1));
        for chunk in wire.chunks(size) {
            decoder.read_encoder_stream(chunk).unwrap();
        }
        whole(&mut decoder, 0, "0600 80", &[("custom-key", "custom-value2")]);
    }
}

/// The encoder of the examples, as far as ours does the same: lines inserted and referred to at once, then acknowledged.
#[test]
fn rfc9204_b_the_decoder_stream_read_by_our_encoder() {
    let mut encoder = Encoder::new(limits(220, 1));
    let e = &mut encoder;
    e.apply_settings(limits(220, 1)).unwrap();
    assert_eq!(e.take_instructions(), hex("3fbd01"));
    let lines = [FieldLine::new(b":authority", b"#$|"), FieldLine::new(b"#$|", b"!")];
    let encode = |e: &mut Encoder, stream| {
        let mut section = BytesMut::new();
        e.encode(stream, lines.clone(), &mut section);
        section
    };
    // Once is no reason to insert it; Huffman codes would be longer.
    assert_eq!(encode(e, 0), hex("0000 5003 23247c 23 23247c 01 21"));
    assert_eq!(e.take_instructions(), "");
    // B.2: two insertions, a section that refers to them behind its Base, and its acknowledgment.
    assert_eq!(encode(e, 4), hex(STREAM_4));
    assert_eq!(e.take_instructions(), hex("c003 23247c 43 23247c 01 21"));
    e.read_decoder_stream(&hex("84")).unwrap();
    // B.3: an increment; but the acknowledgment told of both entries already.
    assert_eq!(e.read_decoder_stream(&hex("01")), Err(Error::DecoderStream(Fault::ImpossibleIncrement)));
    // B.4: a section before its Base, and its cancellation.
    assert_eq!(encode(e, 8), hex("0300 81 80"));
    e.read_decoder_stream(&hex("48")).unwrap();
    assert_eq!(e.read_decoder_stream(&hex("88")), Err(Error::DecoderStream(Fault::NothingToAcknowledge)));
}
