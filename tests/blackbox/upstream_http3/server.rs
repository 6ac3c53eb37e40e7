//! An upstream whose frames are written by hand: bare QUIC streams.

use std::net::{IpAddr, Ipv4Addr, SocketAddr, UdpSocket};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use quinn::crypto::rustls::{HandshakeData, QuicServerConfig};
use quinn::{Connection, ConnectionError, Endpoint, ReadError, RecvStream, SendStream};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::WebPkiClientVerifier;
use rustls::server::danger::ClientCertVerifier;
use tokio::task::JoinSet;

use super::row::{Row, Step, Want};
use crate::http3::client::{named, stopped, varint, write};
use crate::http3::row::Last;
use crate::http3::wire::{Answer, CONTROL, headers, settings};
use crate::support::certificates::{Certificates, roots};
use crate::support::deadline::until;

/// A running upstream; it stops when dropped.
pub(crate) struct Server {
    endpoint: Endpoint,
    seen: Arc<Mutex<Seen>>,
    _accepting: JoinSet<()>,
}

/// What came.
#[derive(Debug, Default)]
struct Seen {
    /// The name that each connection asked for.
    names: Vec<Option<String>>,
    /// How the row was played to its end.
    played: Option<Result<(), String>>,
    /// Bytes of content of the row's request.
    read: usize,
    /// The requests that were answered with 200, frame by frame.
    requests: Vec<Vec<u8>>,
}

impl Server {
    /// Answers every request with 200.
    pub(crate) fn good() -> Self {
        Self::start(None, configuration(Certificates::of_this_run()), ANY)
    }

    /// The same at this address.
    pub(super) fn good_at(address: SocketAddr) -> Self {
        Self::start(None, configuration(Certificates::of_this_run()), address)
    }

    /// The same, for clients that show a certificate of this authority, given as PEM.
    pub(crate) fn wanting(authority: &str) -> Self {
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let verifier = WebPkiClientVerifier::builder_with_provider(Arc::new(roots(authority)), provider).build();
        Self::start(None, verifying(Certificates::of_this_run(), verifier.expect("an authority")), ANY)
    }

    /// The same with this certificate.
    pub(super) fn proving(made: &Certificates) -> Self {
        Self::start(None, configuration(made), ANY)
    }

    /// The same at the address of another, which from now on is heard of no more.
    pub(super) async fn in_place_of(other: &Self) -> Self {
        let address = other.address();
        // quinn keeps the socket before the last one.
        for _ in 0..2 {
            other.endpoint.rebind(UdpSocket::bind(ANY).expect("a UDP socket")).expect("another socket");
        }
        // Its connections hear of it each in its turn.
        until("the port is free", async || UdpSocket::bind(address).ok().map(drop)).await;
        Self::start(None, configuration(Certificates::of_this_run()), address)
    }

    /// Plays the row with the first request, and answers every other with 200.
    pub(super) fn playing(row: Row) -> Self {
        Self::start(Some(row), configuration(Certificates::of_this_run()), ANY)
    }

    /// The same, with one request at a time on a connection.
    pub(super) fn narrow(row: Row) -> Self {
        let mut transport = quinn::TransportConfig::default();
        transport.max_concurrent_bidi_streams(1u8.into());
        Self::start(Some(row), limited(transport), ANY)
    }

    /// One that lets no control stream be opened.
    pub(super) fn closed() -> Self {
        let mut transport = quinn::TransportConfig::default();
        transport.max_concurrent_uni_streams(0u8.into());
        Self::start(None, limited(transport), ANY)
    }

    fn start(mut row: Option<Row>, configuration: quinn::ServerConfig, address: SocketAddr) -> Self {
        let endpoint = Endpoint::server(configuration, address).expect("a UDP socket");
        let seen: Arc<Mutex<Seen>> = Arc::default();
        let mut accepting = JoinSet::new();
        let (incoming, notes) = (endpoint.clone(), Arc::clone(&seen));
        accepting.spawn(async move {
            let mut connections = JoinSet::new();
            while let Some(incoming) = incoming.accept().await {
                let Ok(connection) = incoming.await else { continue };
                note(&notes, |seen| seen.names.push(name(&connection)));
                connections.spawn(serve(connection, row.take(), Arc::clone(&notes)));
            }
        });
        Self { endpoint, seen, _accepting: accepting }
    }

