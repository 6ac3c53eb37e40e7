//! HTTP/1 or HTTP/2 on a connection that has not said: HTTP/2 begins with its connection preface.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::{Buf, Bytes};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, ReadBuf};

/// RFC 9113 §3.4: the first bytes that an HTTP/2 client sends.
const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

/// Reads as much as tells HTTP/2 from HTTP/1 and returns whether it is HTTP/2, with what was read put back.
///
/// # Errors
/// What the transport says while reading.
pub async fn starts_http2<I: AsyncRead + Unpin>(mut io: I) -> io::Result<(bool, Prefixed<I>)> {
    let mut read = [0_u8; PREFACE.len()];
    let mut filled = 0;
    while let Some(rest) = read.get_mut(filled..).filter(|rest| !rest.is_empty()) {
        let count = io.read(rest).await?;
        filled += count;
        let same = read.iter().zip(PREFACE).take(filled).all(|(read, known)| read == known);
        if count == 0 || !same {
            break;
        }
    }
    let seen = read.get(..filled).unwrap_or_default();
    Ok((seen == PREFACE, Prefixed { prefix: Bytes::copy_from_slice(seen), io }))
}

/// A transport with some bytes put back in front.
#[derive(Debug)]
pub struct Prefixed<I> {
    prefix: Bytes,
    io: I,
}

impl<I> Prefixed<I> {
    /// Reads `prefix`, and then from `io`.
    pub fn new(prefix: Bytes, io: I) -> Self {
        Self { prefix, io }
    }
}

impl<I: AsyncRead + Unpin> AsyncRead for Prefixed<I> {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        if self.prefix.has_remaining() {
            let count = self.prefix.len().min(buf.remaining());
            buf.put_slice(&self.prefix.split_to(count));
            return Poll::Ready(Ok(()));
        }
        Pin::new(&mut self.io).poll_read(cx, buf)
    }
}

impl<I: AsyncWrite + Unpin> AsyncWrite for Prefixed<I> {
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

#[cfg(test)]
mod tests {
    use super::*;

    async fn detect(sent: &[u8]) -> (bool, Vec<u8>) {
        let (http2, mut io) = starts_http2(sent).await.unwrap();
        let mut all = Vec::new();
        io.read_to_end(&mut all).await.unwrap();
        (http2, all)
    }

    #[tokio::test]
    async fn rfc9113_3_4_the_preface_is_http2_and_nothing_is_lost() {
        let mut sent = PREFACE.to_vec();
        sent.extend_from_slice(b"more");
        assert_eq!(detect(&sent).await, (true, sent.clone()));
        for other in [&b"GET / HTTP/1.1\r\n\r\n"[..], b"PRI / HTTP/1.1\r\n\r\n", b"P", b""] {
            assert_eq!(detect(other).await, (false, other.to_vec()));
        }
    }
}
