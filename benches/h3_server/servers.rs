//! The servers, each on a thread of its own.

use std::net::{Ipv4Addr, SocketAddr, UdpSocket};
use std::sync::Arc;
use std::sync::mpsc::sync_channel;
use std::time::{Duration, Instant};

use bytes::Bytes;
use quicgate::codec::h3::wire::encode;
use quicgate::codec::{Activity, ConnectionLimits, Http1, Http2, Lifetime, ServerLimits, h3 as ours};
use quicgate::config::proto::envoy::config::core::v3::{DataSource, data_source::Specifier};
use quicgate::config::proto::envoy::config::listener::v3::UdpListenerConfig;
use quicgate::config::proto::envoy::extensions::transport_sockets::tls::v3::{
    CommonTlsContext, DownstreamTlsContext, TlsCertificate,
};
use quicgate::config::{At, Report};
use quicgate::drain::Drain;
use quicgate::observe::stats::Store;
use quicgate::quic::{self, QuicSettings};
use quicgate::tls::{self, Secrets, Transport};
use quinn::{Endpoint, RecvStream, SendStream};

use crate::allocations;
use crate::answers::{self, Answers, CHUNK, SMALL};
use crate::rig::message;
use crate::support::certificates::Certificates;

/// Which server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Quicgate,
    H3,
    Raw,
}

impl Kind {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Quicgate => "quicgate",
            Self::H3 => "h3",
            Self::Raw => "raw quinn",
        }
    }
}

/// A server that runs until the process ends.
pub(crate) struct Server {
    pub(crate) kind: Kind,
    pub(crate) address: SocketAddr,
    pub(crate) thread: rustix::thread::Pid,
}

impl Server {
    pub(crate) fn start(kind: Kind) -> Self {
        let (say, hear) = sync_channel(1);
        std::thread::spawn(move || {
            allocations::count_this_thread();
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
            runtime.block_on(async move {
                let socket = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).expect("a port on loopback");
                let address = socket.local_addr().expect("a bound socket");
                let settings = settings();
                let mut shares = quic::shares(vec![socket], true, &settings.steering).expect("a descriptor");
                let share = shares.pop().expect("the only one");
                let (endpoint, _) = quic::endpoint(&settings, share).expect("an endpoint");
                say.send(Self { kind, address, thread: rustix::thread::gettid() }).expect("who started it waits");
                serve(kind, &endpoint).await;
            });
        });
        hear.recv().expect("the server starts")
    }
}

/// The gateway's own, of a listener that says nothing of its transport.
fn settings() -> QuicSettings {
    let made = Certificates::of_this_run();
    let inline =
        |text: &str| DataSource { specifier: Some(Specifier::InlineString(text.to_owned())), ..DataSource::default() };
    let certificate = TlsCertificate {
        certificate_chain: Some(inline(&made.certificate)),
        private_key: Some(inline(&made.key)),
        ..TlsCertificate::default()
    };
    let common = CommonTlsContext { tls_certificates: vec![certificate], ..CommonTlsContext::default() };
    let context = DownstreamTlsContext { common_tls_context: Some(common), ..DownstreamTlsContext::default() };
    let report = Report::new("bench");
    let at = At::root(&report);
    let stats = Store::new().scope("");
    let transport = Transport::Quic { resumption: false, early_data: false };
    let tls =
        tls::server(&context, transport, &Secrets::build(&[], &stats, at), at).expect("a certificate with its key");
    let written = quic::Written { udp: Some(&UdpListenerConfig::default()), udp_at: at, http3: None, http3_at: at };
    quic::settings(&tls, &[], &written, &stats).expect("the defaults are in range")
}

#[expect(clippy::disallowed_methods, reason = "the h3 crate and quinn are used as their examples use them")]
async fn serve(kind: Kind, endpoint: &Endpoint) {
    let drain = Drain::default();
    while let Some(incoming) = endpoint.accept().await {
        let Ok(connecting) = incoming.accept() else { continue };
        let drain = drain.clone();
        tokio::spawn(async move {
            let Ok(connection) = connecting.await else { return };
            match kind {
                Kind::Quicgate => by_quicgate(connection, &drain).await,
                Kind::H3 => by_h3(connection).await.unwrap_or_default(),
                Kind::Raw => by_raw(connection).await.unwrap_or_default(),
            }
        });
    }
}

