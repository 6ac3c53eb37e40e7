//! What a peer can make a decoder give out, keep and send is limited.

use super::*;

/// Decodes with a limit, and returns the decoded size as RFC 9114 §4.2.2 counts it.
fn decode_within(section: &str, max_size: usize) -> (Decoded, usize) {
    let mut decoder = Decoder::new(limits(100, 0));
    decoder.read_encoder_stream(&hex("3f45 4161 0131")).unwrap();
    let mut size = 0;
    let section = Bytes::from(hex(section));
    let mut sink = |line: FieldLine<Bytes>| size += line.name.len() + line.value.len() + 32;
    let result = decoder.decode(0, &section, max_size, &mut sink).unwrap();
    assert!(size <= max_size);
    (result, size)
}

#[test]
fn rfc9114_4_2_2_every_line_counts_its_name_its_value_and_32() {
    for (section, size) in [
        // Static lines: `:path: /`, `:method: GET`.
        ("0000 c1 d1", 38 + 42),
        // A dynamic line, before and behind the Base; a literal with its name.
        ("0200 80", 34),
        ("0280 10", 34),
        ("0200 40 0162", 34),
        ("0280 00 0162", 34),
        // Literals: a name of the static table; all literal, plain and Huffman-coded (`302` in two bytes).
        ("0000 5103 2f6162", 40),
        ("0000 2161 0162", 34),
        ("0000 2161 82 6402", 36),
        ("0000 2a 6402 82 6402", 38),
        // Cookie crumbs are a line each.
        ("0000 5501 61 5501 62", 78),
        ("0000 20 00", 32),
    ] {
        assert_eq!(decode_within(section, size), (Decoded::Whole, size), "{section}");
        let (result, given) = decode_within(section, size - 1);
        assert_eq!(result, Decoded::TooLarge, "{section}");
        assert!(given < size);
        assert_eq!(decode_within(section, 0).0, Decoded::TooLarge, "{section}");
    }
}

#[test]
fn a_small_section_that_decodes_to_a_large_one_stops_at_the_limit() {
    let mut decoder = Decoder::new(limits(4096, 0));
    // One entry of nearly the whole table, and ten thousand references to it.
    let mut stream = hex("3fe11f 4161 7f a11e");
    stream.extend([b'x'; 4000]);
    decoder.read_encoder_stream(&stream).unwrap();
    assert_eq!(decoder.insert_count(), 1);
    let section = Bytes::from([hex("0200"), vec![0x80; 10_000]].concat());
    let mut lines = 0;
    assert_eq!(decoder.decode(0, &section, 65_536, |_| lines += 1), Ok(Decoded::TooLarge));
    assert_eq!(lines, 65_536 / 4033);
    // The peer hears of it when the stream is abandoned; nothing was acknowledged.
    decoder.cancel(0).unwrap();
    assert_eq!(decoder.take_instructions(), hex("40 01"));
}

#[test]
fn an_empty_section_is_whole() {
    assert_eq!(decode_within("0000", 0), (Decoded::Whole, 0));
    assert_eq!(decode_within("0005", 0), (Decoded::Whole, 0));
}

#[test]
fn plain_values_and_table_entries_are_not_copied() {
    let mut decoder = Decoder::new(limits(100, 0));
    decoder.read_encoder_stream(&hex("3f45 4161 0131")).unwrap();
    let section = Bytes::from(hex("0200 80 80 5103 2f6162"));
    let mut values = Vec::new();
    decoder.decode(0, &section, 1000, |line| values.push(line.value)).unwrap();
    assert_eq!(values[0].as_ptr(), values[1].as_ptr());
    assert!(section.as_ptr_range().contains(&values[2].as_ptr()));
}

#[test]
fn rfc9204_7_3_answers_that_nobody_reads_are_limited() {
    let mut decoder = Decoder::new(limits(100, 0));
    let mut sent = 0;
    let error = loop {
        match decoder.cancel(1 << 40) {
            Ok(()) => sent += 1,
            Err(error) => break error,
        }
    };
    assert_eq!(error, Error::UnreadDecoderStream);
    assert!((1000..20_000).contains(&sent), "{sent}");
    assert!(decoder.take_instructions().len() < 17_000);
    assert_eq!(decoder.cancel(0), Ok(()));
}

#[test]
fn rfc9204_2_2_2_2_without_a_dynamic_table_nothing_is_cancelled() {
    let mut decoder = Decoder::new(Limits::default());
    decoder.cancel(0).unwrap();
    assert_eq!(decoder.take_instructions(), "");
}

#[test]
fn rfc9204_4_5_4_the_never_indexed_bit_is_told() {
    let mut decoder = Decoder::new(limits(100, 0));
    decoder.read_encoder_stream(&hex("3f45 4161 0131")).unwrap();
    for (section, expected) in [
        ("0200 40 0162 80", false),
        ("0200 60 0162 80", true),
        ("0000 51 0162", false),
        ("0000 71 0162", true),
        ("0280 00 0162 10", false),
        ("0280 08 0162 10", true),
        ("0000 2161 0162", false),
        ("0000 3161 0162", true),
    ] {
        let mut first = None;
        decoder
            .decode(0, &Bytes::from(hex(section)), 1000, |line| _ = first.get_or_insert(line.never_indexed))
            .unwrap();
        assert_eq!(first, Some(expected), "{section}");
    }
}
