//! The body of an HTTP/2 message as it arrives.

use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use h2::{Reason, RecvStream, SendStream};
use http_body::{Frame, SizeHint};

use super::error::{from_request_body, from_upstream, refused, refused_response};
use crate::codec::Busy;
use crate::codec::message::{Content, ContentLength, Refused, SectionLimits, check_trailers};
use crate::codec::upload::Upload;
use crate::http::{Failure, ResetReason};

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
    /// What a response has beside it; a request has nothing.
    answers: Option<Asked>,
}

/// The request that a response answers.
pub(super) struct Asked {
    /// What refuses the response; it is elsewhere while the request is written.
    pub(super) stream: Option<SendStream<Bytes>>,
    /// What is still written of the request, which ends with the response.
    pub(super) upload: Option<Upload>,
    /// Its stream is open.
    pub(super) _busy: Busy,
}

impl StreamBody {
    /// `length` is what the head announced, `limits` are those of trailers.
    pub(super) fn new(stream: RecvStream, length: ContentLength, limits: SectionLimits) -> Self {
        let content = Content::new(length);
        Self { stream, limits, content, tunnel: false, data_done: false, first: None, answers: None }
    }

    /// Of a tunnel, or of a request for one.
    pub(super) fn of_tunnel(stream: RecvStream, limits: SectionLimits) -> Self {
        Self { tunnel: true, ..Self::new(stream, ContentLength::UNKNOWN, limits) }
    }

    /// Of a response.
    pub(super) fn answering(self, asked: Asked) -> Self {
        Self { answers: Some(asked), ..self }
    }

    /// Looks at what has come with the head, without waiting: most messages end there, and one without content must not
    /// look like one of unknown length.
    ///
    /// # Errors
    /// [`Failure`] when it is malformed or has broken off: such a message goes nowhere.
    pub(super) async fn look_ahead(mut self) -> Result<Self, Failure> {
        let item = std::future::poll_fn(|cx| match self.poll_next(cx) {
            Poll::Ready(item) => Poll::Ready(item),
            Poll::Pending => Poll::Ready(None),
        })
        .await;
        self.first = item.transpose()?;
        Ok(self)
    }

    /// RFC 9113 §8.1.1: waits for the end of a message that has no content, as content would make it malformed.
    ///
    /// # Errors
    /// As [`Self::look_ahead`].
    pub(super) async fn end_where_nothing_comes(mut self) -> Result<Self, Failure> {
        if self.content.awaits_its_end() && self.first.is_none() {
            self.first = std::future::poll_fn(|cx| self.poll_next(cx)).await.transpose()?;
        }
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
        if let Some(asked) = &mut self.answers {
            asked.upload = None;
        }
        Poll::Ready(self.content.take_held().map(Ok))
    }

    /// Reads a part, and returns what of it can go on.
    fn poll_part(&mut self, cx: &mut Context<'_>) -> Poll<Result<Option<Bytes>, Failure>> {
        if !self.data_done {
            match ready!(self.stream.poll_data(cx)) {
                Some(Ok(data)) => {
                    let taken = self.take(data);
                    return Poll::Ready(taken.map_err(|refused| self.refuse(refused)));
                }
                Some(Err(error)) => return Poll::Ready(Err(self.broken_off(&error))),
                None => self.data_done = true,
            }
        }
        let trailers = ready!(self.stream.poll_trailers(cx)).map_err(|error| self.broken_off(&error))?;
        // RFC 9113 §8.5: only DATA follows.
        if trailers.is_some() && self.tunnel {
            return Poll::Ready(Err(match &self.answers {
                None => Failure::DownstreamProtocol(TRAILERS.into()),
                Some(_) => Failure::UpstreamReset(ResetReason::ProtocolError(TRAILERS.to_owned())),
            }));
        }
        let ended = trailers.map_or(Ok(()), |fields| {
            check_trailers(&fields, self.limits)?;
            Ok(self.content.trailers(fields)?)
        });
        let ended = ended.and_then(|()| Ok(self.content.end()?));
        Poll::Ready(ended.map(|()| None).map_err(|refused| self.refuse(refused)))
    }

    fn take(&mut self, data: Bytes) -> Result<Option<Bytes>, Refused> {
        // The stream is known and this much was received on it: h2 cannot refuse.
        let _ = self.stream.flow_control().release_capacity(data.len());
        let now = self.content.data(data)?;
        if self.stream.is_end_stream() {
            self.content.end()?;
        }
        Ok(now)
    }

    fn broken_off(&self, error: &h2::Error) -> Failure {
        if self.answers.is_some() { Failure::UpstreamReset(from_upstream(error)) } else { from_request_body(error) }
    }

    fn refuse(&mut self, what: Refused) -> Failure {
        match &mut self.answers {
            None => refused(what),
            Some(asked) => Failure::UpstreamReset(asked.refuse(what)),
        }
    }
}

impl Asked {
    /// Refuses the response.
    pub(super) fn refuse(&mut self, what: Refused) -> ResetReason {
        if let Some(stream) = &mut self.stream {
            stream.send_reset(match what {
                // RFC 9113 §8.1.1: malformed messages are stream errors of type PROTOCOL_ERROR.
                Refused::Malformed(_) => Reason::PROTOCOL_ERROR,
                Refused::TooMany | Refused::TooLarge => Reason::CANCEL,
            });
        }
        refused_response(what)
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

const TRAILERS: &str = "http2.trailers_of_a_tunnel";
