//! A probe over QUIC: HTTP/3, then a second connection with the first one's session and, where the server allows it, 0-RTT.

use std::{
    future::pending,
    io,
    net::{Ipv4Addr, Ipv6Addr, SocketAddr},
    sync::Arc,
    time::{Duration, Instant},
};

use quinn::{
    ClientConfig, Connection, ConnectionError, Endpoint, TransportConfig, VarInt,
    crypto::rustls::{HandshakeData, QuicClientConfig},
};
use rustls::pki_types::CertificateDer;
use tokio::{
    net::UdpSocket,
    time::{sleep, timeout},
};

use super::{
    answer::Answer,
    args::{Plan, Version},
    clock::Clock,
    connect::{self, AttemptError},
    error::{Phase, ProbeError, Transport, Unreachable},
    fault::{ProtocolFault, TlsFault},
    http3,
    report::{Report, SESSION_WAIT},
    resumption::{EarlyData, Resumption},
    tls::{self, TlsFacts, Trust},
    usage::UsageError,
    witness::Witness,
};

/// Connects, sends the request, and connects once more.
pub(super) async fn probe(plan: &Plan, clock: &Clock, report: &mut Report) -> Result<(), ProbeError> {
    let trust = plan.trust.as_deref().ok_or(UsageError::Http3WithoutTls)?;
    let client = Client::new(plan, trust)?;
    let addresses = clock.within(Phase::Resolving, connect::resolve(&plan.target)).await?;
    let started = Instant::now();
    let connecting = connect::first(&addresses, |address| client.clone().connect(address));
    let (address, (endpoint, connection)) = clock.within(Phase::Connecting(Transport::Udp), connecting).await?;
    report.connected(address, Transport::Udp);
    report.handshake = Some(started.elapsed());
    report.version = Some(Version::Http3);
    report.tls = Some(client.facts(&connection, trust));
    let answer = &mut report.answer;
    let exchange = http3::exchange(connection.clone(), &plan.request, answer);
    let open = clock.within(Phase::Responding, exchange).await;
    if open.is_ok() {
        let again = Box::pin(client.again(plan, &endpoint, &connection, trust));
        match clock.within(Phase::Handshaking, async { Ok(again.await) }).await {
            Ok(second) => second.note(report),
            Err(error) => report.resumption = Some(Resumption::Failed { error: error.to_string() }),
        }
    }
    close(&endpoint).await;
    open.map(drop)
}

/// What makes connections to one server.
#[derive(Clone, Debug)]
struct Client {
    config: ClientConfig,
    witness: Arc<Witness>,
    server_name: String,
}

/// What the second connection showed.
struct Second {
    tls: TlsFacts,
    resumption: Resumption,
    early_data: Option<EarlyData>,
}

impl Client {
    fn new(plan: &Plan, trust: &Trust) -> Result<Self, ProbeError> {
        let server_name = plan.target.host.clone();
        tls::server_name(&server_name)?;
        let (config, witness) = tls::quic_config(trust)?;
        let config = QuicClientConfig::try_from(config)
            .map_err(|error| ProbeError::Tls(TlsFault::Rustls(rustls::Error::General(error.to_string()))))?;
        let mut transport = TransportConfig::default();
        // A server that takes its time must not look like one that is gone.
        transport.keep_alive_interval(Some(KEEP_ALIVE));
        // A batch of datagrams is no gain for one request, and Envoy drops all but the first of a ClientHello sent as one.
        transport.enable_segmentation_offload(false);
        let mut config = ClientConfig::new(Arc::new(config));
        config.transport_config(Arc::new(transport));
        Ok(Self { config, witness, server_name })
    }

    /// One address, to the end of the handshake.
    async fn connect(self, address: SocketAddr) -> Result<(Endpoint, Connection), AttemptError> {
        let unreachable =
            |source| AttemptError::Unreachable(Unreachable { address, transport: Transport::Udp, source });
        let local = match address {
            SocketAddr::V4(_) => SocketAddr::from((Ipv4Addr::UNSPECIFIED, 0)),
            SocketAddr::V6(_) => SocketAddr::from((Ipv6Addr::UNSPECIFIED, 0)),
        };
        let endpoint = Endpoint::client(local).map_err(unreachable)?;
        let connecting = endpoint
            .connect_with(self.config.clone(), address, &self.server_name)
            .map_err(|error| unreachable(io::Error::other(error)))?;
        tokio::select! {
            connected = connecting => match connected {
                Ok(connection) => Ok((endpoint, connection)),
                Err(ConnectionError::TimedOut) => Err(unreachable(io::ErrorKind::TimedOut.into())),
                Err(error) => Err(AttemptError::Answered(self.fault(error))),
            },
            error = refusal(address) => Err(unreachable(error)),
        }
    }

