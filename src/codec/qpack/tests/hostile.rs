//! What no peer that follows the rules sends, and how each of it ends. A row: what came, what is wrong with it.

use bytes::BytesMut;
use h3::error::Code;

use super::*;
use Fault::*;

/// Sections for a decoder whose table of 100 bytes (three entries at most) holds nothing.
const SECTIONS_WITHOUT_ENTRIES: &[(&str, Fault)] = &[
    // RFC 9204 §4.5.1: the prefix.
    ("", Truncated),
    ("00", Truncated),
    ("ff", Truncated),
    ("ff80", Truncated),
    ("00 7f", Truncated),
    ("ff 80808080808080808000", IntegerTooLarge),
    ("ff ffffffffffffffffff00", IntegerTooLarge),
    ("00 7f ffffffffffffffffff01", IntegerTooLarge),
    ("00 80", NegativeBase),
    ("00 ff00", NegativeBase),
    ("01 00", ImpossibleInsertCount),
    ("05 00", ImpossibleInsertCount),
    ("06 00", ImpossibleInsertCount),
    ("07 00", ImpossibleInsertCount),
    ("ff00 00", ImpossibleInsertCount),
    ("ff ffffffffffffffff3e 00", ImpossibleInsertCount),
    // RFC 9204 §4.5.2: indexed lines.
    ("0000 ff24", NoStaticEntry),
    ("0000 ff ffffffffffffffff3e", NoStaticEntry),
    ("0000 ff ffffffffffffffffff7f", IntegerTooLarge),
    ("0000 ff", Truncated),
    ("0000 80", NoDynamicEntry),
    ("0000 bf00", NoDynamicEntry),
    ("0001 80", BeyondRequiredInsertCount),
    ("007f ffffffffffffffff3e 80", BeyondRequiredInsertCount),
    ("0000 c1 80", NoDynamicEntry),
    // RFC 9204 §4.5.3: post-Base indexed lines.
    ("0000 10", BeyondRequiredInsertCount),
    ("0000 1f", Truncated),
    ("0000 1f ffffffffffffffff3e", BeyondRequiredInsertCount),
    ("007f ffffffffffffffff3e 1f ffffffffffffffff3e", BeyondRequiredInsertCount),
    // RFC 9204 §4.5.4: literals with a name reference.
    ("0000 5f54 00", NoStaticEntry),
    ("0000 40 00", NoDynamicEntry),
    ("0000 60 00", NoDynamicEntry),
    ("0000 51", Truncated),
    ("0000 5102 61", Truncated),
    ("0000 51ff", Truncated),
    ("0000 517f ffffffffffffffff3e 61", Truncated),
    ("0000 517f ffffffffffffffff7f 61", IntegerTooLarge),
    ("0000 5181 00", HuffmanPadding),
    ("0000 5181 06", HuffmanPadding),
    ("0000 5181 ff", HuffmanPadding),
    ("0000 5182 07ff", HuffmanPadding),
    ("0000 5184 ffffffff", HuffmanEndOfString),
    ("0000 5185 07ffffffff", HuffmanEndOfString),
    // RFC 9204 §4.5.5: literals with a post-Base name reference.
    ("0000 00 00", BeyondRequiredInsertCount),
    ("0000 08 00", BeyondRequiredInsertCount),
    ("0000 07", Truncated),
    // RFC 9204 §4.5.6: literals with a literal name.
    ("0000 20", Truncated),
    ("0000 21", Truncated),
    ("0000 2161", Truncated),
    ("0000 216101", Truncated),
    ("0000 27", Truncated),
    ("0000 27 ffffffffffffffff3e", Truncated),
    ("0000 27 ffffffffffffffffff00", IntegerTooLarge),
    ("0000 2f 80808080808080808000", IntegerTooLarge),
    ("0000 2981 00", HuffmanPadding),
    ("0000 2c ffffffff 00", HuffmanEndOfString),
];

