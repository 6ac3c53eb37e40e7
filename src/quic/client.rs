//! QUIC towards upstreams: the settings of a cluster, and one quinn endpoint a worker and address family.

use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use quinn::crypto::rustls::QuicClientConfig;
use quinn::{Connecting, Endpoint, EndpointConfig, TokioRuntime, VarInt};

use super::initial::initial_suite;
use super::keep_alive::{KeepAlive, keep_alive};
use super::transport::{Transport, transport};
use super::written::Written;
use crate::config::proto::envoy::config::core::v3::QuicProtocolOptions;
use crate::config::{At, Invalid};
use crate::net::bind_udp;
use crate::tls::ClientTls;

/// How the hosts of a cluster are reached by QUIC.
#[derive(Clone, Debug)]
pub struct QuicUpstream {
    config: quinn::ClientConfig,
    /// What `config` was made of.
    #[expect(dead_code, reason = "quinn does not show all of it: two upstreams are told apart by this")]
    transport: Transport,
    tls: ClientTls,
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
    let crypto = initial_suite()
        .and_then(|initial| QuicClientConfig::with_initial(Arc::clone(&tls.config), initial).ok())
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
    let mut config = quinn::ClientConfig::new(Arc::new(crypto));
    config.transport_config(transport.shared());
    Ok(QuicUpstream { config, transport, tls: tls.clone(), max_streams, keep_alive: keep_alive(&written) })
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
    pub fn connect(&self, address: SocketAddr, upstream: &QuicUpstream) -> io::Result<Connecting> {
        let endpoint = self.endpoint(address.ip())?;
        // An address as a name asks for none (RFC 6066 §3).
        let ip = address.ip().to_string();
        let name = upstream.tls.sni.as_deref().unwrap_or(&ip);
        endpoint.connect_with(upstream.config.clone(), address, name).map_err(io::Error::other)
    }

    /// This side's end of a connection to `remote`. The system tells the address where it can, the socket the port.
    #[must_use]
    pub fn local_address(&self, connection: &quinn::Connection, remote: SocketAddr) -> Option<SocketAddr> {
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
