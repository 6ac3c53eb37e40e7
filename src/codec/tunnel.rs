//! The ends of a tunnel where it is bytes: an upstream connection that is a tunnel from now on, and a client of HTTP/1.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use http_body::Frame;
use http_body_util::BodyExt as _;
use tokio::io::{AsyncRead, AsyncWrite, AsyncWriteExt as _, ReadBuf, WriteHalf, split};
use tokio::sync::mpsc;

use crate::http::{Body, Failure, ResetReason, Tunnel};

/// A transport to an upstream as a tunnel: what comes from there, and what takes what goes there. As long as one of them is used,
/// `held` is kept.
pub fn over<I, H>(io: I, held: H) -> (Body, Tunnel)
where
    I: AsyncRead + AsyncWrite + Send + 'static,
    H: Send + Sync + 'static,
{
    let (reader, writer) = split(io);
    let (held, buffer) = (Arc::new(held), vec![0; BUFFER].into());
    let reading = Reading { io: reader, buffer, _held: Arc::clone(&held) };
    (Body::boxed(reading), Tunnel::new(|body| write(body, writer, held)))
}

/// Writes all of a body, then ends that direction.
async fn write<I: AsyncWrite, H>(mut body: Body, mut writer: WriteHalf<I>, _held: Arc<H>) {
    while let Some(frame) = body.frame().await {
        // One that broke off ends with the transport, when the other half goes as well.
        let Ok(frame) = frame else { return };
        let Some(data) = frame.data_ref() else { continue };
        if writer.write_all(data).await.is_err() || writer.flush().await.is_err() {
            return;
        }
    }
    let _ = writer.shutdown().await;
}

/// What comes from a transport, up to its end.
struct Reading<R, H> {
    io: R,
    buffer: Box<[u8]>,
    _held: Arc<H>,
}

impl<R: AsyncRead + Unpin, H> http_body::Body for Reading<R, H> {
    type Data = Bytes;
    type Error = Failure;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Failure>>> {
        let Self { io, buffer, .. } = &mut *self;
        let mut read = ReadBuf::new(buffer);
        match ready!(Pin::new(io).poll_read(cx, &mut read)) {
            Ok(()) if read.filled().is_empty() => Poll::Ready(None),
            Ok(()) => Poll::Ready(Some(Ok(Frame::data(Bytes::copy_from_slice(read.filled()))))),
            Err(_) => Poll::Ready(Some(Err(Failure::UpstreamReset(ResetReason::ConnectionTermination)))),
        }
    }
}

/// What a client of HTTP/1 says through its tunnel: given by who reads its connection, taken as a body. One chunk waits at most.
#[derive(Debug)]
pub struct Feed(mpsc::Sender<Option<Bytes>>);

/// Nobody takes any more.
#[derive(Debug)]
pub struct NobodyListens;

/// The two ends of a feed.
#[must_use]
pub fn feed() -> (Feed, Body) {
    let (sender, receiver) = mpsc::channel(1);
    (Feed(sender), Body::boxed(Fed { receiver, ended: false }))
}

impl Feed {
    /// Gives what came, as soon as there is room.
    ///
    /// # Errors
    /// [`NobodyListens`] when the other end is gone.
    pub async fn data(&self, data: Bytes) -> Result<(), NobodyListens> {
        self.0.send(Some(data)).await.map_err(|_| NobodyListens)
    }

    /// The client has said all. Dropped without, it has broken off.
    pub async fn finish(self) {
        // Who does not listen needs no end.
        let _ = self.0.send(None).await;
    }

    /// Resolves when nobody listens any more.
    pub async fn closed(&self) {
        self.0.closed().await;
    }
}

struct Fed {
    receiver: mpsc::Receiver<Option<Bytes>>,
    ended: bool,
}

impl http_body::Body for Fed {
    type Data = Bytes;
    type Error = Failure;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Failure>>> {
        if self.ended {
            return Poll::Ready(None);
        }
        let said = ready!(self.receiver.poll_recv(cx));
        self.ended = !matches!(said, Some(Some(_)));
        Poll::Ready(match said {
            Some(Some(data)) => Some(Ok(Frame::data(data))),
            Some(None) => None,
            None => Some(Err(Failure::DownstreamClosed)),
        })
    }

    fn is_end_stream(&self) -> bool {
        self.ended
    }
}

/// Bytes that are read from an upstream at once.
const BUFFER: usize = 16 * 1024;
