//! The body of an HTTP/3 request as it arrives.

use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::{Buf, Bytes};
use h3::server::RequestStream;
use http_body::{Frame, SizeHint};

use super::error::from_request_body;
use crate::http::Failure;

/// The receiving half of a request stream.
pub(super) type Receiver = RequestStream<h3_quinn::RecvStream, Bytes>;

/// Reads a stream frame by frame; QUIC's flow control holds the peer back while nobody polls.
pub(super) struct StreamBody {
    stream: Receiver,
    content_length: Option<u64>,
    phase: Phase,
    /// What was there when the head was read.
    first: Option<Result<Frame<Bytes>, Failure>>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Phase {
    Data,
    Trailers,
    Done,
}

impl StreamBody {
    /// `content_length` is what the head declared.
    pub(super) fn new(stream: Receiver, content_length: Option<u64>) -> Self {
        Self { stream, content_length, phase: Phase::Data, first: None }
    }

    /// Looks at what has come with the head, without waiting: most requests end there, and one without content must not
    /// look like one of unknown length.
    pub(super) async fn look_ahead(mut self) -> Self {
        std::future::poll_fn(|cx| {
            if let Poll::Ready(item) = self.poll_data(cx) {
                self.first = item;
            }
            Poll::Ready(())
        })
        .await;
        self
    }

    fn poll_data(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Failure>>> {
        match ready!(self.stream.poll_recv_data(cx)) {
            Ok(Some(mut data)) => {
                let data = data.copy_to_bytes(data.remaining());
                if let Some(left) = self.content_length {
                    let Some(left) = left.checked_sub(data.len() as u64) else {
                        return self.fail("http3.content_length_mismatch");
                    };
                    self.content_length = Some(left);
                }
                Poll::Ready(Some(Ok(Frame::data(data))))
            }
            Ok(None) if self.content_length.is_some_and(|left| left > 0) => {
                // RFC 9114 §4.1.2: content shorter than content-length makes the message malformed.
                self.fail("http3.content_length_mismatch")
            }
            Ok(None) => {
                self.phase = Phase::Trailers;
                self.poll_trailers(cx)
            }
            Err(error) => {
                self.phase = Phase::Done;
                Poll::Ready(Some(Err(from_request_body(&error))))
            }
        }
    }

    fn poll_trailers(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Failure>>> {
        let trailers = ready!(self.stream.poll_recv_trailers(cx));
        self.phase = Phase::Done;
        match trailers {
            Ok(Some(fields)) => Poll::Ready(Some(Ok(Frame::trailers(fields)))),
            Ok(None) => Poll::Ready(None),
            Err(error) => Poll::Ready(Some(Err(from_request_body(&error)))),
        }
    }

    fn fail(&mut self, details: &'static str) -> Poll<Option<Result<Frame<Bytes>, Failure>>> {
        self.phase = Phase::Done;
        Poll::Ready(Some(Err(Failure::DownstreamProtocol(details.into()))))
    }
}

impl http_body::Body for StreamBody {
    type Data = Bytes;
    type Error = Failure;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Failure>>> {
        if let Some(first) = self.first.take() {
            return Poll::Ready(Some(first));
        }
        match self.phase {
            Phase::Data => self.poll_data(cx),
            Phase::Trailers => self.poll_trailers(cx),
            Phase::Done => Poll::Ready(None),
        }
    }

    fn is_end_stream(&self) -> bool {
        self.phase == Phase::Done && self.first.is_none()
    }

    fn size_hint(&self) -> SizeHint {
        let read = self.first.as_ref().and_then(|first| first.as_ref().ok()?.data_ref()).map_or(0, Bytes::len);
        self.content_length.map_or_else(SizeHint::new, |left| SizeHint::with_exact(left + read as u64))
    }
}

impl Drop for StreamBody {
    fn drop(&mut self) {
        if self.phase != Phase::Done {
            // RFC 9114 §4.1: a server that needs no more of a request says so with H3_NO_ERROR.
            self.stream.stop_sending(h3::error::Code::H3_NO_ERROR);
        }
    }
}
