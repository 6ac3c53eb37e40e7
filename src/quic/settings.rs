//! A QUIC listener as it is configured.

use std::sync::Arc;
use std::time::Duration;

use quinn::crypto::rustls::QuicServerConfig;
use quinn::{Runtime, TokioRuntime};

use super::acceptance::{Acceptance, acceptance};
use super::crypto::{EarlyDataStats, Watched};
use super::initial::initial_suite;
use super::ledger::LedgerStats;
use super::steer::SteeringStats;
use super::tokens::tokens;
use super::transport::{handshake_timeout, max_streams, transport};
use crate::config::proto::envoy::config::core::v3::QuicProtocolOptions;
use crate::config::proto::envoy::config::listener::v3::QuicProtocolOptions as ListenerOptions;
use crate::config::{At, Invalid};
use crate::observe::stats::{Counter, Scope};
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
    /// What its endpoints run on.
    pub(crate) runtime: Arc<dyn Runtime>,
    /// `listener.<address>.quic.panics`: those that were caught on the way to and from its sockets.
    pub(super) panics: Counter,
    /// Whether and how fast new connections are taken.
    pub acceptance: Acceptance,
    /// How its datagrams reached their workers.
    pub steering: SteeringStats,
    /// What the ledgers of its workers held back.
    pub ledger: LedgerStats,
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
    let crypto = initial_suite()
        .and_then(|initial| QuicServerConfig::with_initial(Arc::clone(&tls.config), initial).ok())
        .ok_or_else(|| at.error("Initial packets of QUIC need AES-128-GCM, which this build cannot do"))?;
    // The key that makes Retry and address-validation tokens is random and the same on every worker: a clone shares it.
    let crypto = Watched::new(crypto, EarlyDataStats::new(scope));
    let mut server = quinn::ServerConfig::with_crypto(Arc::new(crypto));
    server
        .transport_config(Arc::new(transport(listener, http3, at)?))
        .validation_token_config(tokens())
        .max_incoming(MAX_INCOMING)
        .incoming_buffer_size(INCOMING_BUFFER)
        .incoming_buffer_size_total(INCOMING_BUFFER_TOTAL);
    let max_streams = max_streams(listener, http3);
    Ok(QuicSettings {
        server,
        handshake_timeout: handshake_timeout(listener),
        max_streams,
        runtime: Arc::new(TokioRuntime),
        acceptance: acceptance(listener),
        panics: scope.counter("quic.panics"),
        steering: SteeringStats::new(scope),
        ledger: LedgerStats::new(scope),
    })
}

/// Handshakes that may wait to be accepted on one worker: a burst, in 6 MiB. What comes beyond it is lost and sent again.
const MAX_INCOMING: usize = 4096;

/// Bytes that one handshake may send before it is accepted: 0-RTT and a `ClientHello` in pieces.
const INCOMING_BUFFER: u64 = 256 * 1024;

/// The same for all of one worker.
const INCOMING_BUFFER_TOTAL: u64 = 32 << 20;
