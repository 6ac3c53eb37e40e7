//! The demo backend's response bodies: each is streamed, none is held whole.

use std::{
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, ready},
    time::Duration,
};

use bytes::Bytes;
use http::{HeaderMap, HeaderValue, header::HeaderName};
use hyper::body::{Body, Frame, Incoming, SizeHint};
use tokio::time::{Sleep, sleep};

use super::io::Flushes;

/// A response's body.
pub(super) enum DemoBody {
    /// This and no more.
    Full(Bytes),
    /// The request's own body, with its trailers.
    Echo(Incoming),
    /// The pattern, from a block that is sent again and again.
    Pattern { block: Bytes, left: u64 },
    /// A line now and then.
    Drip { next: u64, chunks: u64, pause: Duration, wait: Option<Pin<Box<Sleep>>> },
    /// A line, then the trailers.
    Trailers { text: Option<Bytes>, fields: Option<HeaderMap> },
    /// `content` of a length twice as long, then an error once all of it is out.
    Cut { content: Box<DemoBody>, declared: u64, flushes: Arc<Flushes>, flushed: Option<Flush> },
}

type Flush = Pin<Box<dyn Future<Output = ()> + Send>>;

/// The body ended before its length: it was asked to (`/close/N`), or the request that it echoes did.
#[derive(Debug)]
pub(super) enum BodyError {
    /// `/close/N` has sent its N bytes.
    CutOnPurpose,
    /// The request's body ended badly.
    Request(hyper::Error),
}

impl DemoBody {
    pub(super) fn pattern(length: u64) -> Self {
        let repeats = (length / PATTERN.len() as u64 + 1).min(BLOCK_REPEATS);
        // `repeats` is at most `BLOCK_REPEATS`, which any `usize` holds.
        let block = Bytes::from(PATTERN.repeat(usize::try_from(repeats).unwrap_or(1)));
        Self::Pattern { block, left: length }
    }

    pub(super) fn drip(chunks: u64, pause: Duration) -> Self {
        Self::Drip { next: 0, chunks, pause, wait: None }
    }

    pub(super) fn trailers() -> Self {
        let fields = TRAILERS
            .iter()
            .map(|(name, value)| (HeaderName::from_static(name), HeaderValue::from_static(value)))
            .collect();
        Self::Trailers { text: Some(Bytes::from_static(b"two trailers follow\n")), fields: Some(fields) }
    }

    /// Declares `2 * sent` bytes and sends `sent`.
    pub(super) fn cut(sent: u64, flushes: Arc<Flushes>) -> Self {
        Self::Cut { content: Box::new(Self::pattern(sent)), declared: 2 * sent, flushes, flushed: None }
    }
}

impl Body for DemoBody {
    type Data = Bytes;
    type Error = BodyError;