/// Sections for a decoder whose table of 100 bytes holds the entries 2 (`a: 3`) and 3 (`b: 4`) of four.
const SECTIONS_WITH_ENTRIES: &[(&str, Fault)] = &[
    // Entry 1 was evicted, by a relative and a post-Base index, for a line and for a name.
    ("0500 82", NoDynamicEntry),
    ("0500 42 00", NoDynamicEntry),
    ("0583 10", NoDynamicEntry),
    ("0583 00 00", NoDynamicEntry),
    ("0582 10", NoDynamicEntry),
    // An entry that the count does not cover.
    ("0401 80", BeyondRequiredInsertCount),
    ("0480 11", BeyondRequiredInsertCount),
    ("0480 01 00", BeyondRequiredInsertCount),
    ("0500 10", BeyondRequiredInsertCount),
    ("0501 80", BeyondRequiredInsertCount),
    // Before the first entry.
    ("0500 84", NoDynamicEntry),
    ("0500 bf ffffffffffffffff3e", NoDynamicEntry),
    // A count that nothing needs.
    ("0500", UnneededInsertCount),
    ("0500 81", UnneededInsertCount),
    ("0500 c1", UnneededInsertCount),
    // A Base below zero.
    ("0583 ff", Truncated),
    ("0584 81", NegativeBase),
    ("05ff00 81", NegativeBase),
    // A count that has wrapped around to before any that could be meant, or is too large.
    ("07 00", ImpossibleInsertCount),
    ("0f 00", ImpossibleInsertCount),
];

/// Encoder streams for a decoder whose table may have 100 bytes.
const ENCODER_STREAMS: &[(&str, Fault)] = &[
    // RFC 9204 §4.3.1: the capacity.
    ("3f46", CapacityAboveLimit),
    ("3f ffffffffffffffff3e", CapacityAboveLimit),
    ("3f ffffffffffffffffff7f", IntegerTooLarge),
    ("3f45 3f46", CapacityAboveLimit),
    // Nothing fits before a capacity was set.
    ("c0 00", EntryTooLarge),
    ("40 00", EntryTooLarge),
    ("41", EntryTooLarge),
    ("3f00 40 00", EntryTooLarge),
    // RFC 9204 §4.3.2: insertions with a name reference.
    ("3f45 ff24", NoStaticEntry),
    ("3f45 80", NoDynamicEntry),
    ("3f45 bf ffffffffffffffff3e", NoDynamicEntry),
    ("3f45 c2 00 81", NoDynamicEntry),
    // The length alone says that the entry is too large: `:authority` and 59 bytes.
    ("3f45 c0 3b", EntryTooLarge),
    ("3f45 c0 7f ffffffffffffffff3e", EntryTooLarge),
    ("3f45 c0 ff ffffffffffffffff3e", EntryTooLarge),
    ("3f45 c0 7f 80808080808080808000", IntegerTooLarge),
    ("3f45 c0 81 00", HuffmanPadding),
    ("3f45 c0 81 ff", HuffmanPadding),
    ("3f45 c0 84 ffffffff", HuffmanEndOfString),
    // It is too large only when it is decoded: 38 bytes are 60 zeros.
    ("3f45 c0 a6 00000000000000000000000000000000000000000000000000000000000000000000000000000f", EntryTooLarge),
    // RFC 9204 §4.3.3: insertions with a literal name.
    ("3f45 5f26", EntryTooLarge),
    ("3f45 5f ffffffffffffffff3e", EntryTooLarge),
    ("3f45 7f ffffffffffffffff3e", EntryTooLarge),
    ("3f45 5f ffffffffffffffffff7f", IntegerTooLarge),
    ("3f45 61 00", HuffmanPadding),
    ("3f45 64 ffffffff", HuffmanEndOfString),
    ("3f45 41 61 44", EntryTooLarge),
    // RFC 9204 §4.3.4: duplicates.
    ("3f45 00", NoDynamicEntry),
    ("3f45 c2 00 01", NoDynamicEntry),
    ("3f45 c2 00 1f ffffffffffffffff3e", NoDynamicEntry),
    // Of what was evicted by an insertion, and by a smaller capacity.
    ("3f45 c2 00 c2 00 c2 00 02", NoDynamicEntry),
    ("3f45 c2 00 20 00", NoDynamicEntry),
    ("3f45 c2 00 20 3f45 00", NoDynamicEntry),
    // A duplicate that the table shrank below.
    ("3f45 c2 00 3f03 00", NoDynamicEntry),
];

