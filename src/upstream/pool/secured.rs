//! The TLS side of a connection to an upstream: what was agreed on, and what broke it.

use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::{Arc, OnceLock};
use std::task::{Context, Poll, ready};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio_rustls::client::TlsStream;

use crate::observe::access_log::Tls;
use crate::tls::{Asked, SslStats};

/// What is known of the TLS of a connection, for logs.
#[derive(Debug)]
pub struct TlsSide {
    /// What the handshake agreed on.
    pub agreed: Tls,
    /// What it asked for.
    pub asked: Arc<Asked>,
    failure: OnceLock<String>,
}

impl TlsSide {
    pub(super) fn new(agreed: Tls, asked: &Arc<Asked>) -> Arc<Self> {
        Arc::new(Self { agreed, asked: Arc::clone(asked), failure: OnceLock::new() })
    }

    /// What broke TLS after the handshake, in words.
    pub(super) fn failure(&self) -> Option<String> {
        self.failure.get().cloned()
    }
}

/// A connection under TLS. What breaks TLS is no fault of HTTP: whoever reads is told that the connection is reset.
#[derive(Debug)]
pub(super) struct Secured<I> {
    io: TlsStream<I>,
    side: Arc<TlsSide>,
    stats: SslStats,
    /// Whether the upstream has sent anything of its own.
    has_spoken: bool,
}

impl<I> Secured<I> {
    pub(super) fn new(io: TlsStream<I>, side: &Arc<TlsSide>, stats: &SslStats) -> Self {
        Self { io, side: Arc::clone(side), stats: stats.clone(), has_spoken: false }
    }

    /// RFC 8446 §6.2: an upstream that refuses this side's certificate may say so only after the handshake.
    fn note(&self, error: io::Error) -> io::Error {
        let is_tls = error.get_ref().is_some_and(<dyn std::error::Error + Send + Sync>::is::<rustls::Error>);
        if !is_tls {
            return error;
        }
        if self.side.failure.get().is_none()
            && let Some(words) = self.stats.failed(&error)
        {
            // Reading and writing may both hear of it: the first counts.
            let _ = self.side.failure.set(words);
        }
        io::Error::new(io::ErrorKind::ConnectionReset, error)
    }
}

impl<I: AsyncRead + AsyncWrite + Unpin> Secured<I> {
    /// Who has closed the connection may have said why before: that is read first. Nothing that the upstream has sent of its
    /// own is lost by it, because it has sent nothing.
    fn not_written<T>(&mut self, error: io::Error, cx: &mut Context<'_>) -> Poll<io::Result<T>> {
        let is_over = matches!(error.kind(), io::ErrorKind::BrokenPipe | io::ErrorKind::ConnectionReset);
        if is_over && !self.has_spoken && self.side.failure.get().is_none() {
            let mut room = [0; 1];
            // What is over can be read to its end, be it in the reactor's next turn.
            if let Err(said) = ready!(Pin::new(&mut self.io).poll_read(cx, &mut ReadBuf::new(&mut room))) {
                self.note(said);
            }
        }
        Poll::Ready(Err(self.note(error)))
    }
}

impl Secured<TcpStream> {
    /// The protocol that the handshake agreed on (RFC 7301).
    pub(super) fn protocol(&self) -> Option<&[u8]> {
        self.io.get_ref().1.alpn_protocol()
    }

    /// This side's end of it.
    pub(super) fn local_address(&self) -> Option<SocketAddr> {
        self.io.get_ref().0.local_addr().ok()
    }

    /// The other end of it.
    pub(super) fn remote_address(&self) -> Option<SocketAddr> {
        self.io.get_ref().0.peer_addr().ok()
    }
}

impl<I: AsyncRead + AsyncWrite + Unpin> AsyncRead for Secured<I> {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, into: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let before = into.filled().len();
        let read = ready!(Pin::new(&mut self.io).poll_read(cx, into));
        self.has_spoken |= into.filled().len() > before;
        Poll::Ready(read.map_err(|error| self.note(error)))
    }
}

impl<I: AsyncRead + AsyncWrite + Unpin> AsyncWrite for Secured<I> {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        match ready!(Pin::new(&mut self.io).poll_write(cx, bytes)) {
            Ok(length) => Poll::Ready(Ok(length)),
            Err(error) => self.not_written(error, cx),
        }
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        match ready!(Pin::new(&mut self.io).poll_write_vectored(cx, bytes)) {
            Ok(length) => Poll::Ready(Ok(length)),
            Err(error) => self.not_written(error, cx),
        }
    }

    fn is_write_vectored(&self) -> bool {
        self.io.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match ready!(Pin::new(&mut self.io).poll_flush(cx)) {
            Ok(()) => Poll::Ready(Ok(())),
            Err(error) => self.not_written(error, cx),
        }
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let ended = ready!(Pin::new(&mut self.io).poll_shutdown(cx));
        Poll::Ready(ended.map_err(|error| self.note(error)))
    }
}
