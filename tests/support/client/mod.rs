//! Clients of the three HTTP versions behind one interface.
//!
//! [`Client::send`] does a whole exchange. [`Client::open`] sends a head and hands over the two directions of the
//! exchange, for tests that stop half-way, stream, or reset. A clone shares the connection; the connection ends
//! with its last clone. Exchanges of one HTTP/1.1 connection wait for each other, as they must.

mod http1;
mod http2;
mod http3;

use std::{io, net::SocketAddr, sync::Arc};

use bytes::Bytes;
use rustls::ClientConfig;

use super::{
    deadline::within,
    message::{End, Fields, Reply, Request},
};

/// The versions, in the order they are reported.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Version {
    Http1,
    Http2,
    Http3,
}

impl Version {
    pub(crate) const ALL: [Self; 3] = [Self::Http1, Self::Http2, Self::Http3];

    /// The name in ALPN: RFC 7301, RFC 9113 §3.2, RFC 9114 §3.1.
    pub(crate) fn alpn(self) -> &'static str {
        match self {
            Self::Http1 => "http/1.1",
            Self::Http2 => "h2",
            Self::Http3 => "h3",
        }
    }
}

/// One connection to the program under test.
#[derive(Clone)]
pub(crate) enum Client {
    Http1(http1::Http1),
    Http2(http2::Http2),
    Http3(http3::Http3),
}

impl Client {
    /// HTTP/1.1, under TLS when a configuration is given.
    pub(crate) async fn http1(address: SocketAddr, tls: Option<Arc<ClientConfig>>) -> io::Result<Self> {
        http1::Http1::connect(address, tls).await.map(Self::Http1)
    }

    /// HTTP/2, under TLS when a configuration is given, else with prior knowledge.
    pub(crate) async fn http2(address: SocketAddr, tls: Option<Arc<ClientConfig>>) -> io::Result<Self> {
        http2::Http2::connect(address, tls).await.map(Self::Http2)
    }

    /// HTTP/3; QUIC is always under TLS.
    pub(crate) async fn http3(address: SocketAddr, tls: Arc<ClientConfig>) -> io::Result<Self> {
        http3::Http3::connect(address, tls).await.map(Self::Http3)
    }

    pub(crate) fn version(&self) -> Version {
        match self {
            Self::Http1(_) => Version::Http1,
            Self::Http2(_) => Version::Http2,
            Self::Http3(_) => Version::Http3,
        }
    }

    /// A whole exchange: sends all of the request while it reads the reply to its end.
    pub(crate) async fn send(&self, request: Request) -> Reply {
        let (body, trailers) = (request.body.clone(), request.trailers.clone());
        let ends = request.ends_with_head();
        let what = format!("the reply to {} {} over {:?}", request.method, request.path, self.version());
        within(what, async {
            let Exchange { mut upload, mut download } = self.open(&request, ends).await;
            let sending = async {
                if ends {
                    return;
                }
                // A peer that stops reading says why in its reply.
                drop(upload.all(body, trailers).await);
            };
            tokio::join!(sending, download.reply()).1
        })
        .await
    }

    /// Sends the head of the request: all of it when `ends`, else its content follows through [`Upload`].
    pub(crate) async fn open(&self, request: &Request, ends: bool) -> Exchange {
        match self {
            Self::Http1(client) => client.open(request, ends).await,
            Self::Http2(client) => client.open(request, ends).await,
            Self::Http3(client) => client.open(request, ends).await,
        }
    }

    /// The code with which the peer has ended the connection, if it did (HTTP/2, HTTP/3).
    pub(crate) fn told(&self) -> Option<u64> {
        match self {
            Self::Http1(_) => None,
            Self::Http2(client) => client.told(),
            Self::Http3(client) => match client.connection.close_reason() {
                Some(quinn::ConnectionError::ApplicationClosed(close)) => Some(close.error_code.into_inner()),
                _ => None,
            },
        }
    }

    /// Ends the connection and waits until the peer could have heard of it.
    pub(crate) async fn close(self) {
        match self {
            Self::Http1(client) => client.close().await,
            Self::Http2(client) => client.close().await,
            Self::Http3(client) => client.close().await,
        }
    }
}

/// An exchange under way.
pub(crate) struct Exchange {
    pub(crate) upload: Upload,
    pub(crate) download: Download,
}

impl Exchange {
    /// Resets the stream in both directions with this code. HTTP/1.1 has no streams: the connection is closed.
    pub(crate) fn reset(&mut self, code: u64) {
        self.upload.reset(code);
        if let Source::Http3(source) = &mut self.download.source {
            source.stop();
        }
    }
}

/// The peer reads no more of the request.
#[derive(Debug)]
pub(crate) struct Stopped;

/// The request's direction.
pub(crate) enum Upload {
    Http1(http1::Upload),
    Http2(http2::Upload),
    Http3(Box<http3::Upload>),
}

impl Upload {
    /// Sends a part of the body, as flow control allows.
    pub(crate) async fn data(&mut self, bytes: impl Into<Bytes>) -> Result<(), Stopped> {
        match self {
            Self::Http1(upload) => upload.data(bytes.into()).await,
            Self::Http2(upload) => upload.data(bytes.into()).await,
            Self::Http3(upload) => upload.data(bytes.into()).await,
        }
    }