async fn by_quicgate(connection: quinn::Connection, drain: &Drain) {
    // As the gateway's defaults are.
    let limits = ServerLimits {
        http1: Http1 { keeps_absolute_form: false, proper_case: false },
        http2: Http2 { table_size: None, keep_alive: None },
        extended_connect: false,
        proxy_100_continue: false,
        qpack: true,
        max_header_bytes: 60 << 10,
        max_header_count: 100,
        max_concurrent_streams: 100,
        stream_window: 1 << 20,
        connection_window: 4 << 20,
        headers_timeout: None,
        write_timeout: Some(Duration::from_secs(300)),
    };
    let of_connection = ConnectionLimits {
        idle_timeout: Some(Duration::from_secs(3600)),
        max_duration: None,
        max_requests: None,
        delayed_close: Duration::from_secs(1),
    };
    let lifetime = Lifetime::new(drain.watch(), Activity::new(Instant::now()), of_connection);
    let accepted = ours::Accepted { quic: connection, max_streams: 100, early: None, keep_alive: None };
    ours::serve(accepted, Arc::new(Answers::new()), &limits, lifetime, drain).await;
}

#[expect(clippy::disallowed_methods, reason = "as the example of the h3 crate does it")]
async fn by_h3(connection: quinn::Connection) -> Option<()> {
    let mut builder = h3::server::builder();
    // Frames of unknown types say nothing: ours sends none.
    let quic = h3_quinn::Connection::new(connection.clone());
    let of_quinn = connection;
    let mut connection = builder.send_grease(false).build::<_, Bytes>(quic).await.ok()?;
    while let Some(resolver) = connection.accept().await.ok()? {
        let of_quinn = of_quinn.clone();
        tokio::spawn(async move {
            let (request, mut stream) = resolver.resolve_request().await.ok()?;
            let length = answers::length(request.uri().path());
            widen(&of_quinn, length);
            let mut response = http::Response::new(());
            *response.headers_mut() = answers::fields(length);
            stream.send_response(response).await.ok()?;
            if length == SMALL as u64 {
                stream.send_data(answers::small()).await.ok()?;
            } else {
                for _ in 0..length / CHUNK as u64 {
                    stream.send_data(answers::chunk()).await.ok()?;
                }
            }
            stream.finish().await.ok()
        });
    }
    Some(())
}

#[expect(clippy::disallowed_methods, reason = "as the examples of quinn do it")]
async fn by_raw(connection: quinn::Connection) -> Option<()> {
    let small = message::answer(&answers::small());
    // Whoever asks for more than that is told apart by the length of the request, without HTTP.
    let paths = ["/small", "/bulk", "/long"].map(|path| (message::request(path), answers::length(path)));
    loop {
        let (sender, receiver) = connection.accept_bi().await.ok()?;
        tokio::spawn(raw_stream(connection.clone(), (sender, receiver), small.clone(), paths.clone()));
    }
}

async fn raw_stream(
    connection: quinn::Connection,
    (mut sender, mut receiver): (SendStream, RecvStream),
    small: Bytes,
    paths: [(Bytes, u64); 3],
) -> Option<()> {
    let mut request = Bytes::new();
    while let Some(chunk) = receiver.read_chunk(usize::MAX, true).await.ok()? {
        request = if request.is_empty() { chunk.bytes } else { [request, chunk.bytes].concat().into() };
    }
    let (_, length) = paths.into_iter().find(|(known, _)| *known == request)?;
    widen(&connection, length);
    if length == SMALL as u64 {
        sender.write_chunk(small).await.ok()?;
    } else {
        let mut head = message::answer(&Bytes::new()).to_vec();
        encode(length, &mut head);
        sender.write_chunk(head.into()).await.ok()?;
        for _ in 0..length / CHUNK as u64 {
            sender.write_chunk(answers::chunk()).await.ok()?;
        }
    }
    sender.finish().ok()
}

/// On the long path the others have a window that never changes.
fn widen(connection: &quinn::Connection, length: u64) {
    if length == answers::LONG {
        connection.set_send_window(CONSTANT_WINDOW);
    }
}

/// What 400 Mbit/s take over 80 ms.
const CONSTANT_WINDOW: u64 = 4 << 20;
