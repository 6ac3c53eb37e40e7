//! The body pump: one for both multiplexed versions, with the peer's flow control as its only pace.

use std::future::poll_fn;
use std::pin::{Pin, pin};
use std::task::Poll;
use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, StatusCode};
use http_body::Body as _;

use super::Handler;
use crate::http::{Body, Failure};

/// Where a body is written to: the sending half of a stream.
pub(super) trait Sink {
    /// Writes a chunk as far as flow control lets it; returns when it has been taken. `last` ends the stream with it.
    fn data(&mut self, chunk: Bytes, last: bool) -> impl Future<Output = Result<(), Gone>> + Send;

    /// Writes trailers and ends the stream.
    fn trailers(&mut self, fields: HeaderMap) -> impl Future<Output = Result<(), Gone>> + Send;

    /// Ends the stream.
    fn finish(&mut self) -> impl Future<Output = Result<(), Gone>> + Send;

    /// Breaks the stream off, after what was written: the peer must not take what came for the whole.
    fn fail(&mut self, failure: &Failure) -> impl Future<Output = ()> + Send;

    /// Resolves when the peer wants no more. What the sink held back goes out meanwhile. Cancel-safe.
    fn gone(&mut self) -> impl Future<Output = Gone> + Send;
}

/// The peer takes no more.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Gone {
    /// It reset this stream.
    Stream,
    /// The connection is no more.
    Connection,
    /// It has not read on for too long.
    Stalled,
}

/// Waits for the peer to take more, for as long as it may.
///
/// # Errors
/// [`Gone::Stalled`] when that was not long enough.
pub(super) async fn patient<T>(patience: Option<Duration>, taken: impl Future<Output = T>) -> Result<T, Gone> {
    let Some(patience) = patience else { return Ok(taken.await) };
    let mut taken = pin!(taken);
    // Most of what is written is taken at once: no timer is made for it.
    match poll_fn(|cx| Poll::Ready(taken.as_mut().poll(cx))).await {
        Poll::Ready(output) => Ok(output),
        Poll::Pending => tokio::time::timeout(patience, taken).await.map_err(|_| Gone::Stalled),
    }
}

/// Writes `body` to `sink` to its end. A body that fails resets the stream.
///
/// # Errors
/// [`Gone`] when the peer left first: see [`abandon`].
pub(super) async fn pump(body: &mut Body, sink: &mut impl Sink) -> Result<(), Gone> {
    if body.is_end_stream() {
        return sink.finish().await;
    }
    loop {
        let frame = tokio::select! {
            biased;
            frame = next(body) => frame,
            gone = sink.gone() => return Err(gone),
        };
        match frame {
            None => return sink.finish().await,
            Some(Err(failure)) => {
                sink.fail(&failure).await;
                return Ok(());
            }
            Some(Ok(frame)) => match frame.into_data() {
                Ok(chunk) => {
                    let last = body.is_end_stream();
                    sink.data(chunk, last).await?;
                    if last {
                        return Ok(());
                    }
                }
                Err(frame) => {
                    if let Ok(fields) = frame.into_trailers() {
                        return sink.trailers(fields).await;
                    }
                }
            },
        }
    }
}

/// Drops what the peer no longer wants, and lets the handler know how it left.
pub(super) fn abandon<H: Handler>(handler: &H, gone: Gone, dropped: impl Sized) {
    match gone {
        Gone::Stream => {
            handler.resetting(true);
            drop(dropped);
            handler.resetting(false);
        }
        Gone::Connection => handler.lost(),
        Gone::Stalled => {}
    }
}

/// The status as a version without upgrades has it. RFC 8441 §5, RFC 9220 §3: a tunnel is granted by 2xx.
pub(super) fn multiplexed(status: StatusCode) -> StatusCode {
    if status == StatusCode::SWITCHING_PROTOCOLS { StatusCode::OK } else { status }
}

async fn next(body: &mut Body) -> Option<Result<http_body::Frame<Bytes>, Failure>> {
    poll_fn(|cx| Pin::new(&mut *body).poll_frame(cx)).await
}
