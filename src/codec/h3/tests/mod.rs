//! A server over real QUIC connections, with a handler that the test gives, and a client that writes frames.

mod early_data;
mod framing;
mod goaway;
mod musts;
mod tunnels;

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::{Bytes, BytesMut};
use quinn::crypto::rustls::{QuicClientConfig, QuicServerConfig};
use quinn::{Endpoint, RecvStream, SendStream};
use rustls::pki_types::PrivatePkcs8KeyDer;

use super::wire::{Piece, RequestReader, encode, kind};
use crate::codec::qpack::{Encoder, FieldLine, Limits};
use crate::codec::{Activity, ConnectionLimits, Handler, Http1, Http2, Lifetime, Outbox, ServerLimits};
use crate::drain::Drain;
use crate::http::{Failure, Request, Response};

/// Two endpoints, of which one serves. A clone of `tls` remembers the sessions of those before.
struct Rig {
    server: Endpoint,
    client: Endpoint,
    configuration: quinn::ClientConfig,
    drain: Drain,
}

impl Rig {
    fn new() -> Self {
        let made = rcgen::generate_simple_self_signed(vec!["localhost".to_owned()]).unwrap();
        let certificate = made.cert.der().clone();
        let key = PrivatePkcs8KeyDer::from(made.signing_key.serialize_der());
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let versions = &[&rustls::version::TLS13];

        let mut tls = rustls::ServerConfig::builder_with_provider(Arc::clone(&provider))
            .with_protocol_versions(versions)
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(vec![certificate.clone()], key.into())
            .unwrap();
        tls.alpn_protocols = vec![b"h3".to_vec()];
        tls.max_early_data_size = u32::MAX;
        let server = quinn::ServerConfig::with_crypto(Arc::new(QuicServerConfig::try_from(tls).unwrap()));

        let mut roots = rustls::RootCertStore::empty();
        roots.add(certificate).unwrap();
        let mut tls = rustls::ClientConfig::builder_with_provider(provider)
            .with_protocol_versions(versions)
            .unwrap()
            .with_root_certificates(roots)
            .with_no_client_auth();
        tls.alpn_protocols = vec![b"h3".to_vec()];
        tls.enable_early_data = true;
        let tls = QuicClientConfig::try_from(tls).unwrap();

        let here = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
        Self {
            server: Endpoint::server(server, here).unwrap(),
            client: Endpoint::client(here).unwrap(),
            configuration: quinn::ClientConfig::new(Arc::new(tls)),
            drain: Drain::default(),
        }
    }

    fn connecting(&self) -> quinn::Connecting {
        let address = self.server.local_addr().unwrap();
        self.client.connect_with(self.configuration.clone(), address, "localhost").unwrap()
    }

    /// Serves a connection in a task of its own.
    fn serve<F>(&self, accepted: super::Accepted, answer: F)
    where
        F: Fn(Request) -> Response + Send + Sync + 'static,
    {
        let activity = Activity::new(Instant::now());
        let limits = ConnectionLimits {
            idle_timeout: None,
            max_duration: None,
            max_requests: None,
            delayed_close: Duration::from_secs(60),
        };
        let lifetime = Lifetime::new(self.drain.watch(), Arc::clone(&activity), limits);
        let handler = Arc::new(Answering { answer, activity });
        let drain = self.drain.clone();
        self.drain.spawn("connection", async move { super::serve(accepted, handler, &LIMITS, lifetime, &drain).await });
    }
}

/// Answers every request by a function.
struct Answering<F> {
    answer: F,
    activity: Arc<Activity>,
}

impl<F: Fn(Request) -> Response + Send + Sync + 'static> Handler for Answering<F> {
    async fn handle(self: Arc<Self>, request: Request, _: Outbox) -> Response {
        (self.answer)(request)
    }

    async fn reject(self: Arc<Self>, _: Request, _: Failure) -> Response {
        Response::default()
    }

    fn refused(self: &Arc<Self>, _: &Failure) {}

    fn lost(&self) {}

    fn resetting(&self, _: bool) {}

    fn activity(&self) -> &Arc<Activity> {
        &self.activity
    }
}

/// The client's end of a request stream.
struct Stream {
    sender: SendStream,
    receiver: RecvStream,
    reader: RequestReader,
    chunk: Bytes,
}

impl Stream {
    async fn open(connection: &quinn::Connection) -> Self {
        let (sender, receiver) = connection.open_bi().await.unwrap();
        Self { sender, receiver, reader: RequestReader::new(1 << 16), chunk: Bytes::new() }
    }

    async fn head(&mut self, fields: &[(&str, &str)]) {
        let mut section = BytesMut::new();
        let lines = fields.iter().map(|(name, value)| FieldLine::new(name.as_bytes(), value.as_bytes()));
        Encoder::new(Limits::default()).encode(quinn::VarInt::from(self.sender.id()).into_inner(), lines, &mut section);
        self.frame(kind::HEADERS, &section).await;
    }

    async fn frame(&mut self, kind: u64, payload: &[u8]) {
        let mut frame = Vec::new();
        encode(kind, &mut frame);
        encode(payload.len() as u64, &mut frame);
        frame.extend_from_slice(payload);
        self.sender.write_all(&frame).await.unwrap();
    }

    /// The next of the response; `None` at its end.
    async fn next(&mut self) -> Option<Piece> {
        loop {
            if let Some(piece) = self.reader.next(&mut self.chunk).unwrap() {
                if matches!(piece, Piece::Section(_)) {
                    self.reader.head_is_final();
                }
                return Some(piece);
            }
            self.chunk = self.receiver.read_chunk(usize::MAX, true).await.unwrap()?.bytes;
        }
    }
}

/// Far above what any test here takes.
async fn within<T>(event: impl Future<Output = T>) -> T {
    tokio::time::timeout(Duration::from_secs(30), event).await.unwrap()
}

const LIMITS: ServerLimits = ServerLimits {
    http1: Http1 { keeps_absolute_form: false, proper_case: false },
    http2: Http2 { table_size: None, keep_alive: None },
    max_header_bytes: 1 << 16,
    max_header_count: 100,
    max_concurrent_streams: 0,
    extended_connect: true,
    proxy_100_continue: false,
    qpack: true,
    stream_window: 0,
    connection_window: 0,
    headers_timeout: None,
    write_timeout: None,
};
