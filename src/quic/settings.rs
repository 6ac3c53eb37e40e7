//! A QUIC listener as it is configured.

use std::sync::Arc;
use std::time::Duration;

use quinn::crypto::rustls::QuicServerConfig;

use super::crypto::{EarlyDataStats, Watched};
use super::steer::SteeringStats;
use super::transport::{handshake_timeout, max_streams, transport};
use crate::config::proto::envoy::config::core::v3::QuicProtocolOptions;
use crate::config::proto::envoy::config::listener::v3::QuicProtocolOptions as ListenerOptions;
use crate::config::{At, Invalid};
use crate::observe::stats::Scope;
use crate::tls::ServerTls;

/// A QUIC listener as it runs.
#[derive(Clone, Debug)]
pub struct QuicSettings {
    /// What quinn needs of it.
    pub server: quinn::ServerConfig,
    /// How long a handshake may take.
    pub handshake_timeout: Duration,
    /// Request streams that a client may have open at once.
    pub max_streams: u32,
    /// How its datagrams reached their workers.
    pub steering: SteeringStats,
}

/// Builds the settings of a QUIC listener; `at` stands on `quic_options`, `scope` is the listener's.
///
/// # Errors
/// [`Invalid`] where QUIC cannot be served with them.
pub fn settings(
    tls: &ServerTls,
    listener: Option<&ListenerOptions>,
    http3: Option<&QuicProtocolOptions>,
    scope: &Scope,
    at: At<'_>,
) -> Result<QuicSettings, Invalid> {
    let crypto = QuicServerConfig::try_from(Arc::clone(&tls.config))
        .map_err(|error| at.error(format_args!("QUIC cannot use this TLS context: {error}")))?;
    // The key that makes Retry and address-validation tokens is random and the same on every worker: a clone shares it.
    let crypto = Watched::new(crypto, EarlyDataStats::new(scope));
    let mut server = quinn::ServerConfig::with_crypto(Arc::new(crypto));
    server
        .transport_config(Arc::new(transport(listener, http3, at)?))
        .max_incoming(MAX_INCOMING)
        .incoming_buffer_size(INCOMING_BUFFER)
        .incoming_buffer_size_total(INCOMING_BUFFER_TOTAL);
    let max_streams = max_streams(listener, http3);
    let steering = SteeringStats::new(scope);
    Ok(QuicSettings { server, handshake_timeout: handshake_timeout(listener), max_streams, steering })
}

/// Handshakes that may wait to be accepted on one worker.
const MAX_INCOMING: usize = 4096;

/// Bytes that one handshake may send before it is accepted: 0-RTT and a `ClientHello` in pieces.
const INCOMING_BUFFER: u64 = 256 * 1024;

/// The same for all of one worker.
const INCOMING_BUFFER_TOTAL: u64 = 32 << 20;
