//! One streaming body for all versions: data frames, then perhaps trailers, or a [`Failure`].
//!
//! It is polled by whoever writes it on: hyper for HTTP/1, the body pump in `codec` for HTTP/2 and HTTP/3. No channel
//! stands between reader and writer, so a slow reader stops the sender by flow control. Dropping a body before its end
//! cancels what feeds it.

use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use http_body::{Frame, SizeHint};

use super::Failure;

/// A request of any version.
pub type Request = http::Request<Body>;

/// A response of any version.
pub type Response = http::Response<Body>;

/// The body of a message of any version.
#[derive(Default)]
pub enum Body {
    /// No content.
    #[default]
    Empty,
    /// Content that is all here: local replies.
    Full(Bytes),
    /// Content that hyper reads: HTTP/1.
    Hyper(hyper::body::Incoming, fn(hyper::Error) -> Failure),
    /// Content that another reader or wrapper provides: one allocation a message that has content.
    Boxed(Pin<Box<dyn http_body::Body<Data = Bytes, Error = Failure> + Send>>),
}

impl Body {
    /// Wraps any body of our kind.
    pub fn boxed(body: impl http_body::Body<Data = Bytes, Error = Failure> + Send + 'static) -> Self {
        Self::Boxed(Box::pin(body))
    }
}

impl From<&'static str> for Body {
    fn from(text: &'static str) -> Self {
        Self::from(Bytes::from_static(text.as_bytes()))
    }
}

impl From<Bytes> for Body {
    fn from(content: Bytes) -> Self {
        if content.is_empty() { Self::Empty } else { Self::Full(content) }
    }
}

impl http_body::Body for Body {
    type Data = Bytes;
    type Error = Failure;

    fn poll_frame(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Failure>>> {
        let body = self.get_mut();
        match body {
            Self::Empty => Poll::Ready(None),
            Self::Full(content) => {
                let content = std::mem::take(content);
                *body = Self::Empty;
                Poll::Ready(Some(Ok(Frame::data(content))))
            }
            Self::Hyper(incoming, failure) => {
                let failure = *failure;
                Pin::new(incoming).poll_frame(cx).map_err(failure)
            }
            Self::Boxed(inner) => inner.as_mut().poll_frame(cx),
        }
    }

    fn is_end_stream(&self) -> bool {
        match self {
            Self::Empty => true,
            Self::Full(_) => false,
            Self::Hyper(incoming, _) => incoming.is_end_stream(),
            Self::Boxed(inner) => inner.is_end_stream(),
        }
    }

    fn size_hint(&self) -> SizeHint {
        match self {
            Self::Empty => SizeHint::with_exact(0),
            Self::Full(content) => SizeHint::with_exact(content.len() as u64),
            Self::Hyper(incoming, _) => incoming.size_hint(),
            Self::Boxed(inner) => inner.size_hint(),
        }
    }
}

impl std::fmt::Debug for Body {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let arm = match self {
            Self::Empty => "Empty",
            Self::Full(_) => "Full",
            Self::Hyper(..) => "Hyper",
            Self::Boxed(_) => "Boxed",
        };
        f.write_str(arm)
    }
}

#[cfg(test)]
mod tests {
    use http_body_util::BodyExt;

    use super::*;

    #[tokio::test]
    async fn full_content_comes_once() {
        let mut body = Body::from("hello");
        assert!(!http_body::Body::is_end_stream(&body));
        let frame = body.frame().await.unwrap().unwrap();
        assert_eq!(frame.into_data().unwrap(), "hello");
        assert!(http_body::Body::is_end_stream(&body));
        assert!(body.frame().await.is_none());
    }

    #[test]
    fn no_content_is_the_end() {
        assert!(http_body::Body::is_end_stream(&Body::from(Bytes::new())));
    }
}