    fn poll_frame(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, BodyError>>> {
        match self.get_mut() {
            Self::Full(bytes) => {
                let bytes = std::mem::take(bytes);
                Poll::Ready((!bytes.is_empty()).then(|| Ok(Frame::data(bytes))))
            }
            Self::Echo(incoming) => Pin::new(incoming).poll_frame(cx).map_err(BodyError::Request),
            Self::Pattern { block, left } => {
                Poll::Ready(next_of_pattern(block, left).map(|data| Ok(Frame::data(data))))
            }
            Self::Drip { next, chunks, pause, wait } => {
                if next == chunks {
                    return Poll::Ready(None);
                }
                if let Some(sleep) = wait {
                    ready!(sleep.as_mut().poll(cx));
                }
                *next += 1;
                *wait = Some(Box::pin(sleep(*pause)));
                Poll::Ready(Some(Ok(Frame::data(Bytes::from(format!("chunk {next} of {chunks}\n"))))))
            }
            Self::Trailers { text, fields } => Poll::Ready(match text.take() {
                Some(text) => Some(Ok(Frame::data(text))),
                None => fields.take().map(|fields| Ok(Frame::trailers(fields))),
            }),
            Self::Cut { content, flushes, flushed, .. } => {
                if let Some(frame) = ready!(Pin::new(content.as_mut()).poll_frame(cx)) {
                    return Poll::Ready(Some(frame));
                }
                let flushed = flushed.get_or_insert_with(|| Box::pin(Arc::clone(flushes).next()));
                ready!(flushed.as_mut().poll(cx));
                Poll::Ready(Some(Err(BodyError::CutOnPurpose)))
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        match self {
            Self::Full(bytes) => bytes.is_empty(),
            Self::Echo(incoming) => incoming.is_end_stream(),
            Self::Pattern { left, .. } => *left == 0,
            Self::Drip { next, chunks, .. } => next == chunks,
            Self::Trailers { text, fields } => text.is_none() && fields.is_none(),
            Self::Cut { .. } => false,
        }
    }

    fn size_hint(&self) -> SizeHint {
        match self {
            Self::Full(bytes) => SizeHint::with_exact(bytes.len() as u64),
            Self::Echo(incoming) => incoming.size_hint(),
            Self::Pattern { left, .. } => SizeHint::with_exact(*left),
            Self::Drip { .. } | Self::Trailers { .. } => SizeHint::default(),
            Self::Cut { declared, .. } => SizeHint::with_exact(*declared),
        }
    }
}

impl std::fmt::Display for BodyError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::CutOnPurpose => f.write_str("the body ends here because /close/N asked for it"),
            Self::Request(source) => write!(f, "the request's body ended before its end: {source}"),
        }
    }
}

impl std::error::Error for BodyError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::CutOnPurpose => None,
            Self::Request(source) => Some(source),
        }
    }
}

/// The byte at `offset` of a `/bytes/N` or `/close/N` body.
#[must_use]
pub fn pattern_byte(offset: u64) -> u8 {
    let place = offset % PATTERN.len() as u64;
    // The remainder is below the pattern's length, so the lookup always finds a byte.
    usize::try_from(place).ok().and_then(|place| PATTERN.get(place)).copied().unwrap_or_default()
}

fn next_of_pattern(block: &Bytes, left: &mut u64) -> Option<Bytes> {
    if *left == 0 {
        return None;
    }
    let length = block.len().min(usize::try_from(*left).unwrap_or(usize::MAX));
    *left -= length as u64;
    Some(block.slice(..length))
}

/// The trailers of `/trailers`.
pub(super) const TRAILERS: [(&str, &str); 2] = [("x-trailer-one", "1"), ("x-trailer-two", "2")];
/// 61 bytes, a prime: a block lost or sent twice shifts what follows.
const PATTERN: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz01234567\n";
/// Patterns in one frame: 61 KiB.
const BLOCK_REPEATS: u64 = 1024;

#[cfg(test)]
mod tests {
    use http_body_util::BodyExt;

    use super::*;

    #[tokio::test]
    async fn the_pattern_goes_on_across_frames() {
        let length = 3 * 61 * 1024 + 7;
        let body = DemoBody::pattern(length);
        assert_eq!(body.size_hint().exact(), Some(length));
        let bytes = body.collect().await.unwrap().to_bytes();
        assert_eq!(bytes.len() as u64, length);
        assert!((0..).zip(&bytes).all(|(offset, byte)| *byte == pattern_byte(offset)));
    }

    #[tokio::test]
    async fn an_empty_pattern_is_at_its_end() {
        assert!(DemoBody::pattern(0).is_end_stream());
    }

    #[tokio::test]
    async fn drips_are_counted() {
        let bytes = DemoBody::drip(2, Duration::ZERO).collect().await.unwrap().to_bytes();
        assert_eq!(bytes, "chunk 1 of 2\nchunk 2 of 2\n");
    }

    #[tokio::test]
    async fn trailers_come_after_the_text() {
        let collected = DemoBody::trailers().collect().await.unwrap();
        let trailers = collected.trailers().unwrap();
        assert_eq!(trailers["x-trailer-one"], "1");
        assert_eq!(trailers["x-trailer-two"], "2");
        assert_eq!(collected.to_bytes(), "two trailers follow\n");
    }
}
