//! The body of an HTTP/2 request as it arrives.

use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use h2::RecvStream;
use http_body::{Frame, SizeHint};

use super::error::{from_request_body, refused};
use crate::codec::message::{Content, ContentLength, SectionLimits, check_trailers};
use crate::http::Failure;

/// Reads a stream; credit goes back to the peer as data is taken, so that flow control spans the gateway.
pub(super) struct StreamBody {
    stream: RecvStream,
    limits: SectionLimits,
    content: Content,
    /// Whether it is a tunnel, through which only data goes.
    tunnel: bool,
    /// Whether trailers, or the end, come next.
    data_done: bool,
    /// What was there when the head was read.
    first: Option<Frame<Bytes>>,
}

impl StreamBody {
    /// `length` is what the head announced, `limits` are those of trailers.
    pub(super) fn new(stream: RecvStream, length: ContentLength, limits: SectionLimits) -> Self {
        Self { stream, limits, content: Content::new(length), tunnel: false, data_done: false, first: None }
    }

    /// What a CONNECT asks for.
    pub(super) fn of_tunnel(stream: RecvStream, limits: SectionLimits) -> Self {
        Self { tunnel: true, ..Self::new(stream, ContentLength::UNKNOWN, limits) }
    }

    /// Looks at what has come with the head, without waiting: most requests end there, and one without content must not
    /// look like one of unknown length.
    ///
    /// # Errors
    /// [`Failure`] when it is malformed or has broken off: such a request goes nowhere.
    pub(super) async fn look_ahead(mut self) -> Result<Self, Failure> {
        let item = std::future::poll_fn(|cx| match self.poll_next(cx) {
            Poll::Ready(item) => Poll::Ready(item),
            Poll::Pending => Poll::Ready(None),
        })
        .await;
        self.first = item.transpose()?;
        Ok(self)
    }

    fn poll_next(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Failure>>> {
        while !self.content.ended() {
            match ready!(self.poll_part(cx)) {
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

    /// Reads a part, and returns what of it can go on.
    fn poll_part(&mut self, cx: &mut Context<'_>) -> Poll<Result<Option<Bytes>, Failure>> {
        if !self.data_done {
            match ready!(self.stream.poll_data(cx)) {
                Some(Ok(data)) => return Poll::Ready(self.take(data)),
                Some(Err(error)) => return Poll::Ready(Err(from_request_body(&error))),
                None => self.data_done = true,
            }
        }
        let trailers = ready!(self.stream.poll_trailers(cx)).map_err(|error| from_request_body(&error))?;
        if let Some(fields) = trailers {
            // RFC 9113 §8.5: only DATA follows.
            if self.tunnel {
                return Poll::Ready(Err(Failure::DownstreamProtocol("http2.trailers_of_a_tunnel".into())));
            }
            check_trailers(&fields, self.limits).map_err(refused)?;
            self.content.trailers(fields).map_err(|malformed| refused(malformed.into()))?;
        }
        Poll::Ready(self.content.end().map(|()| None).map_err(|malformed| refused(malformed.into())))
    }

    fn take(&mut self, data: Bytes) -> Result<Option<Bytes>, Failure> {
        // The stream is known and this much was received on it: h2 cannot refuse.
        let _ = self.stream.flow_control().release_capacity(data.len());
        let now = self.content.data(data).map_err(|malformed| refused(malformed.into()))?;
        if self.stream.is_end_stream() {
            self.content.end().map_err(|malformed| refused(malformed.into()))?;
        }
        Ok(now)
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
