//! A control stream (RFC 9114 §6.2.1).

use bytes::{Buf, Bytes, BytesMut};

use super::request::take_head;
use super::settings::Settings;
use super::varint::decode;
use super::{Priority, WireError, kind};

/// Reads the frames of the peer's control stream.
#[derive(Debug)]
pub struct ControlReader {
    /// Whether this side is the server.
    server: bool,
    head: BytesMut,
    frame: Option<Frame>,
    settled: bool,
    /// The identifier of the last GOAWAY.
    goaway: Option<u64>,
    /// The greatest push that the client allows.
    max_push: Option<u64>,
}

/// A frame that has not come whole.
#[derive(Debug)]
struct Frame {
    kind: u64,
    left: u64,
    /// What came of it; nothing of a frame that is skipped.
    payload: Option<BytesMut>,
}

/// What the peer said.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Control {
    /// What it takes: the first that comes, and only once.
    Settings(Settings),
    /// It ends: requests, or pushes, from this identifier on are not served.
    GoAway(u64),
    /// How it wants the response on this request stream to be ranked (RFC 9218 §7.1).
    Priority(u64, Priority),
}

impl ControlReader {
    /// A control stream of which nothing has come after its type.
    #[must_use]
    pub fn new(server: bool) -> Self {
        Self { server, head: BytesMut::new(), frame: None, settled: false, goaway: None, max_push: None }
    }

    /// Takes from a chunk up to the next thing that was said; `None` when the chunk is used up.
    ///
    /// # Errors
    /// [`WireError`] when the peer broke the protocol: the connection ends then.
    pub fn next(&mut self, chunk: &mut Bytes) -> Result<Option<Control>, WireError> {
        loop {
            let Some(frame) = &mut self.frame else {
                let Some((kind, length)) = take_head(&mut self.head, chunk) else { return Ok(None) };
                self.frame = Some(self.begin(kind, length)?);
                continue;
            };
            let part = usize::try_from(frame.left).map_or(chunk.len(), |left| left.min(chunk.len()));
            frame.left -= part as u64;
            match &mut frame.payload {
                Some(payload) => payload.extend_from_slice(&chunk.split_to(part)),
                None => chunk.advance(part),
            }
            if frame.left > 0 {
                return Ok(None);
            }
            let Some(Frame { kind, payload, .. }) = self.frame.take() else { return Ok(None) };
            if let Some(payload) = payload
                && let Some(said) = self.said(kind, &payload)?
            {
                return Ok(Some(said));
            }
        }
    }

    /// Bytes that are kept of what did not come whole.
    #[must_use]
    pub fn kept(&self) -> usize {
        let payload = self.frame.as_ref().and_then(|frame| frame.payload.as_ref());
        self.head.len() + payload.map_or(0, BytesMut::len)
    }

    fn begin(&mut self, kind: u64, length: u64) -> Result<Frame, WireError> {
        // RFC 9114 §6.2.1: SETTINGS comes first, and once.
        match (self.settled, kind == kind::SETTINGS) {
            (false, false) => return Err(WireError::MissingSettings),
            (true, true) => return Err(WireError::FrameUnexpected),
            (false, true) | (true, false) => self.settled = true,
        }
        let bound = match kind {
            kind::SETTINGS => MAX_SETTINGS,
            kind::GOAWAY | kind::CANCEL_PUSH => MAX_INTEGER,
            // RFC 9114 §7.2.7: only a client sends it; a PRIORITY_UPDATE likewise, RFC 9218 §7.2.
            kind::MAX_PUSH_ID if self.server => MAX_INTEGER,
            kind::PRIORITY_UPDATE | kind::PRIORITY_UPDATE_PUSH if self.server => MAX_PRIORITY,
            kind::MAX_PUSH_ID | kind::PRIORITY_UPDATE | kind::PRIORITY_UPDATE_PUSH => {
                return Err(WireError::FrameUnexpected);
            }
            // RFC 9114 §7.2.1, RFC 9114 §7.2.2, RFC 9114 §7.2.5: these are for request streams.
            kind::DATA | kind::HEADERS | kind::PUSH_PROMISE => return Err(WireError::FrameUnexpected),
            kind if kind::is_of_http2(kind) => return Err(WireError::FrameUnexpected),
            _ => return Ok(Frame { kind, left: length, payload: None }),
        };
        if length > bound {
            // An integer takes at most 8 bytes: a longer frame holds something else.
            return Err(if bound == MAX_INTEGER { WireError::Frame } else { WireError::ExcessiveLoad });
        }
        Ok(Frame { kind, left: length, payload: Some(BytesMut::new()) })
    }

    fn said(&mut self, kind: u64, payload: &[u8]) -> Result<Option<Control>, WireError> {
        match kind {
            kind::SETTINGS => Settings::parse(payload).map(|settings| Some(Control::Settings(settings))),
            kind::GOAWAY => {
                let id = only_integer(payload)?;
                // RFC 9114 §5.2: from a server it names a request stream; it never grows.
                let wrong_kind = !self.server && id % 4 != 0;
                if wrong_kind || self.goaway.is_some_and(|before| id > before) {
                    return Err(WireError::Id);
                }
                self.goaway = Some(id);
                Ok(Some(Control::GoAway(id)))
            }
            kind::MAX_PUSH_ID => {
                // RFC 9114 §7.2.7: it never shrinks. Nothing is pushed here.
                let id = only_integer(payload)?;
                if self.max_push.is_some_and(|before| id < before) {
                    return Err(WireError::Id);
                }
                self.max_push = Some(id);
                Ok(None)
            }
            kind::CANCEL_PUSH => {
                // RFC 9114 §7.2.3: whatever push it names, none was promised.
                only_integer(payload)?;
                Err(WireError::Id)
            }
            kind::PRIORITY_UPDATE => {
                let (id, size) = decode(payload).map_err(|_| WireError::Frame)?;
                // RFC 9218 §7.2: it names a request stream, which a client opens.
                if id % 4 != 0 {
                    return Err(WireError::Id);
                }
                let priority = Priority::parse(payload.get(size..).unwrap_or_default());
                Ok(Some(Control::Priority(id, priority)))
            }
            kind::PRIORITY_UPDATE_PUSH => {
                // RFC 9218 §7.2: for a push that was never promised.
                decode(payload).map_err(|_| WireError::Frame)?;
                Err(WireError::Id)
            }
            _ => Ok(None),
        }
    }
}

/// A payload that is one integer and nothing else (RFC 9114 §7.1, RFC 9114 §10.8).
fn only_integer(payload: &[u8]) -> Result<u64, WireError> {
    match decode(payload) {
        Ok((value, size)) if size == payload.len() => Ok(value),
        _ => Err(WireError::Frame),
    }
}

/// Bytes of a frame that holds one integer.
const MAX_INTEGER: u64 = 8;

/// Bytes of SETTINGS that are kept: far more than there are settings.
const MAX_SETTINGS: u64 = 4096;

/// Bytes of a `PRIORITY_UPDATE` that are kept.
const MAX_PRIORITY: u64 = 1024;
