//! The examples of RFC 7541, every symbol, every padding, and any text in any pieces.

use proptest::prelude::*;

use super::*;

fn hex(text: &str) -> Vec<u8> {
    text.as_bytes().chunks(2).map(|pair| u8::from_str_radix(str::from_utf8(pair).unwrap(), 16).unwrap()).collect()
}

fn decode_pieces<'a>(pieces: impl IntoIterator<Item = &'a [u8]>, max: usize) -> Result<Vec<u8>, Stop> {
    let mut decoder = Decoder::default();
    let mut out = BytesMut::new();
    for piece in pieces {
        let left = max - out.len();
        decoder.push(piece, &mut out, left)?;
    }
    decoder.finish().map_err(Stop::Fault)?;
    Ok(out.to_vec())
}

fn decode(encoded: &[u8]) -> Result<Vec<u8>, Stop> {
    decode_pieces([encoded], 10_000)
}

fn encoded(text: &[u8]) -> Vec<u8> {
    let mut out = BytesMut::new();
    encode(text, &mut out);
    out.to_vec()
}

/// The strings of RFC 7541, Appendices C.4 and C.6.
const EXAMPLES: [(&str, &str); 13] = [
    ("www.example.com", "f1e3c2e5f23a6ba0ab90f4ff"),
    ("no-cache", "a8eb10649cbf"),
    ("custom-key", "25a849e95ba97d7f"),
    ("custom-value", "25a849e95bb8e8b4bf"),
    ("302", "6402"),
    ("private", "aec3771a4b"),
    ("Mon, 21 Oct 2013 20:13:21 GMT", "d07abe941054d444a8200595040b8166e082a62d1bff"),
    ("https://www.example.com", "9d29ad171863c78f0b97c8e9ae82ae43d3"),
    ("307", "640eff"),
    ("Mon, 21 Oct 2013 20:13:22 GMT", "d07abe941054d444a8200595040b8166e084a62d1bff"),
    ("gzip", "9bd9ab"),
    (
        "foo=ASDJKHQKBZXOQWEOPIUAXQWEOIU; max-age=3600; version=1",
        "94e7821dd7f2e6c7b335dfdfcd5b3960d5af27087f3672c1ab270fb5291f9587316065c003ed4ee5b1063d5007",
    ),
    ("", ""),
];

#[test]
fn rfc7541_c_4_and_c_6_strings() {
    for (text, code) in EXAMPLES {
        assert_eq!(encoded(text.as_bytes()), hex(code), "{text}");
        assert_eq!(encoded_length(text.as_bytes()), code.len() / 2, "{text}");
        assert_eq!(decode(&hex(code)).as_deref(), Ok(text.as_bytes()), "{text}");
    }
}

/// Symbols of every length of code, written down from RFC 7541, Appendix B, not from our table.
#[test]
fn rfc7541_b_codes_of_every_length() {
    for (symbol, bits, length) in [
        (b'0', 0x0, 5),
        (b'%', 0x15, 6),
        (b':', 0x5c, 7),
        (b'X', 0xfc, 8),
        (b'!', 0x3f8, 10),
        (b'|', 0x7fc, 11),
        (b'#', 0xffa, 12),
        (0, 0x1ff8, 13),
        (b'^', 0x3ffc, 14),
        (b'<', 0x7ffc, 15),
        (b'\\', 0x7_fff0, 19),
        (128, 0xf_ffe6, 20),
        (153, 0x1f_ffdc, 21),
        (129, 0x3f_ffd2, 22),
        (1, 0x7f_ffd8, 23),
        (9, 0xff_ffea, 24),
        (199, 0x1ff_ffec, 25),
        (192, 0x3ff_ffe0, 26),
        (203, 0x7ff_ffde, 27),
        (2, 0xfff_ffe2, 28),
        (22, 0x3fff_fffe, 30),
    ] {
        let code = code(symbol);
        assert_eq!((code.bits, code.length), (bits, length), "{symbol}");
    }
}

#[test]
fn every_byte_survives_beside_every_other() {
    for first in 0..=u8::MAX {
        for second in 0..=u8::MAX {
            let text = [first, second, first];
            assert_eq!(decode(&encoded(&text)), Ok(text.to_vec()));
        }
    }
}

#[test]
fn rfc7541_5_2_padding_is_up_to_seven_ones() {
    let padding = Err(Stop::Fault(Fault::HuffmanPadding));
    // `0` is 00000, so three bits of padding follow.
    assert_eq!(decode(&[0b0000_0111]), Ok(b"0".to_vec()));
    for wrong in [0b000, 0b001, 0b010, 0b011, 0b100, 0b101, 0b110] {
        assert_eq!(decode(&[wrong]), padding, "{wrong:03b}");
    }
    // Eight ones and more are longer than any padding.
    for length in 1..=3 {
        assert_eq!(decode(&vec![0xff; length]), padding);
    }
    // `X` fills its byte: another one is nothing but padding.
    assert_eq!(decode(&[0xfc]), Ok(b"X".to_vec()));
    assert_eq!(decode(&[0xfc, 0xff]), padding);
}

#[test]
fn rfc7541_5_2_the_end_of_string_symbol_is_an_error() {
    let end = Err(Stop::Fault(Fault::HuffmanEndOfString));
    assert_eq!(decode(&[0xff; 4]), end);
    // After `0`, with its own padding, and cut one bit short.
    assert_eq!(decode(&[0x07, 0xff, 0xff, 0xff, 0xff]), end);
    assert_eq!(decode(&[0xff, 0xff, 0xff, 0xf8]), Err(Stop::Fault(Fault::HuffmanPadding)));
}

#[test]
fn decoding_stops_at_the_limit() {
    let code = encoded(&[b'0'; 1000]);
    assert_eq!(decode_pieces([&code[..]], 1000), Ok(vec![b'0'; 1000]));
    assert_eq!(decode_pieces([&code[..]], 999), Err(Stop::TooLong));
    assert_eq!(decode_pieces(code.chunks(1), 999), Err(Stop::TooLong));
    assert_eq!(decode_pieces([&code[..]], 0), Err(Stop::TooLong));
}

proptest! {
    #[test]
    fn what_is_encoded_is_decoded_in_any_pieces(text: Vec<u8>, sizes in prop::collection::vec(1usize..9, 1..9)) {
        let code = encoded(&text);
        prop_assert_eq!(code.len(), encoded_length(&text));
        prop_assert!(text.len() <= longest_decoded(code.len()));
        prop_assert!(text.len() as u64 >= shortest_decoded(code.len() as u64));
        let mut rest = &code[..];
        let mut sizes = sizes.iter().cycle();
        let pieces = std::iter::from_fn(|| {
            let (piece, after) = rest.split_at((*sizes.next()?).min(rest.len()));
            rest = after;
            (!piece.is_empty()).then_some(piece)
        });
        prop_assert_eq!(decode_pieces(pieces, text.len()), Ok(text));
    }

    #[test]
    fn any_bytes_decode_to_what_encodes_to_them(code: Vec<u8>) {
        if let Ok(text) = decode(&code) {
            prop_assert_eq!(encoded(&text), code);
        }
    }
}