    /// Ends the request, with trailers if there are any.
    pub(crate) async fn finish(&mut self, trailers: Fields) -> Result<(), Stopped> {
        match self {
            Self::Http1(upload) => upload.finish(&trailers).await,
            Self::Http2(upload) => upload.finish(&trailers),
            Self::Http3(upload) => upload.finish(&trailers).await,
        }
    }

    pub(crate) fn reset(&mut self, code: u64) {
        match self {
            Self::Http1(upload) => upload.close(),
            Self::Http2(upload) => upload.reset(code),
            Self::Http3(upload) => upload.reset(code),
        }
    }

    async fn all(&mut self, body: Option<Bytes>, trailers: Fields) -> Result<(), Stopped> {
        if let Some(body) = body {
            self.data(body).await?;
        }
        self.finish(trailers).await
    }
}

/// The reply's direction: head, then parts of the body, then the end.
pub(crate) struct Download {
    source: Source,
    reply: Reply,
    stage: Stage,
}

impl Download {
    fn new(source: Source) -> Self {
        Self { source, reply: Reply::default(), stage: Stage::Head }
    }

    /// Waits for the final head; its status is 0 when none came.
    pub(crate) async fn head(&mut self) -> &Reply {
        within("the head of a reply", self.read_head()).await;
        &self.reply
    }

    /// Reads on until at least `length` bytes of the body are there, or the reply ends.
    pub(crate) async fn body_of(&mut self, length: usize) -> &Reply {
        within("a part of a reply", self.read_body_of(length)).await;
        &self.reply
    }

    /// Reads to the end.
    pub(crate) async fn reply(&mut self) -> Reply {
        self.body_of(usize::MAX).await.clone()
    }

    /// Waits until so many interim heads are there, or the final one.
    pub(crate) async fn interim(&mut self, count: usize) -> &Reply {
        let read = async {
            while self.stage == Stage::Head && self.reply.informational.len() < count {
                self.read_next_head().await;
            }
        };
        within("an interim head", read).await;
        &self.reply
    }

    async fn read_head(&mut self) {
        while self.stage == Stage::Head {
            self.read_next_head().await;
        }
    }

    async fn read_next_head(&mut self) {
        let read = match &mut self.source {
            Source::Http1(source) => source.head(&mut self.reply).await,
            Source::Http2(source) => source.head(&mut self.reply).await,
            Source::Http3(source) => source.head(&mut self.reply).await,
        };
        match read {
            Ok(false) => {}
            Ok(true) => self.stage = Stage::Body,
            Err(end) => self.ended(end),
        }
    }

    async fn read_body_of(&mut self, length: usize) {
        self.read_head().await;
        while self.stage == Stage::Body && self.reply.body.len() < length {
            let end = match &mut self.source {
                Source::Http1(source) => source.advance(&mut self.reply).await,
                Source::Http2(source) => source.advance(&mut self.reply).await,
                Source::Http3(source) => source.advance(&mut self.reply).await,
            };
            if let Some(end) = end {
                self.ended(end);
            }
        }
    }

    fn ended(&mut self, end: End) {
        self.reply.end = end;
        self.stage = Stage::Over;
    }
}

/// Where replies come from: each version reads a head, then the body part by part.
enum Source {
    Http1(http1::Download),
    Http2(http2::Download),
    Http3(http3::Download),
}

/// What of the reply comes next.
#[derive(PartialEq, Eq)]
enum Stage {
    Head,
    Body,
    Over,
}

/// Field lines of a header map: in its order, with its names.
fn fields_of(map: &http::HeaderMap) -> Fields {
    let line = |(name, value): (&http::HeaderName, &http::HeaderValue)| {
        (name.as_str().to_owned(), String::from_utf8_lossy(value.as_bytes()).into_owned())
    };
    map.iter().map(line).collect()
}

/// Field lines as a header map; they must be valid, for these clients send nothing malformed.
fn map_of(fields: &Fields) -> http::HeaderMap {
    let parsed = |(name, value): &(String, String)| {
        let name = http::HeaderName::from_bytes(name.as_bytes()).expect("a valid field name");
        (name, http::HeaderValue::from_str(value).expect("a valid field value"))
    };
    fields.iter().map(parsed).collect()
}

/// The head of a request for HTTP/2 and HTTP/3.
fn head_of(request: &Request, scheme: &str) -> http::Request<()> {
    let uri = if request.method == "CONNECT" {
        http::Uri::builder().authority(request.authority.as_str()).build()
    } else {
        let (authority, path) = (request.authority.as_str(), request.path.as_str());
        http::Uri::builder().scheme(scheme).authority(authority).path_and_query(path).build()
    };
    let mut head = http::Request::new(());
    *head.method_mut() = request.method.parse().expect("a valid method");
    *head.uri_mut() = uri.expect("a valid authority and path");
    *head.headers_mut() = map_of(&request.headers);
    head
}
