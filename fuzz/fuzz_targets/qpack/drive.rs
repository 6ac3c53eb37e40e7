//! What is done with one input, by the fuzzer and by the test that replays its corpus.
//!
//! Four bytes choose: the peer (odd: a hostile one, even: ourselves), the capacities that peer and own side allow, the
//! blocked streams. Then come events: a byte whose two low bits say which and whose others are a stream, a length, and
//! so many bytes.

use bytes::{Bytes, BytesMut};
use quicgate::codec::qpack::{Decoded, Decoder, Encoder, Error, FieldLine, Limits};

/// Runs the events of an input, and panics when something is not as it must be.
pub(crate) fn drive(data: &[u8]) {
    let Some((&[peer, capacity, own, blocked], events)) = data.split_first_chunk() else { return };
    let [capacity, own] = [capacity, own].map(|of| CAPACITIES[usize::from(of) % CAPACITIES.len()]);
    let limits = |max_table_capacity| Limits { max_table_capacity, blocked_streams: u64::from(blocked % 8) };
    let (decoder, mut encoder) = (Decoder::new(limits(capacity)), Encoder::new(limits(own)));
    assert_eq!(encoder.apply_settings(limits(capacity)), Ok(()));
    if peer % 2 == 1 {
        // What ends a connection must have a code; nothing goes on after it.
        let _ = hostile(decoder, encoder, events).map_err(|error| error.code());
    } else {
        ourselves(decoder, encoder, events);
    }
}

fn hostile(mut decoder: Decoder, mut encoder: Encoder, events: &[u8]) -> Result<(), Error> {
    for (event, stream, bytes) in Events(events) {
        match event {
            0 => decoder.read_encoder_stream(bytes)?,
            1 => {
                let mut size = 0;
                let section = Bytes::copy_from_slice(bytes);
                let result = decoder.decode(stream, &section, MAX_SIZE, |line| {
                    size += line.name.len() + line.value.len() + 32;
                    let _ = line.into_header();
                })?;
                assert!(size <= MAX_SIZE);
                if let Decoded::Blocked(required) = result {
                    assert!(required > decoder.insert_count() && size == 0);
                }
            }
            2 => {
                decoder.cancel(stream)?;
                decoder.take_instructions();
            }
            _ => {
                encoder.encode(stream, lines(bytes), &mut BytesMut::new());
                encoder.read_decoder_stream(bytes)?;
            }
        }
    }
    Ok(())
}

/// Everything that is encoded comes out as it was, whatever is late.
fn ourselves(mut decoder: Decoder, mut encoder: Encoder, events: &[u8]) {
    let mut to_decoder = BytesMut::new();
    let mut to_encoder = BytesMut::new();
    let mut on_the_way: Vec<(u64, Bytes, &[u8])> = Vec::new();
    for (event, stream, bytes) in Events(events) {
        match event {
            0 => {
                let mut section = BytesMut::new();
                encoder.encode(stream, lines(bytes), &mut section);
                to_decoder.extend(encoder.take_instructions());
                on_the_way.push((stream, section.freeze(), bytes));
            }
            1 => {
                let came = to_decoder.split_to(bytes.len().min(to_decoder.len()));
                assert_eq!(decoder.read_encoder_stream(&came), Ok(()));
            }
            2 => arrive(&mut decoder, &mut on_the_way),
            _ => {
                to_encoder.extend(decoder.take_instructions());
                let came = to_encoder.split_to(bytes.len().min(to_encoder.len()));
                assert_eq!(encoder.read_decoder_stream(&came), Ok(()));
            }
        }
    }
    assert_eq!(decoder.read_encoder_stream(&to_decoder), Ok(()));
    arrive(&mut decoder, &mut on_the_way);
    assert!(on_the_way.is_empty(), "a section is blocked for ever");
    to_encoder.extend(decoder.take_instructions());
    assert_eq!(encoder.read_decoder_stream(&to_encoder), Ok(()));
}

/// All sections arrive; those of a stream that is blocked wait, as they must be decoded in their order.
fn arrive(decoder: &mut Decoder, on_the_way: &mut Vec<(u64, Bytes, &[u8])>) {
    let mut blocked = Vec::new();
    on_the_way.retain(|sent| {
        if !blocked.contains(&sent.0) && !arrives(decoder, sent) {
            blocked.push(sent.0);
        }
        blocked.contains(&sent.0)
    });
}

/// Whether a section could be decoded, which it must be once its entries are there.
fn arrives(decoder: &mut Decoder, (stream, section, sent): &(u64, Bytes, &[u8])) -> bool {
    let mut came = Vec::new();
    let result = decoder.decode(*stream, section, usize::MAX, |line| came.push(line));
    if let Ok(Decoded::Blocked(required)) = result {
        assert!(required > decoder.insert_count());
        return false;
    }
    assert_eq!(result, Ok(Decoded::Whole));
    let sent: Vec<_> = lines(sent).collect();
    assert_eq!(came.len(), sent.len());
    for (came, sent) in came.iter().zip(sent) {
        assert_eq!((&came.name[..], &came.value[..]), (sent.name, sent.value));
    }
    true
}

/// Lines out of any bytes: names that occur and names that do not, values of up to fifteen bytes.
fn lines(mut bytes: &[u8]) -> impl Iterator<Item = FieldLine<&[u8]>> {
    std::iter::from_fn(move || {
        let (first, rest) = bytes.split_first()?;
        let (value, rest) = rest.split_at(usize::from(first & 15).min(rest.len()));
        bytes = rest;
        let name = NAMES.get(usize::from(first >> 4)).copied().unwrap_or(value);
        Some(FieldLine::new(name, value))
    })
}

struct Events<'a>(&'a [u8]);

impl<'a> Iterator for Events<'a> {
    type Item = (u8, u64, &'a [u8]);

    fn next(&mut self) -> Option<Self::Item> {
        let (&[event, length], rest) = self.0.split_first_chunk()?;
        let (bytes, rest) = rest.split_at(usize::from(length).min(rest.len()));
        self.0 = rest;
        Some((event & 3, u64::from(event >> 2) * 4, bytes))
    }
}

const CAPACITIES: [u64; 8] = [0, 31, 64, 100, 220, 600, 4096, 1 << 20];

/// The limit of a decoded section, RFC 9114 §4.2.2.
const MAX_SIZE: usize = 4096;

const NAMES: [&[u8]; 12] = [
    b":path",
    b":status",
    b"accept",
    b"server",
    b"cookie",
    b"authorization",
    b"content-type",
    b"x-frame-options",
    b"x-a",
    b"x-another-name",
    b"date",
    b"",
];