/// Decoder streams for an encoder that has inserted one entry and used it on stream 4.
const DECODER_STREAMS: &[(&str, Fault)] = &[
    ("80", NothingToAcknowledge),
    ("85", NothingToAcknowledge),
    ("84 84", NothingToAcknowledge),
    ("44 84", NothingToAcknowledge),
    ("ff ffffffffffffffff3e", NothingToAcknowledge),
    ("ff ffffffffffffffffff7f", IntegerTooLarge),
    ("7f ffffffffffffffffff7f", IntegerTooLarge),
    ("3f ffffffffffffffffff7f", IntegerTooLarge),
    ("ff 80808080808080808000", IntegerTooLarge),
    ("00", ImpossibleIncrement),
    ("02", ImpossibleIncrement),
    ("01 01", ImpossibleIncrement),
    ("84 01", ImpossibleIncrement),
    ("3f ffffffffffffffff3e", ImpossibleIncrement),
    ("01 84 84", NothingToAcknowledge),
];

#[test]
fn rfc9204_4_5_sections_that_no_encoder_writes() {
    for (section, fault) in SECTIONS_WITHOUT_ENTRIES {
        let mut decoder = Decoder::new(limits(100, 10));
        let (result, _) = decode(&mut decoder, 0, &hex(section));
        assert_eq!(result, Err(Error::Section(*fault)), "{section}");
    }
}

#[test]
fn rfc9204_2_2_3_sections_that_refer_to_what_is_not_there() {
    for (section, fault) in SECTIONS_WITH_ENTRIES {
        let mut decoder = Decoder::new(limits(100, 10));
        decoder.read_encoder_stream(&hex("3f45 4161 0131 4161 0132 4161 0133 4162 0134")).unwrap();
        let (result, lines) = decode(&mut decoder, 0, &hex("0500 80 81"));
        assert_eq!((result, lines), (Ok(Decoded::Whole), pairs(&[("b", "4"), ("a", "3")])));
        let (result, _) = decode(&mut decoder, 4, &hex(section));
        assert_eq!(result, Err(Error::Section(*fault)), "{section}");
    }
}

#[test]
fn rfc9204_4_3_encoder_streams_that_cannot_be_followed_in_any_pieces() {
    for (stream, fault) in ENCODER_STREAMS {
        for size in 1..10 {
            let mut decoder = Decoder::new(limits(100, 10));
            let result = hex(stream).chunks(size).try_for_each(|chunk| decoder.read_encoder_stream(chunk));
            assert_eq!(result, Err(Error::EncoderStream(*fault)), "{stream} by {size}");
        }
    }
}

#[test]
fn rfc9204_4_4_decoder_streams_that_cannot_be_true_in_any_pieces() {
    for (stream, fault) in DECODER_STREAMS {
        for size in 1..4 {
            let mut encoder = Encoder::new(limits(200, 10));
            encoder.apply_settings(limits(200, 10)).unwrap();
            for _ in 0..2 {
                encoder.encode(4, [FieldLine::new(b"server", b"x")], &mut BytesMut::new());
            }
            let result = hex(stream).chunks(size).try_for_each(|chunk| encoder.read_decoder_stream(chunk));
            assert_eq!(result, Err(Error::DecoderStream(*fault)), "{stream} by {size}");
        }
    }
}

#[test]
fn rfc9204_3_2_3_without_a_dynamic_table_nothing_of_it_is_taken() {
    for stream in ["21", "3f46", "c0 00", "00", "40 00"] {
        let mut decoder = Decoder::new(Limits::default());
        assert!(decoder.read_encoder_stream(&hex(stream)).is_err(), "{stream}");
    }
    let mut decoder = Decoder::new(Limits::default());
    // RFC 9204 §4.3.1: zero is within any limit.
    assert_eq!(decoder.read_encoder_stream(&hex("20")), Ok(()));
    for section in ["0100", "0200 80"] {
        let (result, _) = decode(&mut decoder, 0, &hex(section));
        assert_eq!(result, Err(Error::Section(ImpossibleInsertCount)), "{section}");
    }
}

