//! Responses on the wire: how the content is framed, and what becomes of content that is not what was said.

use std::net::{Ipv4Addr, UdpSocket};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use bytes::{Bytes, BytesMut};
use http_body::{Frame, SizeHint};
use quinn::crypto::rustls::{QuicClientConfig, QuicServerConfig};
use quinn::{ReadError, ReadToEndError};
use rustls::pki_types::PrivatePkcs8KeyDer;

use super::serve;
use super::wire::{decode, encode};
use crate::codec::qpack::{Encoder, FieldLine, Limits};
use crate::codec::{Activity, ConnectionLimits, Handler, Lifetime, ServerLimits};
use crate::drain::Drain;
use crate::http::{Body, Failure, Request, Response};

/// Content that says it has `said` bytes, and comes in these frames, the last first; it never ends where `waits`.
struct Content {
    said: Option<u64>,
    frames: Vec<Frame<Bytes>>,
    waits: bool,
}

impl http_body::Body for Content {
    type Data = Bytes;
    type Error = Failure;

    fn poll_frame(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Failure>>> {
        match self.frames.pop() {
            Some(frame) => Poll::Ready(Some(Ok(frame))),
            None if self.waits => Poll::Pending,
            None => Poll::Ready(None),
        }
    }

    fn size_hint(&self) -> SizeHint {
        self.said.map_or_else(SizeHint::new, SizeHint::with_exact)
    }
}

/// Answers every request with the content that `content` makes.
struct Answers {
    content: fn() -> Content,
    activity: Arc<Activity>,
}

impl Handler for Answers {
    async fn handle(self: Arc<Self>, _: Request) -> Response {
        Response::new(Body::boxed((self.content)()))
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

/// Asks a server of this content, and gives the stream of the response to `look`.
async fn ask<T>(content: fn() -> Content, look: impl AsyncFnOnce(quinn::RecvStream) -> T) -> T {
    let made = rcgen::generate_simple_self_signed(vec!["localhost".to_owned()]).unwrap();
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let builder = || rustls::ServerConfig::builder_with_provider(Arc::clone(&provider));
    let key = PrivatePkcs8KeyDer::from(made.signing_key.serialize_der());
    let tls = builder().with_protocol_versions(&[&rustls::version::TLS13]).unwrap().with_no_client_auth();
    let tls = tls.with_single_cert(vec![made.cert.der().clone()], key.into()).unwrap();
    let config = quinn::ServerConfig::with_crypto(Arc::new(QuicServerConfig::try_from(tls).unwrap()));
    let server = quinn::Endpoint::server(config, (Ipv4Addr::LOCALHOST, 0).into()).unwrap();
    let address = server.local_addr().unwrap();

    let mut roots = rustls::RootCertStore::empty();
    roots.add(made.cert.der().clone()).unwrap();
    let tls = rustls::ClientConfig::builder_with_provider(provider).with_protocol_versions(&[&rustls::version::TLS13]);
    let tls = tls.unwrap().with_root_certificates(roots).with_no_client_auth();
    let config = quinn::ClientConfig::new(Arc::new(QuicClientConfig::try_from(tls).unwrap()));
    let socket = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let runtime = Arc::new(quinn::TokioRuntime);
    let client = quinn::Endpoint::new(quinn::EndpointConfig::default(), None, socket, runtime).unwrap();
    let connecting = client.connect_with(config, address, "localhost").unwrap();
    let accepting = async { server.accept().await.unwrap().await.unwrap() };
    let (connected, accepted) = tokio::join!(connecting, accepting);
    let connection = connected.unwrap();

    let drain = Drain::default();
    let activity = Activity::new(Instant::now());
    let handler = Arc::new(Answers { content, activity: Arc::clone(&activity) });
    let lifetime = Lifetime::new(drain.watch(), activity, NO_LIMITS);
    let serving = serve(accepted, handler, &LIMITS, lifetime, &drain);
    let asked = async {
        let (mut sender, receiver) = connection.open_bi().await.unwrap();
        sender.write_all(&request()).await.unwrap();
        sender.finish().unwrap();
        let seen = look(receiver).await;
        connection.close(quinn::VarInt::from_u32(0x100), b"");
        seen
    };
    tokio::join!(serving, asked).1
}

fn request() -> Vec<u8> {
    let lines = [(":method", "GET"), (":scheme", "https"), (":authority", "localhost"), (":path", "/")];
    let mut section = BytesMut::new();
    let lines = lines.iter().map(|(name, value)| FieldLine::new(name.as_bytes(), value.as_bytes()));
    Encoder::new(Limits::default()).encode(0, lines, &mut section);
    let mut frame = vec![1];
    encode(section.len() as u64, &mut frame);
    [frame, section.to_vec()].concat()
}

/// The types and lengths of whole frames.
fn frames(mut bytes: &[u8]) -> Vec<(u64, u64)> {
    let mut frames = Vec::new();
    while !bytes.is_empty() {
        let (kind, first) = decode(bytes).unwrap();
        let (length, second) = decode(&bytes[first..]).unwrap();
        frames.push((kind, length));
        bytes = &bytes[first + second + usize::try_from(length).unwrap()..];
    }
    frames
}

async fn to_end(mut stream: quinn::RecvStream) -> Result<Vec<u8>, ReadToEndError> {
    stream.read_to_end(1 << 20).await
}

/// The code with which the stream was reset.
async fn reset(stream: quinn::RecvStream) -> u64 {
    match to_end(stream).await {
        Err(ReadToEndError::Read(ReadError::Reset(code))) => code.into_inner(),
        other => panic!("no reset: {other:?}"),
    }
}

#[tokio::test]
async fn rfc9114_7_2_1_content_of_known_length_is_one_data_frame_and_other_content_one_for_each_chunk() {
    let known = ask(|| Content { said: Some(6), frames: two(), waits: false }, to_end).await.unwrap();
    let unknown = ask(|| Content { said: None, frames: two(), waits: false }, to_end).await.unwrap();
    assert_eq!(frames(&known)[1..], [(0, 6)]);
    assert!(known.ends_with(b"onetwo"));
    assert_eq!(frames(&unknown)[1..], [(0, 3), (0, 3)]);
}

#[tokio::test]
async fn rfc9114_4_1_content_that_is_not_what_was_said_is_reset() {
    assert_eq!(ask(|| Content { said: Some(7), frames: two(), waits: false }, reset).await, H3_INTERNAL_ERROR);
    assert_eq!(
        ask(|| Content { said: Some(6), frames: one_and_trailers(), waits: false }, reset).await,
        H3_INTERNAL_ERROR
    );
    assert_eq!(ask(|| Content { said: Some(5), frames: two(), waits: false }, reset).await, H3_INTERNAL_ERROR);
}

#[tokio::test]
async fn a_head_does_not_wait_for_content_that_does_not_come() {
    let first = async |mut stream: quinn::RecvStream| stream.read_chunk(usize::MAX, true).await.unwrap().unwrap().bytes;
    let head = ask(|| Content { said: None, frames: Vec::new(), waits: true }, first).await;
    let [(HEADERS, _)] = frames(&head)[..] else { panic!("{head:?}") };
}

fn two() -> Vec<Frame<Bytes>> {
    vec![Frame::data(Bytes::from_static(b"two")), Frame::data(Bytes::from_static(b"one"))]
}

fn one_and_trailers() -> Vec<Frame<Bytes>> {
    vec![Frame::trailers(http::HeaderMap::new()), Frame::data(Bytes::from_static(b"one"))]
}

const HEADERS: u64 = 1;
const H3_INTERNAL_ERROR: u64 = 0x102;

const LIMITS: ServerLimits = ServerLimits {
    max_header_bytes: 60 << 10,
    max_header_count: 100,
    max_concurrent_streams: 100,
    stream_window: 1 << 20,
    connection_window: 1 << 20,
    headers_timeout: None,
    write_timeout: None,
};

const NO_LIMITS: ConnectionLimits =
    ConnectionLimits { idle_timeout: None, max_duration: None, max_requests: None, delayed_close: Duration::ZERO };
