//! Tunnels of HTTP/1 clients: CONNECT (RFC 9110 §9.3.6) and upgrades (RFC 9110 §7.8).
//!
//! The server codec asks each request what it wants ([`Asking`]). What the client says before it is answered stays unread; once a
//! tunnel is granted hyper has done its part, and what is left of the connection is pumped both ways ([`Granted`]).

use std::sync::{Mutex, PoisonError};

use bytes::{Bytes, BytesMut};
use http::header::{CONNECTION, CONTENT_LENGTH, TRANSFER_ENCODING, UPGRADE};
use http::request::Parts;
use http::{HeaderMap, HeaderValue, Method, StatusCode};
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _, ReadHalf, WriteHalf, split};

use crate::codec::pump::{Gone, Sink, pump};
use crate::codec::tunnel::Feed;
use crate::codec::{Ended, Ending, Handler, Lifetime, target};
use crate::http::{Body, ConnectProtocol, Failure, Response};

/// What a request asks for beside its answer.
pub(super) enum Asking {
    Connect,
    Upgrade(ConnectProtocol),
}

impl Asking {
    /// What this request asks for; it says so in its extensions from now on.
    ///
    /// # Errors
    /// [`Failure::DownstreamProtocol`] when it asks with content: where that ends and the tunnel begins is not known to all alike.
    pub(super) fn of(parts: &mut Parts, content: &impl http_body::Body) -> Result<Option<Self>, Failure> {
        // The gateway does not use hyper's way.
        parts.extensions.remove::<hyper::upgrade::OnUpgrade>();
        let bare = content.is_end_stream();
        if parts.method == Method::CONNECT {
            // RFC 9110 §9.3.6: a CONNECT has no content.
            let fault = Failure::DownstreamProtocol("http1.connect_with_content".into());
            return if bare { Ok(Some(Self::Connect)) } else { Err(fault) };
        }
        // RFC 9110 §7.8: a client of HTTP/1.0 cannot ask.
        let asked = target::upgrade(&parts.headers).filter(|_| bare && parts.version == http::Version::HTTP_11);
        Ok(asked.map(|protocol| {
            parts.extensions.insert(protocol.clone());
            Self::Upgrade(protocol)
        }))
    }

    /// Makes an answer one for HTTP/1. Where it grants what was asked for, the rest of the connection is a tunnel.
    pub(super) fn answered(self, response: Response, feed: Feed, opened: &Opened) -> Response {
        let (mut head, content) = response.into_parts();
        let granted = match &self {
            Self::Connect => head.status.is_success(),
            Self::Upgrade(_) => head.status == StatusCode::SWITCHING_PROTOCOLS,
        };
        if !granted {
            // What the client has said meanwhile may be no HTTP: nothing of it is looked at.
            head.headers.insert(CONNECTION, HeaderValue::from_static("close"));
            return Response::from_parts(head, content);
        }
        // RFC 9110 §8.6, RFC 9112 §6.1: there is no content.
        head.headers.remove(CONTENT_LENGTH);
        head.headers.remove(TRANSFER_ENCODING);
        head.headers.remove(CONNECTION);
        if let Self::Upgrade(protocol) = &self
            && let Ok(token) = HeaderValue::from_bytes(protocol.as_bytes())
        {
            head.headers.insert(CONNECTION, HeaderValue::from_static("upgrade"));
            head.headers.insert(UPGRADE, token);
        }
        opened.put(Granted { feed, content });
        Response::from_parts(head, Body::Empty)
    }
}

/// Where a granted tunnel waits for the end of hyper's part.
#[derive(Default)]
pub(super) struct Opened(Mutex<Option<Granted>>);

impl Opened {
    fn put(&self, granted: Granted) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(granted);
    }

    pub(super) fn take(&self) -> Option<Granted> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).take()
    }
}

/// A tunnel that was granted.
pub(super) struct Granted {
    /// Takes what the client says.
    feed: Feed,
    /// What is said to it.
    content: Body,
}

impl Granted {
    /// Pumps both directions until both have ended. `read` is what hyper has read beyond the request.
    pub(super) async fn run<I, H>(self, io: I, read: Bytes, handler: &H, mut lifetime: Lifetime) -> Ended
    where
        I: AsyncRead + AsyncWrite + Send,
        H: Handler,
    {
        let (reader, writer) = split(io);
        let Self { feed, mut content } = self;
        let both = async {
            tokio::try_join!(listen(reader, read, feed), async {
                let mut sink = Writing { writer, failed: false };
                let pumped = pump(&mut content, &mut sink).await;
                // The client has left, or has to be left: it must not take what came for all.
                if pumped.is_err() || sink.failed { Err(Over) } else { Ok(()) }
            })
        };
        let mut both = std::pin::pin!(both);
        let ended = loop {
            tokio::select! {
                biased;
                over = &mut both => break if over.is_ok() { Ended::Done } else { Ended::Broken("a tunnel broke off".into()) },
                ending = lifetime.ending() => match ending {
                    // It goes on for as long as it may.
                    Ending::Drain | Ending::MaxDuration => {}
                    Ending::Idle => break Ended::Idle,
                    Ending::Settled => break Ended::Told,
                    Ending::TooManyResets | Ending::Now => break Ended::Forced,
                },
            }
        };
        handler.lost();
        ended
    }
}

/// The tunnel is over before both directions ended.
struct Over;

/// Passes on what the client says.
async fn listen<I: AsyncRead>(mut reader: ReadHalf<I>, read: Bytes, feed: Feed) -> Result<(), Over> {
    let mut buffer = BytesMut::new();
    if !read.is_empty() && feed.data(read).await.is_err() {
        return Ok(());
    }
    loop {
        buffer.reserve(BUFFER);
        let came = tokio::select! {
            came = reader.read_buf(&mut buffer) => came.map_err(|_| Over)?,
            // The upstream takes no more; what it says yet goes on.
            () = feed.closed() => return Ok(()),
        };
        if came == 0 {
            feed.finish().await;
            return Ok(());
        }
        if feed.data(buffer.split().freeze()).await.is_err() {
            return Ok(());
        }
    }
}

/// The client's connection as a sink.
struct Writing<I> {
    writer: WriteHalf<I>,
    failed: bool,
}

impl<I: AsyncWrite + Send> Sink for Writing<I> {
    async fn data(&mut self, chunk: Bytes, last: bool) -> Result<(), Gone> {
        self.writer.write_all(&chunk).await.map_err(|_| Gone::Connection)?;
        self.writer.flush().await.map_err(|_| Gone::Connection)?;
        if last { self.finish().await } else { Ok(()) }
    }

    async fn trailers(&mut self, _: HeaderMap) -> Result<(), Gone> {
        self.finish().await
    }

    async fn finish(&mut self) -> Result<(), Gone> {
        self.writer.shutdown().await.map_err(|_| Gone::Connection)
    }

    async fn fail(&mut self, _: &Failure) {
        self.failed = true;
    }

    async fn gone(&mut self) -> Gone {
        // Who reads the connection sees it.
        std::future::pending().await
    }
}

/// Bytes that are read from a client at once.
const BUFFER: usize = 16 * 1024;
