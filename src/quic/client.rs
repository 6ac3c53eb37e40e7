//! QUIC towards upstreams: the settings of a cluster, and one quinn endpoint a worker and address family.

use std::fmt;
use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use quinn::crypto::rustls::QuicClientConfig;
use quinn::{Connecting, Connection, ConnectionError, Endpoint, EndpointConfig, TokioRuntime, TransportConfig, VarInt};
use rustls::pki_types::{CertificateDer, UnixTime};
use rustls::quic::Suite;

use super::crypto::{Heard, Listening};
use super::initial::initial_suite;
use super::keep_alive::{KeepAlive, keep_alive};
use super::transport::{Transport, transport};
use super::written::Written;
use crate::config::proto::envoy::config::core::v3::QuicProtocolOptions;
use crate::config::{At, Invalid};
use crate::net::bind_udp;
use crate::observe::access_log::Tls;
use crate::tls::{ClientTls, Handshake, SslStats};

/// How the hosts of a cluster are reached by QUIC.
#[derive(Clone, Debug)]
pub struct QuicUpstream {
    config: Arc<TransportConfig>,
    initial: Initial,
    /// What `config` was made of.
    #[expect(dead_code, reason = "quinn does not show all of it: two upstreams are told apart by this")]
    transport: Transport,
    /// What its handshakes need.
    pub tls: ClientTls,
    /// Streams that may be open on one connection, as far as this side has a say.
    pub max_streams: u32,
    /// How hosts are asked for signs of life.
    pub keep_alive: Option<KeepAlive>,
}

/// Builds the settings of a cluster; `at` stands on its options of QUIC.
///
/// # Errors
/// [`Invalid`] where QUIC cannot be spoken with them.
pub fn upstream(tls: &ClientTls, options: Option<&QuicProtocolOptions>, at: At<'_>) -> Result<QuicUpstream, Invalid> {
    let initial = initial_suite()
        .ok_or_else(|| at.error("Initial packets of QUIC need AES-128-GCM, which this build cannot do"))?;
    let written = Written { udp: None, udp_at: at, http3: options, http3_at: at };
    let mut transport = transport(&written)?;
    let max_streams = transport.bidi_streams;
    // RFC 9114 §6.1: a server opens no bidirectional stream. One that does is told so.
    transport.bidi_streams = 1;
    if options.and_then(|options| options.initial_connection_window_size).is_none() {
        // Responses that their clients do not read hold up no other on the connection, which is shared by strangers.
        let window = u64::from(transport.stream_window).saturating_mul(u64::from(max_streams));
        transport.connection_window = VarInt::from_u64(window).unwrap_or(VarInt::MAX);
    }
    Ok(QuicUpstream {
        config: transport.shared(),
        initial: Initial(initial),
        transport,
        tls: tls.clone(),
        max_streams,
        keep_alive: keep_alive(&written),
    })
}

/// What Initial packets are protected with.
#[derive(Clone)]
struct Initial(Suite);

impl fmt::Debug for Initial {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Initial")
    }
}

/// A handshake on its way.
#[derive(Debug)]
pub struct Dialling {
    connecting: Connecting,
    handshake: Handshake,
    heard: Arc<Heard>,
    stats: SslStats,
}