    fn facts(&self, connection: &Connection, trust: &Trust) -> TlsFacts {
        let handshake = connection.handshake_data().and_then(|data| data.downcast::<HandshakeData>().ok());
        let chain = connection.peer_identity().and_then(|chain| chain.downcast::<Vec<CertificateDer<'static>>>().ok());
        let alpn = handshake.and_then(|handshake| handshake.protocol);
        let leaf = chain.as_ref().and_then(|chain| chain.first());
        TlsFacts::of_quic(&self.witness.peek(), alpn.as_deref(), leaf, trust)
    }

    /// The second connection. `first` is still open: its ticket may yet come.
    async fn again(&self, plan: &Plan, endpoint: &Endpoint, first: &Connection, trust: &Trust) -> Second {
        let session = timeout(SESSION_WAIT, self.witness.session()).await.is_ok();
        let tls = self.facts(first, trust);
        if !session {
            return Second { tls, resumption: Resumption::NoSession, early_data: None };
        }
        self.witness.take();
        let connecting = endpoint.connect_with(self.config.clone(), first.remote_address(), &self.server_name);
        let connecting = match connecting {
            Ok(connecting) => connecting,
            Err(error) => {
                return Second { tls, resumption: Resumption::Failed { error: error.to_string() }, early_data: None };
            }
        };
        let (early_data, failure) = match connecting.into_0rtt() {
            Ok((connection, accepted)) => {
                let early_data = early(plan, connection.clone(), accepted).await;
                (early_data, connection.close_reason())
            }
            Err(connecting) => (EarlyData::NotOffered, connecting.await.err()),
        };
        let seen = self.witness.peek();
        // The group is told at the end of a handshake, the certificate is verified in a full one only.
        let resumption = match (seen.group, failure) {
            (Some(_), _) if seen.verified => Resumption::FullHandshake,
            (Some(_), _) | (None, None) => Resumption::Resumed,
            (None, Some(error)) => Resumption::Failed { error: self.fault(error).to_string() },
        };
        Second { tls, resumption, early_data: Some(early_data) }
    }

    fn fault(&self, error: ConnectionError) -> ProbeError {
        let (code, reason) = match &error {
            ConnectionError::TransportError(error) => (u64::from(error.code), error.reason.clone()),
            ConnectionError::ConnectionClosed(close) => {
                (u64::from(close.error_code), String::from_utf8_lossy(&close.reason).into_owned())
            }
            _ => return ProbeError::Protocol(ProtocolFault::Quic(error)),
        };
        if let Some(refused) = self.witness.peek().refused {
            return ProbeError::Tls(TlsFault::Rustls(refused));
        }
        // RFC 9001 §4.8: an alert is a CRYPTO_ERROR, 0x0100 and the alert.
        match code.checked_sub(0x0100).map(u8::try_from) {
            Some(Ok(code)) => ProbeError::Tls(TlsFault::Alert { code, reason }),
            _ => ProbeError::Protocol(ProtocolFault::Quic(error)),
        }
    }
}

impl Second {
    fn note(self, report: &mut Report) {
        report.tls = Some(self.tls);
        report.resumption = Some(self.resumption);
        report.early_data = self.early_data;
    }
}

/// Sends the request before the handshake is done, if it may be sent twice.
async fn early(plan: &Plan, connection: Connection, accepted: quinn::ZeroRttAccepted) -> EarlyData {
    // RFC 8470 §4: only requests with safe methods.
    if !plan.request.method.is_safe() {
        return if accepted.await { EarlyData::Unsafe } else { EarlyData::Rejected };
    }
    let mut answer = Answer::default();
    let (_open, accepted) = tokio::join!(http3::exchange(connection, &plan.request, &mut answer), accepted);
    if !accepted {
        return EarlyData::Rejected;
    }
    EarlyData::Accepted { status: answer.status.map(|status| status.as_u16()) }
}

/// Ready when the host says that nobody listens on this UDP port. quinn's socket is not connected, so the system tells it nothing.
async fn refusal(address: SocketAddr) -> io::Error {
    // Most servers answer sooner, and are then spared the datagram.
    sleep(REFUSAL_AFTER).await;
    match ask(address).await {
        Err(error) if error.kind() == io::ErrorKind::ConnectionRefused => error,
        _ => pending().await,
    }
}

async fn ask(address: SocketAddr) -> io::Result<()> {
    let local = if address.is_ipv4() { "0.0.0.0:0" } else { "[::]:0" };
    let socket = UdpSocket::bind(local).await?;
    socket.connect(address).await?;
    // RFC 9000 §17: without the fixed bit it is no QUIC packet, so a server drops it.
    socket.send(&[0]).await?;
    socket.recv(&mut [0]).await.map(drop)
}

/// Closes what is open and gives the packets that say so a moment to leave.
async fn close(endpoint: &Endpoint) {
    // RFC 9114 §8.1: H3_NO_ERROR.
    endpoint.close(VarInt::from_u32(0x0100), b"");
    let _ = timeout(CLOSING, endpoint.wait_idle()).await;
}

const KEEP_ALIVE: Duration = Duration::from_secs(5);
const REFUSAL_AFTER: Duration = Duration::from_millis(100);
const CLOSING: Duration = Duration::from_millis(100);
