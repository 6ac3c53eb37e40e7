//! Our encoder against our decoder over two unreliable streams: any capacities, any limits, instructions and
//! acknowledgments late and in any pieces, sections in any order, streams cancelled on the way.

use std::collections::VecDeque;

use bytes::BytesMut;
use proptest::prelude::*;

use super::*;

/// What happens next.
#[derive(Clone, Debug)]
enum Event {
    /// A section of these lines is encoded on a new stream, or on the last one.
    Encode { lines: Vec<(usize, usize, bool)>, same_stream: bool },
    /// Up to so many bytes of the encoder stream arrive.
    EncoderStream(usize),
    /// Up to so many bytes of the decoder stream arrive.
    DecoderStream(usize),
    /// One of the sections on the way arrives: it is the next one of its stream.
    Section(usize),
    /// The stream of one of the sections on the way is reset.
    Cancel(usize),
}

const NAMES: [&str; 8] = [":path", "accept", "server", "x-a", "x-b", "authorization", "cookie", "content-type"];

fn value(of: usize) -> String {
    match of {
        0 => String::new(),
        1 => "text/html; charset=utf-8".to_owned(),
        2..=8 => "v".repeat(of),
        _ => format!("value of a length that matters {of}"),
    }
}

fn event() -> impl Strategy<Value = Event> {
    let line = (0..NAMES.len(), 0usize..12, prop::bool::weighted(0.1));
    prop_oneof![
        4 => (prop::collection::vec(line, 0..6), any::<bool>())
            .prop_map(|(lines, same_stream)| Event::Encode { lines, same_stream }),
        3 => (1usize..40).prop_map(Event::EncoderStream),
        3 => (1usize..6).prop_map(Event::DecoderStream),
        4 => (0usize..20).prop_map(Event::Section),
        1 => (0usize..20).prop_map(Event::Cancel),
    ]
}

/// A section on the way.
struct Sent {
    stream: u64,
    section: Bytes,
    lines: Vec<(String, String, bool)>,
}

struct Connection {
    encoder: Encoder,
    decoder: Decoder,
    to_decoder: VecDeque<u8>,
    to_encoder: VecDeque<u8>,
    on_the_way: Vec<Sent>,
    stream: u64,
    decoded: usize,
    referring: usize,
}

impl Connection {
    fn new(own: Limits, peer: Limits) -> Self {
        let mut encoder = Encoder::new(own);
        encoder.apply_settings(peer).unwrap();
        Self {
            encoder,
            decoder: Decoder::new(peer),
            to_decoder: VecDeque::new(),
            to_encoder: VecDeque::new(),
            on_the_way: Vec::new(),
            stream: 0,
            decoded: 0,
            referring: 0,
        }
    }

    fn happen(&mut self, event: &Event) {
        match event {
            Event::Encode { lines, same_stream } => self.encode(lines, *same_stream),
            Event::EncoderStream(size) => {
                let chunk: Vec<u8> = self.to_decoder.drain(..(*size).min(self.to_decoder.len())).collect();
                self.decoder.read_encoder_stream(&chunk).unwrap();
            }
            Event::DecoderStream(size) => {
                self.to_encoder.extend(self.decoder.take_instructions());
                let chunk: Vec<u8> = self.to_encoder.drain(..(*size).min(self.to_encoder.len())).collect();
                self.encoder.read_decoder_stream(&chunk).unwrap();
            }
            Event::Section(at) if !self.on_the_way.is_empty() => self.decode(at % self.on_the_way.len()),
            Event::Cancel(at) if !self.on_the_way.is_empty() => {
                let stream = self.on_the_way[at % self.on_the_way.len()].stream;
                self.on_the_way.retain(|sent| sent.stream != stream);
                self.decoder.cancel(stream).unwrap();
                self.stream += 4;
            }
            _ => {}
        }
    }

