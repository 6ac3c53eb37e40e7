//! The body of an HTTP/3 message as it arrives.

use std::pin::Pin;
use std::task::{Context, Poll, Waker, ready};

use bytes::Bytes;
use http_body::{Frame, SizeHint};

use super::receive::{Part, Receiver};
use super::send::Begun;
use crate::codec::message::{Content, ContentLength};
use crate::codec::upload::Upload;
use crate::http::Failure;

/// Reads a stream part by part; QUIC's flow control holds the peer back while nobody polls.
pub(super) struct StreamBody {
    stream: Receiver,
    content: Content,
    /// What was there when the head was read.
    first: Option<Frame<Bytes>>,
    /// Of a request: when it is answered.
    answered: Option<Begun>,
    /// Of a response: what is still written on the stream, which ends with this.
    upload: Option<Upload>,
}

impl StreamBody {
    /// `length` is what the head announced.
    pub(super) fn new(stream: Receiver, length: ContentLength) -> Self {
        Self { stream, content: Content::new(length), first: None, answered: None, upload: None }
    }

    /// Of a response that came before the request had gone out whole.
    pub(super) fn beside(self, upload: Option<Upload>) -> Self {
        Self { upload, ..self }
    }

    /// Of a request. Once it is answered, its last content waits for the end no more: whoever answers has not waited for it
    /// either, and some clients never end a request that is answered (niquests 3.21).
    pub(super) fn answered_by(self, answered: Begun) -> Self {
        Self { answered: Some(answered), ..self }
    }

    /// Looks at what has come with the head, without waiting: most requests end there, and one without content must not
    /// look like one of unknown length.
    ///
    /// # Errors
    /// [`Failure`] when it is malformed or has broken off: such a request goes nowhere.
    pub(super) fn look_ahead(&mut self) -> Result<(), Failure> {
        // Nobody is to be woken: whoever waits for the content polls again.
        if let Poll::Ready(item) = self.poll_next(&mut Context::from_waker(Waker::noop())) {
            self.first = item.transpose()?;
        }
        Ok(())
    }

    /// Whether no content was announced, and the end has not come.
    pub(super) fn waits_for_its_end(&self) -> bool {
        self.content.awaits_its_end() && self.first.is_none()
    }

    /// RFC 9114 §4.1.2: waits for the end of a message with `content-length: 0`, as content would make it malformed.
    ///
    /// # Errors
    /// As [`Self::look_ahead`].
    pub(super) async fn end(&mut self) -> Result<(), Failure> {
        self.first = std::future::poll_fn(|cx| self.poll_next(cx)).await.transpose()?;
        Ok(())
    }

    fn poll_next(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Failure>>> {
        while !self.content.ended() {
            let Poll::Ready(part) = self.stream.poll_part(cx) else { return self.poll_answered(cx) };
            let part = part.map_err(|failure| self.stream.blame(failure));
            match part.and_then(|part| self.take(part)) {
                Ok(Some(data)) => return Poll::Ready(Some(Ok(Frame::data(data)))),
                Ok(None) => {}
                Err(failure) => {
                    self.content.give_up();
                    return Poll::Ready(Some(Err(failure)));
                }
            }
        }
        Poll::Ready(self.content.take_held().map(Ok))
    }

    /// The content that is held, when the request is answered before its end.
    fn poll_answered(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Failure>>> {
        let Some(answered) = self.answered.as_mut().filter(|_| self.content.holds()) else { return Poll::Pending };
        let begun = ready!(Pin::new(answered).poll(cx));
        self.answered = None;
        // One that nobody will answer stays as it is.
        if begun.is_ok() { Poll::Ready(self.content.let_go().map(Frame::data).map(Ok)) } else { Poll::Pending }
    }

    /// Takes a part, and returns what of it can go on. RFC 9114 §4.1.2: other content than `content-length` makes the message
    /// malformed.
    fn take(&mut self, part: Option<Part>) -> Result<Option<Bytes>, Failure> {
        let taken = match part {
            Some(Part::Data(data)) => self.content.data(data),
            Some(Part::Trailers(fields)) => self.content.trailers(fields).map(|()| None),
            None => {
                self.upload = None;
                self.content.end().map(|()| None)
            }
        };
        taken.map_err(|malformed| self.stream.refuse(malformed))
    }
}

impl http_body::Body for StreamBody {
    type Data = Bytes;
    type Error = Failure;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Failure>>> {
        if let Some(first) = self.first.take() {
            return Poll::Ready(Some(Ok(first)));
        }
        self.poll_next(cx)
    }

    fn is_end_stream(&self) -> bool {
        self.content.is_over() && self.first.is_none()
    }

    fn size_hint(&self) -> SizeHint {
        let first = self.first.as_ref().and_then(Frame::data_ref).map_or(0, Bytes::len) as u64;
        let hint = self.content.size_hint();
        hint.exact().map_or(hint, |left| SizeHint::with_exact(left + first))
    }
}
