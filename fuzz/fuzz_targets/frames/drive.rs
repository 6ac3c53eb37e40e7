//! What is done with one input, by the fuzzer and by the test that replays its corpus.
//!
//! The first byte chooses: a request stream (even; two bits say how many heads are interim, one on which side it is read, one
//! whether the final head begins a tunnel) or a control stream (odd; the next bit says on which side). The second says how many
//! sizes follow. The rest is the stream, which is read in one piece, and again in chunks of these sizes in turn.

use bytes::Bytes;
use quicgate::codec::h3::wire::{Control, ControlReader, Piece, RequestReader, Settings, WireError, decode, encode};

/// Reads the stream of an input, and panics when something is not as it must be.
pub(crate) fn drive(data: &[u8]) {
    let Some((&[how, count], rest)) = data.split_first_chunk() else { return };
    let (sizes, stream) = rest.split_at(usize::from(count % 8).min(rest.len()));
    if how % 2 == 0 {
        let how = How { interim: usize::from(how >> 1) % 4, response: how & 8 != 0, tunnel: how & 16 != 0 };
        let whole = request(stream, &[], how);
        assert_eq!(request(stream, sizes, how), whole);
        again(&whole.0, how);
    } else {
        let server = how & 2 == 0;
        let whole = control(stream, &[], server);
        assert_eq!(control(stream, sizes, server), whole);
        sane(&whole.0, server);
    }
}

/// How a request stream is read.
#[derive(Clone, Copy)]
struct How {
    /// Heads before the final one.
    interim: usize,
    /// Whether it is the client that reads.
    response: bool,
    /// Whether the final head begins a tunnel.
    tunnel: bool,
}

/// What a request stream holds, its content put together, and how it ended.
fn request(stream: &[u8], sizes: &[u8], how: How) -> (Vec<Piece>, Result<(), WireError>) {
    let How { interim, response, tunnel } = how;
    let new = if response { RequestReader::of_responses } else { RequestReader::new };
    let mut reader = new(MAX_SECTION);
    let (mut pieces, mut sections) = (Vec::new(), 0);
    for chunk in chunks(stream, sizes) {
        let mut chunk = chunk;
        loop {
            match reader.next(&mut chunk) {
                Ok(Some(Piece::Data(data))) => {
                    assert!(sections > interim, "content before the final head");
                    assert!(!data.is_empty());
                    match pieces.last_mut() {
                        Some(Piece::Data(before)) => *before = [&before[..], &data].concat().into(),
                        _ => pieces.push(Piece::Data(data)),
                    }
                }
                Ok(Some(piece @ Piece::Section(_))) => {
                    sections += 1;
                    if sections == interim + 1 {
                        if tunnel { reader.head_is_of_tunnel() } else { reader.head_is_final() }
                    }
                    let last = if tunnel { interim + 1 } else { interim + 2 };
                    assert!(sections <= last, "a section after the last");
                    pieces.push(piece);
                }
                Ok(None) => break,
                Err(error) => return (pieces, Err(error)),
            }
            assert!(reader.kept() <= MAX_HEAD + MAX_SECTION);
        }
        assert!(chunk.is_empty(), "what is left was not taken");
        assert!(reader.kept() <= MAX_HEAD + MAX_SECTION);
    }
    let end = reader.end();
    (pieces, end)
}

/// What was read, written as frames that hold nothing else, is read again as the same.
fn again(pieces: &[Piece], how: How) {
    let mut stream = Vec::new();
    for piece in pieces {
        let (kind, payload) = match piece {
            Piece::Section(section) => (HEADERS, section),
            Piece::Data(data) => (DATA, data),
        };
        assert!(kind == DATA || payload.len() <= MAX_SECTION);
        encode(kind, &mut stream);
        encode(payload.len() as u64, &mut stream);
        stream.extend_from_slice(payload);
    }
    assert_eq!(request(&stream, &[3], how), (pieces.to_vec(), Ok(())));
}

/// What a control stream says, and how it ended.
fn control(stream: &[u8], sizes: &[u8], server: bool) -> (Vec<Control>, Result<(), WireError>) {
    let mut reader = ControlReader::new(server);
    let mut said = Vec::new();
    for mut chunk in chunks(stream, sizes) {
        loop {
            match reader.next(&mut chunk) {
                Ok(Some(control)) => said.push(control),
                Ok(None) => break,
                Err(error) => return (said, Err(error)),
            }
            assert!(reader.kept() <= MAX_CONTROL);
        }
        assert!(chunk.is_empty(), "what is left was not taken");
        assert!(reader.kept() <= MAX_CONTROL);
    }
    (said, Ok(()))
}

/// SETTINGS first and once, GOAWAY never grows, and a server's names a request, as a priority does.
fn sane(said: &[Control], server: bool) {
    let mut goaway = u64::MAX;
    for (at, control) in said.iter().enumerate() {
        assert_eq!(at == 0, matches!(control, Control::Settings(_)), "{said:?}");
        match control {
            Control::Settings(settings) => same_again(*settings),
            Control::GoAway(id) => {
                assert!(*id <= goaway && (server || id % 4 == 0), "{said:?}");
                goaway = *id;
            }
            Control::Priority(id, priority) => assert!(server && id % 4 == 0 && priority.urgency <= 7, "{said:?}"),
        }
    }
}

/// Settings that are written are read as they were.
fn same_again(settings: Settings) {
    let mut frame = Vec::new();
    settings.encode(&mut frame);
    let (_, kind) = decode(&frame).expect("a type");
    let (_, length) = decode(&frame[kind..]).expect("a length");
    assert_eq!(Settings::parse(&frame[kind + length..]), Ok(settings));
}

/// The stream in chunks of these sizes in turn; all of it at once where there are none.
fn chunks<'a>(stream: &'a [u8], sizes: &'a [u8]) -> impl Iterator<Item = Bytes> + 'a {
    let mut sizes = sizes.iter().map(|size| usize::from(*size).max(1)).cycle();
    let mut rest = stream;
    std::iter::from_fn(move || {
        let (now, later) = rest.split_at(sizes.next().unwrap_or(usize::MAX).min(rest.len()));
        rest = later;
        (!now.is_empty()).then(|| Bytes::copy_from_slice(now))
    })
}

/// Bytes that a field section may take here.
const MAX_SECTION: usize = 50;

/// The greatest head of a frame: two integers.
const MAX_HEAD: usize = 16;

/// The greatest frame of a control stream that is kept, which is SETTINGS, or the head of one.
const MAX_CONTROL: usize = 4096 + MAX_HEAD;

const DATA: u64 = 0x0;
const HEADERS: u64 = 0x1;
