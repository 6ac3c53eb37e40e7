//! What follows the head of a message, held against what the head announced.

use bytes::Bytes;
use http::HeaderMap;
use http_body::{Frame, SizeHint};

use super::{ContentLength, Malformed};

/// Content and trailers on their way through.
///
/// The last of the content that was announced, and the trailers, go on once the stream has ended: what comes after them
/// makes the message malformed, and a message that is malformed must not be whole anywhere.
#[derive(Debug)]
pub struct Content {
    length: ContentLength,
    held: Option<Bytes>,
    trailers: Option<HeaderMap>,
    ended: bool,
}

impl Content {
    /// Content of which nothing has come.
    #[must_use]
    pub fn new(length: ContentLength) -> Self {
        Self { length, held: None, trailers: None, ended: false }
    }

    /// Takes a part, and returns what of it can go on at once.
    ///
    /// # Errors
    /// [`Malformed::ContentLengthMismatch`] when more came than was announced.
    pub fn data(&mut self, data: Bytes) -> Result<Option<Bytes>, Malformed> {
        self.length.take(data.len()).inspect_err(|_| self.give_up())?;
        if data.is_empty() {
            return Ok(None);
        }
        if self.length.left() != Some(0) {
            return Ok(Some(data));
        }
        self.held = Some(data);
        Ok(None)
    }

    /// Takes the trailers, after which only the end may come.
    ///
    /// # Errors
    /// [`Malformed::ContentLengthMismatch`] when less came than was announced.
    pub fn trailers(&mut self, fields: HeaderMap) -> Result<(), Malformed> {
        self.length.end().inspect_err(|_| self.give_up())?;
        self.trailers = Some(fields);
        Ok(())
    }

    /// Takes note of the end of the stream. What was held goes on by [`Content::take_held`].
    ///
    /// # Errors
    /// [`Malformed::ContentLengthMismatch`] when less came than was announced.
    pub fn end(&mut self) -> Result<(), Malformed> {
        self.length.end().inspect_err(|_| self.give_up())?;
        self.ended = true;
        Ok(())
    }

    /// Nothing more goes on: the message is malformed, or has broken off.
    pub fn give_up(&mut self) {
        (self.held, self.trailers, self.ended) = (None, None, true);
    }

    /// Whether nothing more comes.
    #[must_use]
    pub fn ended(&self) -> bool {
        self.ended
    }

    /// What was held until the end.
    pub fn take_held(&mut self) -> Option<Frame<Bytes>> {
        if !self.ended {
            return None;
        }
        let last = self.held.take().map(Frame::data);
        last.or_else(|| self.trailers.take().map(Frame::trailers))
    }

    /// The content that is held, when it has to go on before the end.
    pub fn let_go(&mut self) -> Option<Bytes> {
        self.held.take()
    }

    /// Whether content is held.
    #[must_use]
    pub fn holds(&self) -> bool {
        self.held.is_some()
    }

    /// Whether no more content may come, and none is held: what comes yet tells whether the message is malformed.
    #[must_use]
    pub fn awaits_its_end(&self) -> bool {
        !self.ended && !self.holds() && self.length.left() == Some(0)
    }

    /// Whether nothing is left that could go on.
    #[must_use]
    pub fn is_over(&self) -> bool {
        self.ended && self.held.is_none() && self.trailers.is_none()
    }

    /// How much content is still to go on, in bytes.
    #[must_use]
    pub fn size_hint(&self) -> SizeHint {
        let held = self.held.as_ref().map_or(0, Bytes::len) as u64;
        self.length.left().map_or_else(SizeHint::new, |left| SizeHint::with_exact(left + held))
    }
}