impl Dialling {
    /// Waits for the end of the handshake; returns the connection, and what was agreed on.
    ///
    /// # Errors
    /// Why there is no connection; counted where TLS is the reason.
    pub async fn complete(self) -> io::Result<(Connection, Tls)> {
        let connection = match self.connecting.await {
            Ok(connection) => connection,
            Err(error) => {
                if is_broken_tls(&error) {
                    self.stats.broken();
                }
                return Err(io::Error::other(error));
            }
        };
        let (tls, resumed) = self.heard.agreed();
        if resumed {
            let chain =
                connection.peer_identity().and_then(|chain| chain.downcast::<Vec<CertificateDer<'static>>>().ok());
            let verified = self.handshake.verify_again(&chain.unwrap_or_default(), UnixTime::now());
            if let Err(error) = verified {
                connection.close(VarInt::from_u32(NO_ERROR), b"");
                return Err(io::Error::other(error));
            }
        }
        self.stats.complete(&tls, resumed);
        Ok((connection, tls))
    }
}

/// Whether TLS broke off the handshake, and not for the upstream's certificate: those are counted by who verifies them.
fn is_broken_tls(error: &ConnectionError) -> bool {
    // RFC 9001 §4.8: a TLS alert is 0x100 and its number.
    let alert =
        |code: quinn_proto::TransportErrorCode| u64::from(code).checked_sub(0x100).filter(|alert| *alert < 0x100);
    match error {
        // RFC 8446 §6.2: from bad_certificate to unknown_ca, sent from here.
        ConnectionError::TransportError(error) => alert(error.code).is_some_and(|alert| !(42..=48).contains(&alert)),
        ConnectionError::ConnectionClosed(close) => alert(close.error_code).is_some(),
        _ => false,
    }
}

/// One worker's sockets towards upstreams, opened when they are needed first.
#[derive(Debug, Default)]
pub struct QuicClients {
    v4: OnceLock<Endpoint>,
    v6: OnceLock<Endpoint>,
    opening: Mutex<()>,
}

impl QuicClients {
    /// Begins a handshake with `address`. Call it within the worker's runtime.
    ///
    /// # Errors
    /// What the system says of the socket, or quinn of the address.
    pub fn connect(&self, address: SocketAddr, upstream: &QuicUpstream, handshake: Handshake) -> io::Result<Dialling> {
        let endpoint = self.endpoint(address.ip())?;
        let crypto = QuicClientConfig::with_initial(Arc::clone(&handshake.config), upstream.initial.0);
        let (crypto, heard) = Listening::new(crypto.map_err(io::Error::other)?);
        let mut config = quinn::ClientConfig::new(Arc::new(crypto));
        config.transport_config(Arc::clone(&upstream.config));
        // An address as a name asks for none (RFC 6066 §3).
        let name = handshake.server_name.to_str();
        let connecting = endpoint.connect_with(config, address, &name).map_err(io::Error::other)?;
        Ok(Dialling { connecting, handshake, heard, stats: upstream.tls.stats().clone() })
    }

    /// This side's end of a connection to `remote`. The system tells the address where it can, the socket the port.
    #[must_use]
    pub fn local_address(&self, connection: &Connection, remote: SocketAddr) -> Option<SocketAddr> {
        let bound = self.endpoint(remote.ip()).ok()?.local_addr().ok()?;
        Some(SocketAddr::new(connection.local_ip().unwrap_or(bound.ip()), bound.port()))
    }

    /// Tells all upstreams that their connections are over, and waits until they have been told.
    pub async fn close(&self) {
        for endpoint in [&self.v4, &self.v6].into_iter().filter_map(OnceLock::get) {
            endpoint.close(VarInt::from_u32(NO_ERROR), b"");
            endpoint.wait_idle().await;
        }
    }

    fn endpoint(&self, ip: IpAddr) -> io::Result<&Endpoint> {
        let (place, any): (_, IpAddr) = match ip {
            IpAddr::V4(_) => (&self.v4, Ipv4Addr::UNSPECIFIED.into()),
            IpAddr::V6(_) => (&self.v6, Ipv6Addr::UNSPECIFIED.into()),
        };
        let _one_at_a_time = self.opening.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(endpoint) = place.get() {
            return Ok(endpoint);
        }
        let (sockets, _) = bind_udp(SocketAddr::new(any, 0), 1, UDP_BUFFER).map_err(io::Error::other)?;
        let socket = sockets.into_iter().next().ok_or_else(|| io::Error::other("one socket was asked for"))?;
        let endpoint = Endpoint::new(EndpointConfig::default(), None, socket, Arc::new(TokioRuntime))?;
        Ok(place.get_or_init(|| endpoint))
    }
}

/// RFC 9114 §8.1: `H3_NO_ERROR`.
const NO_ERROR: u32 = 0x100;

/// Bytes of buffer that are asked for each socket: what arrives on a fast path while the worker does something else.
const UDP_BUFFER: usize = 2 << 20;
