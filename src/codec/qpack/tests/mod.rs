//! Encoder and decoder as the HTTP/3 layer uses them: examples, hostile peers, and each against the other.

mod appendix_b;
mod bounds;
mod encoder;
mod hostile;
mod round_trip;

use bytes::Bytes;

use super::*;

/// What a decoder gave out: the result, and the lines with their values.
type Outcome = (Result<Decoded, Error>, Vec<(String, String)>);

fn limits(max_table_capacity: u64, blocked_streams: u64) -> Limits {
    Limits { max_table_capacity, blocked_streams }
}

/// The bytes of hexadecimal digits; blanks between them do not matter.
fn hex(text: &str) -> Vec<u8> {
    let digits: Vec<u32> = text.chars().filter(|c| !c.is_whitespace()).map(|c| c.to_digit(16).unwrap()).collect();
    digits.chunks(2).map(|pair| u8::try_from(pair[0] * 16 + pair[1]).unwrap()).collect()
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// Decodes a section with the limit of 64 KiB.
fn decode(decoder: &mut Decoder, stream: u64, section: &[u8]) -> Outcome {
    let mut lines = Vec::new();
    let section = Bytes::copy_from_slice(section);
    let result = decoder.decode(stream, &section, 65_536, |line| lines.push((text(&line.name), text(&line.value))));
    (result, lines)
}

fn pairs(lines: &[(&str, &str)]) -> Vec<(String, String)> {
    lines.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
}
