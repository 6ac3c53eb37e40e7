//! A body without its trailers: HTTP/1.1 that was agreed on only after the request had begun, with `enable_trailers` unset.

use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use http_body::{Body as _, Frame, SizeHint};

use crate::http::{Body, Failure};

/// Passes content on, and ends where trailers begin.
struct Untrailed(Body);

/// The same body without trailers.
pub(super) fn untrailed(body: Body) -> Body {
    if body.is_end_stream() { body } else { Body::boxed(Untrailed(body)) }
}

impl http_body::Body for Untrailed {
    type Data = Bytes;
    type Error = Failure;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Failure>>> {
        let item = ready!(Pin::new(&mut self.0).poll_frame(cx));
        Poll::Ready(item.filter(|item| !item.as_ref().is_ok_and(Frame::is_trailers)))
    }

    fn is_end_stream(&self) -> bool {
        self.0.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.0.size_hint()
    }
}