    pub(crate) fn address(&self) -> SocketAddr {
        self.endpoint.local_addr().expect("the address of a bound socket")
    }

    /// The names that connections asked for, one a connection.
    pub(crate) fn names(&self) -> Vec<Option<String>> {
        note(&self.seen, |seen| seen.names.clone())
    }

    /// Bytes of content that the row's request had, where the row reads it.
    pub(super) fn read(&self) -> usize {
        note(&self.seen, |seen| seen.read)
    }

    /// The requests that were answered with 200, as they came.
    pub(super) fn requests(&self) -> Vec<Vec<u8>> {
        note(&self.seen, |seen| seen.requests.clone())
    }

    /// How the row went, once it is over.
    pub(super) fn played(&self) -> Option<Result<(), String>> {
        note(&self.seen, |seen| seen.played.clone())
    }
}

async fn serve(connection: Connection, row: Option<Row>, seen: Arc<Mutex<Seen>>) {
    let mut control = None;
    let mut left_open = None;
    if let Some(row) = row {
        let (played, playing) = play(&connection, &row).await;
        note(&seen, |seen| {
            seen.read = playing.as_ref().map_or(0, |playing| playing.read);
            seen.played = Some(played);
        });
        left_open = playing;
    } else {
        control = open(&connection, &[CONTROL, &settings(&[])].concat(), Last::Open).await;
    }
    while let Ok((mut sender, mut receiver)) = connection.accept_bi().await {
        let good = headers(&[(":status", "200")]);
        // A request that is given up needs no answer.
        if let Ok(request) = receiver.read_to_end(MAX_REQUEST).await {
            note(&seen, |seen| seen.requests.push(request));
        }
        write(&mut sender, &good, Last::Fin).await;
    }
    drop((control, left_open));
}

/// The first connection, and the streams on it.
struct Playing {
    connection: Connection,
    request: (SendStream, RecvStream),
    unis: Vec<SendStream>,
    theirs: Vec<RecvStream>,
    /// Bytes of the request that were read.
    read: usize,
}

/// Plays a row; what it leaves open stays so.
async fn play(connection: &Connection, row: &Row) -> (Result<(), String>, Option<Playing>) {
    let request = match connection.accept_bi().await {
        Ok(request) => request,
        Err(error) => return (Err(format!("no request: {}", named(&error))), None),
    };
    let connection = connection.clone();
    let mut playing = Playing { connection, request, unis: Vec::new(), theirs: Vec::new(), read: 0 };
    for step in &row.steps {
        // A connection that the gateway has closed meanwhile takes no more: what counts is how it ended.
        if playing.take(step).await.is_none() {
            break;
        }
    }
    (playing.see(row.want).await, Some(playing))
}

impl Playing {
    async fn take(&mut self, step: &Step) -> Option<()> {
        let (sender, receiver) = (&mut self.request.0, &mut self.request.1);
        match step {
            Step::Uni(bytes, last) => self.unis.push(open(&self.connection, bytes, *last).await?),
            Step::MoreUni(stream, bytes, last) => write(self.unis.get_mut(*stream)?, bytes, *last).await?,
            Step::Bi(bytes) => {
                let (mut sender, _) = self.connection.open_bi().await.ok()?;
                write(&mut sender, bytes, Last::Fin).await?;
            }
            Step::Answer(bytes, last) => write(sender, bytes, *last).await?,
            Step::ReadWhile(bytes) => {
                let (written, read) = tokio::join!(write(sender, bytes, Last::Open), read(receiver));
                written?;
                self.read = read;
            }
            Step::StopRequest(code) => receiver.stop(varint(*code)).ok()?,
            Step::StopControl(code) => {
                let mut control = self.connection.accept_uni().await.ok()?;
                control.stop(varint(*code)).ok()?;
                self.theirs.push(control);
            }
            Step::UntilHeard => heard(self.connection.clone()).await,
            Step::Close(code) => self.connection.close(varint(*code), b""),
        }
        Some(())
    }

