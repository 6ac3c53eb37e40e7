//! The watch on the reading side of an HTTP/1 connection: the head of a request must not dribble.
//!
//! hyper's own timer also runs while a kept-alive connection is idle; this one starts with the first byte of a head
//! and stops when the request has begun. It stands between hyper and the transport.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::Sleep;

use crate::codec::Activity;

/// A transport whose reader gives up when a request head takes longer than `timeout` from its first byte on.
pub(super) struct Guard<I> {
    io: I,
    activity: Arc<Activity>,
    timeout: Option<Duration>,
    head: Option<Head>,
    expired: bool,
}

struct Head {
    /// How many requests had been served when the first byte came: one more means that the head is complete.
    served: u64,
    deadline: Pin<Box<Sleep>>,
}

impl<I> Guard<I> {
    pub(super) fn new(io: I, activity: Arc<Activity>, timeout: Option<Duration>) -> Self {
        Self { io, activity, timeout, head: None, expired: false }
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

    fn begin_head(&mut self, cx: &mut Context<'_>) {
        let Some(timeout) = self.timeout else { return };
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

impl<I: AsyncWrite + Unpin> AsyncWrite for Guard<I> {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.io).poll_write(cx, buf)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.io).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.io).poll_shutdown(cx)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.io).poll_write_vectored(cx, bufs)
    }

    fn is_write_vectored(&self) -> bool {
        self.io.is_write_vectored()
    }
}