#[test]
fn rfc9204_2_1_2_more_blocked_streams_than_promised() {
    for most in [0, 1, 5] {
        let mut decoder = Decoder::new(limits(100, most));
        for stream in 0..most {
            assert_eq!(decode(&mut decoder, 4 * stream, &hex("0200 80")).0, Ok(Decoded::Blocked(1)));
            // Asking again is not another stream.
            assert_eq!(decode(&mut decoder, 4 * stream, &hex("0200 80")).0, Ok(Decoded::Blocked(1)));
        }
        let (result, _) = decode(&mut decoder, 4 * most, &hex("0200 80"));
        assert_eq!(result, Err(Error::Section(TooManyBlockedStreams)), "{most}");
    }
}

#[test]
fn rfc9204_2_1_2_streams_that_were_cancelled_or_whose_entries_came_are_not_blocked() {
    let mut decoder = Decoder::new(limits(100, 2));
    for stream in [0, 4] {
        assert_eq!(decode(&mut decoder, stream, &hex("0200 80")).0, Ok(Decoded::Blocked(1)));
    }
    decoder.cancel(0).unwrap();
    assert_eq!(decode(&mut decoder, 8, &hex("0200 80")).0, Ok(Decoded::Blocked(1)));
    decoder.read_encoder_stream(&hex("3f45 4161 0131")).unwrap();
    // Neither 4 nor 8 has asked again yet.
    for stream in [12, 16] {
        assert_eq!(decode(&mut decoder, stream, &hex("0300 80")).0, Ok(Decoded::Blocked(2)));
    }
    assert_eq!(decode(&mut decoder, 20, &hex("0300 80")).0, Err(Error::Section(TooManyBlockedStreams)));
    for stream in [4, 8] {
        assert_eq!(decode(&mut decoder, stream, &hex("0200 80")), (Ok(Decoded::Whole), pairs(&[("a", "1")])));
    }
}

#[test]
fn rfc9204_6_each_kind_has_its_code() {
    for (error, code) in [
        (Error::Section(Truncated), Code::QPACK_DECOMPRESSION_FAILED),
        (Error::EncoderStream(EntryTooLarge), Code::QPACK_ENCODER_STREAM_ERROR),
        (Error::DecoderStream(ImpossibleIncrement), Code::QPACK_DECODER_STREAM_ERROR),
        (Error::UnreadDecoderStream, Code::H3_EXCESSIVE_LOAD),
    ] {
        assert_eq!(error.code(), code);
        assert!(!error.is_of_stream());
    }
}

#[test]
fn rfc9204_7_4_an_integer_too_large_ends_the_stream_on_a_request_stream_and_else_the_connection() {
    let mut decoder = Decoder::new(limits(100, 1));
    decoder.read_encoder_stream(&hex("3f45 4161 0131")).unwrap();
    let (result, _) = decode(&mut decoder, 0, &hex("0200 80 ff 80808080808080808000"));
    let error = result.unwrap_err();
    assert_eq!((error, error.is_of_stream()), (Error::Section(IntegerTooLarge), true));
    // The others go on, and the encoder hears that its references are gone.
    decoder.cancel(0).unwrap();
    assert_eq!(decode(&mut decoder, 4, &hex("0200 80")), (Ok(Decoded::Whole), pairs(&[("a", "1")])));
    assert_eq!(decoder.take_instructions(), hex("40 84"));
    let error = decoder.read_encoder_stream(&hex("1f 80808080808080808000")).unwrap_err();
    assert_eq!((error, error.is_of_stream()), (Error::EncoderStream(IntegerTooLarge), false));
}

#[test]
fn rfc9204_3_2_duplicate_entries_are_no_error() {
    let mut decoder = Decoder::new(limits(100, 1));
    decoder.read_encoder_stream(&hex("3f45 4161 0131 4161 0131 00 01")).unwrap();
    assert_eq!(decode(&mut decoder, 0, &hex("0500 80 81")), (Ok(Decoded::Whole), pairs(&[("a", "1"), ("a", "1")])));
}