    fn encode(&mut self, lines: &[(usize, usize, bool)], same_stream: bool) {
        self.stream += if same_stream { 0 } else { 4 };
        let lines: Vec<_> =
            lines.iter().map(|(name, of, never)| (NAMES[*name].to_owned(), value(*of), *never)).collect();
        let mut section = BytesMut::new();
        let borrowed = lines.iter().map(|(name, value, never_indexed)| FieldLine {
            name: name.as_bytes(),
            value: value.as_bytes(),
            never_indexed: *never_indexed,
        });
        self.encoder.encode(self.stream, borrowed, &mut section);
        self.to_decoder.extend(self.encoder.take_instructions());
        self.referring += usize::from(section[0] != 0);
        self.on_the_way.push(Sent { stream: self.stream, section: section.freeze(), lines });
    }

    /// The first section on the way of the stream that the section at `at` belongs to.
    fn decode(&mut self, at: usize) {
        let stream = self.on_the_way[at].stream;
        let at = self.on_the_way.iter().position(|sent| sent.stream == stream).unwrap();
        let sent = &self.on_the_way[at];
        let mut lines = Vec::new();
        let result = self.decoder.decode(stream, &sent.section, usize::MAX, |line| {
            lines.push((text(&line.name), text(&line.value), line.never_indexed));
        });
        match result.unwrap() {
            Decoded::Whole => {
                for (came, sent) in lines.iter().zip(&sent.lines) {
                    assert_eq!((&came.0, &came.1), (&sent.0, &sent.1));
                    assert!(came.2 || !sent.2, "{sent:?} must stay never indexed");
                }
                assert_eq!(lines.len(), sent.lines.len());
                self.on_the_way.remove(at);
                self.decoded += 1;
            }
            Decoded::Blocked(required) => {
                assert!(required > self.decoder.insert_count());
                assert!(lines.is_empty());
            }
            Decoded::TooLarge => panic!("there is no limit"),
        }
    }

    /// Everything arrives.
    fn settle(&mut self) {
        self.happen(&Event::EncoderStream(usize::MAX));
        while !self.on_the_way.is_empty() {
            let before = self.on_the_way.len();
            self.decode(0);
            assert!(self.on_the_way.len() < before, "a section is blocked for ever");
        }
        self.happen(&Event::DecoderStream(usize::MAX));
    }
}

fn table() -> impl Strategy<Value = Limits> {
    let capacity = prop_oneof![Just(0u64), 1u64..70, 100u64..600, Just(4096), Just(65_536)];
    let blocked = prop_oneof![Just(0u64), 1u64..4, Just(100)];
    (capacity, blocked).prop_map(|(capacity, blocked)| limits(capacity, blocked))
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 512, ..ProptestConfig::default() })]

    #[test]
    fn what_is_encoded_is_decoded(own in table(), peer in table(), events in prop::collection::vec(event(), 0..120)) {
        let mut connection = Connection::new(own, peer);
        for event in &events {
            connection.happen(event);
        }
        connection.settle();
    }

    #[test]
    fn any_bytes_end_in_a_result(
        capacity in 0u64..300,
        chunks in prop::collection::vec((0u8..3, prop::collection::vec(any::<u8>(), 0..60)), 0..12),
    ) {
        let mut decoder = Decoder::new(limits(capacity, 2));
        let mut encoder = Encoder::new(limits(capacity, 2));
        prop_assert!(encoder.apply_settings(limits(capacity, 2)).is_ok());
        for (kind, chunk) in chunks {
            let ended = match kind {
                0 => decoder.read_encoder_stream(&chunk).is_err(),
                1 => decode(&mut decoder, 0, &chunk).0.is_err(),
                _ => encoder.read_decoder_stream(&chunk).is_err(),
            };
            if ended {
                break;
            }
        }
    }
}

/// A long connection: the Required Insert Count wraps around many times, entries come and go, and all of it is used.
#[test]
fn rfc9204_4_5_1_1_the_insert_count_wraps_around_over_a_long_connection() {
    let mut connection = Connection::new(limits(300, 4), limits(300, 4));
    for round in 0..2000usize {
        let lines = [(3, 2 + round / 20 % 7, false), (4, 2 + round / 30 % 9, false), (2, 3, false)];
        connection.happen(&Event::Encode { lines: lines.to_vec(), same_stream: false });
        if round % 3 == 0 {
            connection.settle();
        }
    }
    connection.settle();
    assert_eq!(connection.decoded, 2000);
    assert!(connection.decoder.insert_count() > 100, "{}", connection.decoder.insert_count());
    assert!(connection.referring > 1500, "{}", connection.referring);
}
