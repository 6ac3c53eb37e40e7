//! The body of an HTTP/3 request as it arrives.

use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use h3::error::Code;
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
    first: Option<Result<Frame<Bytes>, Failure>>,
}

impl StreamBody {
    /// `length` is what the head announced.
    pub(super) fn new(stream: Receiver, length: ContentLength) -> Self {
        Self { stream, length, done: false, first: None }
    }

    /// Looks at what has come with the head, without waiting: most requests end there, and one without content must not
    /// look like one of unknown length.
    pub(super) async fn look_ahead(mut self) -> Self {
        std::future::poll_fn(|cx| {
            if let Poll::Ready(item) = self.poll_next(cx) {
                self.first = item;
            }
            Poll::Ready(())
        })
        .await;
        self
    }

    fn poll_next(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Failure>>> {
        let frame = match ready!(self.stream.poll_part(cx)) {
            Ok(Some(Part::Data(data))) => match self.length.take(data.len()) {
                Ok(()) => return Poll::Ready(Some(Ok(Frame::data(data)))),
                Err(malformed) => Some(Err(self.refuse(malformed))),
            },
            Ok(Some(Part::Trailers(fields))) => Some(self.whole().map(|()| Frame::trailers(fields))),
            Ok(None) => self.whole().err().map(Err),
            Err(failure) => Some(Err(failure.into())),
        };
        self.done = true;
        Poll::Ready(frame)
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
            return Poll::Ready(Some(first));
        }
        if self.done {
            return Poll::Ready(None);
        }
        self.poll_next(cx)
    }

    fn is_end_stream(&self) -> bool {
        self.done && self.first.is_none()
    }

    fn size_hint(&self) -> SizeHint {
        let read = self.first.as_ref().and_then(|first| first.as_ref().ok()?.data_ref()).map_or(0, Bytes::len);
        self.length.left().map_or_else(SizeHint::new, |left| SizeHint::with_exact(left + read as u64))
    }
}
