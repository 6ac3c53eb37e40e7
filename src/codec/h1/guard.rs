//! The watch on an HTTP/1 connection: the head of a request must not dribble, and a response must be read.
//!
//! hyper's own timer for heads also runs while a kept-alive connection is idle; this one starts with the first byte of a
//! head and stops when the request has begun. hyper has none for a client that does not read. It stands between hyper and
//! the transport, and writes what hyper cannot: see [`Aside`].

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::{Buf as _, Bytes};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::Sleep;

use super::aside::Aside;
use crate::codec::{Activity, ServerLimits};

/// A transport that gives up when a request head takes too long from its first byte on, or a write makes no progress.
pub(super) struct Guard<I> {
    io: I,
    activity: Arc<Activity>,
    headers_timeout: Option<Duration>,
    write_timeout: Option<Duration>,
    head: Option<Head>,
    stalled: Option<Pin<Box<Sleep>>>,
    expired: bool,
    aside: Arc<Aside>,
    /// What goes out before anything of hyper's.
    first: Bytes,
}

struct Head {
    /// How many requests had been served when the first byte came: one more means that the head is complete.
    served: u64,
    deadline: Pin<Box<Sleep>>,
}

impl<I> Guard<I> {
    pub(super) fn new(io: I, activity: Arc<Activity>, aside: Arc<Aside>, limits: &ServerLimits) -> Self {
        Self {
            io,
            activity,
            headers_timeout: limits.headers_timeout,
            write_timeout: limits.write_timeout,
            head: None,
            stalled: None,
            expired: false,
            aside,
            first: Bytes::new(),
        }
    }

    /// Whether a head took too long.
    pub(super) fn expired(&self) -> bool {
        self.expired
    }

    fn check(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let Some(head) = &mut self.head else { return Poll::Pending };
        if self.activity.served() != head.served {
            self.head = None;
            return Poll::Pending;
        }
        if head.deadline.as_mut().poll(cx).is_pending() {
            return Poll::Pending;
        }
        self.expired = true;
        Poll::Ready(Err(io::ErrorKind::TimedOut.into()))
    }

    /// Puts a limit on how long a write may go on without progress.
    fn patient<T>(&mut self, written: Poll<io::Result<T>>, cx: &mut Context<'_>) -> Poll<io::Result<T>> {
        if written.is_ready() {
            self.stalled = None;
            return written;
        }
        let Some(timeout) = self.write_timeout else { return Poll::Pending };
        let stalled = self.stalled.get_or_insert_with(|| Box::pin(tokio::time::sleep(timeout)));
        stalled.as_mut().poll(cx).map(|()| Err(io::ErrorKind::TimedOut.into()))
    }

    fn begin_head(&mut self, cx: &mut Context<'_>) {
        let Some(timeout) = self.headers_timeout else { return };
        if self.head.is_none() && self.activity.open() == 0 {
            let mut deadline = Box::pin(tokio::time::sleep(timeout));
            // Registers the waker; a timeout of zero shows at the next read.
            let _ = deadline.as_mut().poll(cx);
            self.head = Some(Head { served: self.activity.served(), deadline });
        }
    }
}

impl<I: AsyncRead + Unpin> AsyncRead for Guard<I> {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let before = buf.filled().len();
        match Pin::new(&mut self.io).poll_read(cx, buf) {
            Poll::Pending => self.check(cx),
            Poll::Ready(Ok(())) if buf.filled().len() > before => {
                self.begin_head(cx);
                Poll::Ready(Ok(()))
            }
            ready @ Poll::Ready(_) => ready,
        }
    }
}

impl<I: AsyncWrite + Unpin> Guard<I> {
    /// Writes what goes out before anything of hyper's. What was begun is said to its end.
    fn poll_first(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        while !self.first.is_empty() {
            let written = Pin::new(&mut self.io).poll_write(cx, &self.first);
            match ready!(self.patient(written, cx))? {
                0 => return Poll::Ready(Err(io::ErrorKind::WriteZero.into())),
                written => self.first.advance(written),
            }
        }
        Poll::Ready(Ok(()))
    }
}

impl<I: AsyncWrite + Unpin> AsyncWrite for Guard<I> {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        ready!(self.poll_first(cx))?;
        let kept_back = self.aside.kept_back(buf);
        if kept_back > 0 {
            return Poll::Ready(Ok(kept_back));
        }
        let written = Pin::new(&mut self.io).poll_write(cx, buf);
        self.patient(written, cx)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        loop {
            ready!(self.poll_first(cx))?;
            self.first = self.aside.flushed();
            if self.first.is_empty() {
                break;
            }
        }
        let flushed = Pin::new(&mut self.io).poll_flush(cx);
        self.patient(flushed, cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        ready!(self.poll_first(cx))?;
        Pin::new(&mut self.io).poll_shutdown(cx)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        ready!(self.poll_first(cx))?;
        let kept_back = bufs.iter().find(|buf| !buf.is_empty()).map_or(0, |buf| self.aside.kept_back(buf));
        if kept_back > 0 {
            return Poll::Ready(Ok(kept_back));
        }
        let written = Pin::new(&mut self.io).poll_write_vectored(cx, bufs);
        self.patient(written, cx)
    }

    fn is_write_vectored(&self) -> bool {
        self.io.is_write_vectored()
    }
}
