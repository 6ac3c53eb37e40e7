//! The body of an HTTP/2 request as it arrives.

use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use h2::RecvStream;
use http_body::{Frame, SizeHint};

use super::error::from_request_body;
use crate::http::Failure;

/// Reads a stream; credit goes back to the peer as data is taken, so that flow control spans the gateway.
pub(super) struct StreamBody {
    stream: RecvStream,
    content_length: Option<u64>,
    data_done: bool,
}

impl StreamBody {
    /// `content_length` is what the head declared; h2 itself checks it against what comes.
    pub(super) fn new(stream: RecvStream, content_length: Option<u64>) -> Self {
        Self { stream, content_length, data_done: false }
    }
}

impl http_body::Body for StreamBody {
    type Data = Bytes;
    type Error = Failure;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Failure>>> {
        if !self.data_done {
            match ready!(self.stream.poll_data(cx)) {
                Some(Ok(data)) => {
                    // The stream is known and this much was received on it: h2 cannot refuse.
                    let _ = self.stream.flow_control().release_capacity(data.len());
                    self.content_length = self.content_length.map(|left| left.saturating_sub(data.len() as u64));
                    return Poll::Ready(Some(Ok(Frame::data(data))));
                }
                Some(Err(error)) => return Poll::Ready(Some(Err(from_request_body(&error)))),
                None => self.data_done = true,
            }
        }
        match ready!(self.stream.poll_trailers(cx)) {
            Ok(Some(fields)) => Poll::Ready(Some(Ok(Frame::trailers(fields)))),
            Ok(None) => Poll::Ready(None),
            Err(error) => Poll::Ready(Some(Err(from_request_body(&error)))),
        }
    }

    fn is_end_stream(&self) -> bool {
        self.stream.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.content_length.map_or_else(SizeHint::new, SizeHint::with_exact)
    }
}
