//! A request stream: HEADERS, DATA, perhaps HEADERS again (RFC 9114 §4.1).

use bytes::{Buf, Bytes, BytesMut};

use super::varint::{Incomplete, decode};
use super::{WireError, kind};

/// Reads the frames of a request stream, on either side of it.
///
/// Field sections are kept until they are whole, within their limit, which is looked at before the first byte is kept; DATA
/// passes as it comes; what is unknown is skipped.
#[derive(Debug)]
pub struct RequestReader {
    /// Whether what is read is a response.
    response: bool,
    /// Bytes that an encoded field section may take.
    max_section: usize,
    /// The beginning of a frame's head that did not come whole.
    head: BytesMut,
    state: State,
    place: Place,
}

/// Where in a frame the stream is.
#[derive(Debug)]
enum State {
    Head,
    /// This much of a section is to come.
    Section(BytesMut, usize),
    Data(u64),
    Skip(u64),
}

/// Where in a message the stream is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Place {
    /// Before the final head.
    Head,
    /// After it.
    Content,
    /// After the head of a CONNECT.
    Tunnel,
    /// After the trailers.
    Done,
}

/// What came.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Piece {
    /// A field section: a head or, after content may have come, trailers.
    Section(Bytes),
    /// A part of the content, never empty.
    Data(Bytes),
}

impl RequestReader {
    /// A stream of which nothing has come: the reader of a server.
    #[must_use]
    pub fn new(max_section: usize) -> Self {
        Self { response: false, max_section, head: BytesMut::new(), state: State::Head, place: Place::Head }
    }

    /// The same for a client.
    #[must_use]
    pub fn of_responses(max_section: usize) -> Self {
        Self { response: true, ..Self::new(max_section) }
    }

    /// Takes from a chunk up to the next piece; `None` when the chunk is used up.
    ///
    /// # Errors
    /// [`WireError`] when the peer broke the protocol. Nothing more is to be read then.
    pub fn next(&mut self, chunk: &mut Bytes) -> Result<Option<Piece>, WireError> {
        loop {
            match &mut self.state {
                State::Head => {
                    let Some((kind, length)) = take_head(&mut self.head, chunk) else { return Ok(None) };
                    self.state = self.begin(kind, length)?;
                }
                State::Section(section, left) => {
                    // A section in one chunk is not copied.
                    if section.is_empty() && chunk.len() >= *left {
                        let section = chunk.split_to(*left);
                        self.state = State::Head;
                        return Ok(Some(Piece::Section(section)));
                    }
                    let part = chunk.split_to(chunk.len().min(*left));
                    *left -= part.len();
                    section.extend_from_slice(&part);
                    if *left > 0 {
                        return Ok(None);
                    }
                    let section = std::mem::take(section).freeze();
                    self.state = State::Head;
                    return Ok(Some(Piece::Section(section)));
                }
                State::Data(0) | State::Skip(0) => self.state = State::Head,
                State::Data(_) | State::Skip(_) if chunk.is_empty() => return Ok(None),
                State::Data(left) => {
                    let part = chunk.split_to(at_most(chunk.len(), *left));
                    *left -= part.len() as u64;
                    return Ok(Some(Piece::Data(part)));
                }
                State::Skip(left) => {
                    let part = at_most(chunk.len(), *left);
                    chunk.advance(part);
                    *left -= part as u64;
                }
            }
        }
    }

    /// The section that was read last was the final head: content may come. An interim head of a response (1xx) leaves the
    /// stream where it is.
    pub fn head_is_final(&mut self) {
        self.place = Place::Content;
    }

    /// The section that was read last began a tunnel: only DATA follows (RFC 9114 §4.4).
    pub fn head_is_of_tunnel(&mut self) {
        self.place = Place::Tunnel;
    }

    /// Bytes that are kept of what did not come whole.
    #[must_use]
    pub fn kept(&self) -> usize {
        let section = if let State::Section(section, _) = &self.state { section.len() } else { 0 };
        self.head.len() + section
    }

    /// Takes note of the end of the stream.
    ///
    /// # Errors
    /// [`WireError::Frame`] when it stands within a frame (RFC 9114 §7.1).
    pub fn end(&self) -> Result<(), WireError> {
        match self.state {
            State::Head if self.head.is_empty() => Ok(()),
            State::Data(0) | State::Skip(0) => Ok(()),
            _ => Err(WireError::Frame),
        }
    }

    fn begin(&mut self, kind: u64, length: u64) -> Result<State, WireError> {
        match (kind, self.place) {
            (kind::HEADERS, Place::Head | Place::Content) => {
                if self.place == Place::Content {
                    self.place = Place::Done;
                }
                let length = usize::try_from(length).ok().filter(|length| *length <= self.max_section);
                Ok(State::Section(BytesMut::new(), length.ok_or(WireError::ExcessiveLoad)?))
            }
            (kind::DATA, Place::Content | Place::Tunnel) => Ok(State::Data(length)),
            // RFC 9114 §4.1: a message begins with HEADERS, and after the trailers comes nothing. RFC 9114 §4.4: nor do
            // they come after a CONNECT.
            (kind::HEADERS | kind::DATA, _) => Err(WireError::FrameUnexpected),
            // RFC 9114 §7.2.5: a server promises no push without a MAX_PUSH_ID, which this side does not send.
            (kind::PUSH_PROMISE, _) if self.response => Err(WireError::Id),
            (kind, _) if is_for_control(kind) || kind::is_of_http2(kind) => Err(WireError::FrameUnexpected),
            // RFC 9114 §9: what is unknown is passed over, and never kept.
            _ => Ok(State::Skip(length)),
        }
    }
}

/// What never stands on a request stream here.
fn is_for_control(kind: u64) -> bool {
    // RFC 9114 §7.2, RFC 9218 §7.2: all but one are for control streams. RFC 9114 §7.2.5: a client promises no push.
    matches!(
        kind,
        kind::SETTINGS
            | kind::GOAWAY
            | kind::MAX_PUSH_ID
            | kind::CANCEL_PUSH
            | kind::PRIORITY_UPDATE
            | kind::PRIORITY_UPDATE_PUSH
            | kind::PUSH_PROMISE
    )
}

/// The type and length of the next frame, once both are there; its bytes are kept until then, at most 16 of them.
pub(super) fn take_head(head: &mut BytesMut, chunk: &mut Bytes) -> Option<(u64, u64)> {
    loop {
        // Most heads lie in one chunk.
        let parsed = if head.is_empty() { parse_head(chunk) } else { parse_head(head) };
        if let Ok((kind, length, size)) = parsed {
            if head.is_empty() {
                chunk.advance(size);
            }
            head.clear();
            return Some((kind, length));
        }
        if chunk.is_empty() {
            return None;
        }
        head.extend_from_slice(&chunk.split_to(1));
    }
}

fn parse_head(bytes: &[u8]) -> Result<(u64, u64, usize), Incomplete> {
    let (kind, first) = decode(bytes)?;
    let (length, second) = decode(bytes.get(first..).unwrap_or_default())?;
    Ok((kind, length, first + second))
}

fn at_most(available: usize, wanted: u64) -> usize {
    usize::try_from(wanted).map_or(available, |wanted| available.min(wanted))
}
