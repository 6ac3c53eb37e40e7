//! The body of an HTTP/3 request as it arrives.

use std::pin::Pin;
use std::task::{Context, Poll, Waker, ready};

use bytes::Bytes;
use h3::error::Code;
use http::HeaderMap;
use http_body::{Frame, SizeHint};

use super::receive::{Part, Receiver};
use crate::codec::message::{ContentLength, Malformed};
use crate::http::Failure;

/// Reads a stream part by part; QUIC's flow control holds the peer back while nobody polls.
pub(super) struct StreamBody {
    stream: Receiver,
    length: ContentLength,
    done: bool,
    /// What was there when the head was read.
    first: Option<Frame<Bytes>>,
    /// The last of the content that was announced, and the trailers. They go on once the stream has ended, for what follows
    /// them makes the message malformed.
    held: Option<Bytes>,
    trailers: Option<HeaderMap>,
}

impl StreamBody {
    /// `length` is what the head announced.
    pub(super) fn new(stream: Receiver, length: ContentLength) -> Self {
        Self { stream, length, done: false, first: None, held: None, trailers: None }
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

    fn poll_next(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Failure>>> {
        while !self.done {
            match ready!(self.stream.poll_part(cx)).map_err(Failure::from).and_then(|part| self.take(part)) {
                Ok(Some(data)) => return Poll::Ready(Some(Ok(Frame::data(data)))),
                Ok(None) => {}
                Err(failure) => {
                    (self.done, self.held, self.trailers) = (true, None, None);
                    return Poll::Ready(Some(Err(failure)));
                }
            }
        }
        let last = self.held.take().map(Frame::data);
        Poll::Ready(last.or_else(|| self.trailers.take().map(Frame::trailers)).map(Ok))
    }

    /// Takes a part, and returns what of it can go on.
    fn take(&mut self, part: Option<Part>) -> Result<Option<Bytes>, Failure> {
        match part {
            Some(Part::Data(data)) => {
                self.length.take(data.len()).map_err(|malformed| self.refuse(malformed))?;
                if self.length.left() != Some(0) {
                    return Ok(Some(data));
                }
                self.held = Some(data);
            }
            Some(Part::Trailers(fields)) => {
                self.whole()?;
                self.trailers = Some(fields);
            }
            None => {
                self.done = true;
                self.whole()?;
            }
        }
        Ok(None)
    }

    /// RFC 9114 §4.1.2: content shorter than `content-length` makes the message malformed.
    fn whole(&mut self) -> Result<(), Failure> {
        self.length.end().map_err(|malformed| self.refuse(malformed))
    }

    fn refuse(&mut self, malformed: Malformed) -> Failure {
        self.stream.stop(Code::H3_MESSAGE_ERROR);
        Failure::DownstreamProtocol(format!("http3.{malformed}").into())
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
        self.done && self.first.is_none() && self.held.is_none() && self.trailers.is_none()
    }

    fn size_hint(&self) -> SizeHint {
        let first = self.first.as_ref().and_then(Frame::data_ref);
        let read = first.map_or(0, Bytes::len) + self.held.as_ref().map_or(0, Bytes::len);
        self.length.left().map_or_else(SizeHint::new, |left| SizeHint::with_exact(left + read as u64))
    }
}
