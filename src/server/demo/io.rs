//! The demo backend's stream: a TCP stream that tells when all that was written has left the process.
//!
//! `/close/N` needs it: the body that dies after N bytes must not take bytes with it that hyper still buffers.

use std::{
    io,
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    task::{Context, Poll},
};

use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    net::TcpStream,
    sync::Notify,
};

/// Waits for, and tells of, the next complete flush of one connection.
#[derive(Debug, Default)]
pub(super) struct Flushes {
    awaited: AtomicBool,
    done: Notify,
}

impl Flushes {
    /// Ready once everything written before this call was handed to the system.
    pub(super) async fn next(self: Arc<Self>) {
        self.awaited.store(true, Ordering::Release);
        self.done.notified().await;
    }

    fn flushed(&self) {
        if self.awaited.swap(false, Ordering::AcqRel) {
            self.done.notify_one();
        }
    }
}

/// A TCP stream whose complete flushes are told to `Flushes`.
#[derive(Debug)]
pub(super) struct WatchedStream {
    stream: TcpStream,
    flushes: Arc<Flushes>,
}

impl WatchedStream {
    pub(super) fn new(stream: TcpStream, flushes: Arc<Flushes>) -> Self {
        Self { stream, flushes }
    }
}

impl AsyncRead for WatchedStream {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(cx, buf)
    }
}

impl AsyncWrite for WatchedStream {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(cx, buf)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write_vectored(cx, bufs)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    // hyper calls this only after its own write buffer is empty.
    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let flushed = Pin::new(&mut self.stream).poll_flush(cx);
        if matches!(flushed, Poll::Ready(Ok(()))) {
            self.flushes.flushed();
        }
        flushed
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}