    async fn see(&mut self, want: Want) -> Result<(), String> {
        match want {
            Want::Closed(code) => match self.connection.closed().await {
                ConnectionError::ApplicationClosed(close) if close.error_code == varint(code) => Ok(()),
                other => Err(format!("{code:#x} has to end the connection, not {}", named(&other))),
            },
            Want::Stopped(code) => stopped(&mut self.request.0, code).await,
            Want::UniStopped(stream, code) => stopped(self.unis.get_mut(stream).ok_or("no stream")?, code).await,
            Want::Reset(code) => loop {
                match self.request.1.read_chunk(usize::MAX, true).await {
                    Ok(Some(_)) => {}
                    Err(ReadError::Reset(said)) if said == varint(code) => break Ok(()),
                    other => break Err(format!("{code:#x} has to reset the request, not {other:?}")),
                }
            },
            Want::Nothing | Want::Left => Ok(()),
        }
    }
}

/// Waits until something comes on a stream.
async fn heard(connection: Connection) {
    let frames = || connection.stats().frame_rx.stream;
    let before = frames();
    let mut ticks = tokio::time::interval(TICK);
    while frames() == before {
        ticks.tick().await;
    }
}

/// How many bytes of content come before the end, counted frame by frame.
async fn read(receiver: &mut RecvStream) -> usize {
    let bytes = receiver.read_to_end(MAX_REQUEST).await.unwrap_or_default();
    Answer::read(&bytes).map_or(0, |answer| answer.content.len())
}

async fn open(connection: &Connection, bytes: &[u8], last: Last) -> Option<SendStream> {
    let mut stream = connection.open_uni().await.ok()?;
    write(&mut stream, bytes, last).await?;
    Some(stream)
}

fn name(connection: &Connection) -> Option<String> {
    let data = connection.handshake_data()?.downcast::<HandshakeData>().ok()?;
    data.server_name
}

fn note<T>(seen: &Mutex<Seen>, with: impl FnOnce(&mut Seen) -> T) -> T {
    with(&mut seen.lock().unwrap_or_else(PoisonError::into_inner))
}

fn limited(transport: quinn::TransportConfig) -> quinn::ServerConfig {
    let mut configuration = configuration(Certificates::of_this_run());
    configuration.transport_config(Arc::new(transport));
    configuration
}

fn configuration(made: &Certificates) -> quinn::ServerConfig {
    verifying(made, WebPkiClientVerifier::no_client_auth())
}

fn verifying(made: &Certificates, clients: Arc<dyn ClientCertVerifier>) -> quinn::ServerConfig {
    let chain = CertificateDer::from_pem_slice(made.certificate.as_bytes()).expect("the PEM of a certificate");
    let key = PrivateKeyDer::from_pem_slice(made.key.as_bytes()).expect("the PEM of a key");
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let mut tls = rustls::ServerConfig::builder_with_provider(provider)
        .with_protocol_versions(&[&rustls::version::TLS13])
        .expect("the provider supports TLS 1.3")
        .with_client_cert_verifier(clients)
        .with_single_cert(vec![chain], key)
        .expect("a certificate and its key");
    tls.alpn_protocols = vec![b"h3".to_vec()];
    quinn::ServerConfig::with_crypto(Arc::new(QuicServerConfig::try_from(tls).expect("TLS 1.3")))
}

/// Bytes of a request: more than the requests here have.
const MAX_REQUEST: usize = 16 << 20;

/// Any port of this host.
const ANY: SocketAddr = SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 0);

/// How often statistics are looked at.
const TICK: Duration = Duration::from_millis(10);
