//! A QUIC listener as it is configured.

use std::sync::Arc;
use std::time::Duration;

use quinn::{Runtime, TokioRuntime};

use super::acceptance::{Acceptance, acceptance};
use super::crypto::{EarlyDataStats, Watched};
use super::initial::initial_suite;
use super::keep_alive::{KeepAlive, keep_alive};
use super::ledger::LedgerStats;
use super::migration::AskToStay;
use super::packets::largest_received;
use super::stats::QuicStats;
use super::steer::SteeringStats;
use super::tokens::tokens;
use super::transport::{Transport, handshake_timeout, transport};
use super::visitor::{Visitor, visitor};
use super::written::Written;
use crate::config::Invalid;
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
    /// How clients are asked for signs of life.
    pub keep_alive: Option<KeepAlive>,
    /// Whether it serves at all.
    pub enabled: bool,
    /// Whether and how fast new connections are taken.
    pub acceptance: Acceptance,
    /// What its endpoints run on.
    pub(crate) runtime: Arc<dyn Runtime>,
    /// `listener.<address>.quic.panics`: those that were caught on the way to and from its sockets.
    pub(super) panics: Counter,
    /// How its datagrams reached their workers.
    pub steering: SteeringStats,
    /// What the ledgers of its workers held back.
    pub ledger: LedgerStats,
    /// What is counted of its connections.
    pub stats: QuicStats,
    /// What `server.transport` was made of.
    transport: Transport,
    /// Whether clients are asked not to move to another address on purpose.
    #[expect(dead_code, reason = "quinn does not show it: two listeners are told apart by this")]
    ask_to_stay: bool,
    /// Bytes of the largest datagram that is taken.
    pub(super) largest_received: u16,
    visitor: Visitor,
}

impl QuicSettings {
    /// The settings of one connection that is recorded; `None` for those of all others.
    #[must_use]
    pub fn recorded(&self, incoming: &quinn::Incoming) -> Option<Arc<quinn::ServerConfig>> {
        let record = self.visitor.qlog.as_ref()?.record(incoming.orig_dst_cid())?;
        let mut transport = self.transport.config();
        transport.qlog_stream(Some(record));
        let mut server = self.server.clone();
        server.transport_config(Arc::new(transport));
        Some(Arc::new(server))
    }

    /// How often what is counted of a connection is added up while it lasts.
    #[must_use]
    pub fn update_period(&self) -> Duration {
        self.visitor.update_period
    }
}

/// Builds the settings of a QUIC listener; `scope` is the listener's.
///
/// # Errors
/// [`Invalid`] where QUIC cannot be served with them.
pub fn settings(tls: &ServerTls, written: &Written<'_>, scope: &Scope) -> Result<QuicSettings, Invalid> {
    let options = written.listener();
    let crypto =
        initial_suite().and_then(|initial| Watched::new(tls, initial, EarlyDataStats::new(scope))).ok_or_else(|| {
            let at = written.udp_at.field("quic_options");
            at.error("Initial packets of QUIC need AES-128-GCM, which this build cannot do")
        });
    let transport = transport(written);
    let largest_received = largest_received(written);
    let visitor = visitor(written, scope);
    let (crypto, transport, largest_received, visitor) = (crypto?, transport?, largest_received?, visitor?);
    let crypto: Arc<dyn quinn::crypto::ServerConfig> = Arc::new(crypto);
    let ask_to_stay = options.and_then(|options| options.send_disable_active_migration).unwrap_or(false);
    let crypto = if ask_to_stay { Arc::new(AskToStay(crypto)) } else { crypto };
    // The key that makes Retry and address-validation tokens is random and the same on every worker: a clone shares it.
    let mut server = quinn::ServerConfig::with_crypto(crypto);
    server
        .transport_config(transport.shared())
        .validation_token_config(tokens())
        .max_incoming(MAX_INCOMING)
        .incoming_buffer_size(INCOMING_BUFFER)
        .incoming_buffer_size_total(INCOMING_BUFFER_TOTAL);
    let enabled = options.and_then(|options| options.enabled.as_ref()).and_then(|flag| flag.default_value);
    Ok(QuicSettings {
        server,
        handshake_timeout: handshake_timeout(written),
        max_streams: transport.bidi_streams,
        keep_alive: keep_alive(written),
        enabled: enabled.unwrap_or(true),
        acceptance: acceptance(options),
        runtime: Arc::new(TokioRuntime),
        panics: scope.counter("quic.panics"),
        steering: SteeringStats::new(scope),
        ledger: LedgerStats::new(scope),
        stats: QuicStats::new(scope),
        transport,
        ask_to_stay,
        largest_received,
        visitor,
    })
}

/// Handshakes that may wait to be accepted on one worker: a burst, in 6 MiB. What comes beyond it is lost and sent again.
const MAX_INCOMING: usize = 4096;

/// Bytes that one handshake may send before it is accepted: 0-RTT and a `ClientHello` in pieces.
const INCOMING_BUFFER: u64 = 256 * 1024;

/// The same for all of one worker.
const INCOMING_BUFFER_TOTAL: u64 = 32 << 20;
