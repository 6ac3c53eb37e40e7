//! A QUIC listener as it is configured.

use std::sync::Arc;
use std::time::Duration;

use quinn::{Runtime, TokioRuntime};

use super::acceptance::{Acceptance, acceptance};
use super::caught::Panics;
use super::crypto::{Choose, Choosing, Configurations, EarlyDataStats, Watched};
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
use crate::observe::stats::Scope;
use crate::tls::ServerTls;

/// A QUIC listener as it runs.
#[derive(Clone, Debug)]
pub struct QuicSettings {
    /// What quinn needs of it.
    pub server: quinn::ServerConfig,
    /// The TLS of each of its filter chains.
    configurations: Shown,
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
    /// Those that were caught below its endpoints.
    pub(super) panics: Panics,
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

/// quinn's configurations cannot be shown; what they are made of is, elsewhere.
#[derive(Clone)]
struct Shown(Arc<Configurations>);

impl std::fmt::Debug for Shown {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} configurations", self.0.others.len() + 1)
    }
}

impl QuicSettings {
    /// The settings of one connection that differ from those of all: one that is recorded, or for which one of several TLS
    /// configurations has to be chosen.
    #[must_use]
    pub fn of_connection(
        &self,
        incoming: &quinn::Incoming,
        choose: Option<Choose>,
    ) -> Option<Arc<quinn::ServerConfig>> {
        let record = self.visitor.qlog.as_ref().and_then(|qlog| qlog.record(incoming.orig_dst_cid()));
        if record.is_none() && choose.is_none() {
            return None;
        }
        let mut server = self.server.clone();
        if let Some(record) = record {
            let mut transport = self.transport.config();
            transport.qlog_stream(Some(record));
            server.transport_config(Arc::new(transport));
        }
        if let Some(choose) = choose {
            let configurations = Arc::clone(&self.configurations.0);
            server.crypto = Arc::new(Choosing { configurations, choose, panics: self.panics.clone() });
        }
        Some(Arc::new(server))
    }

    /// How often what is counted of a connection is added up while it lasts.
    #[must_use]
    pub fn update_period(&self) -> Duration {
        self.visitor.update_period
    }
}

/// Builds the settings of a QUIC listener, with the TLS of its first filter chain and of the others; `scope` is the listener's.
///
/// # Errors
/// [`Invalid`] where QUIC cannot be served with them.
pub fn settings(
    first: &ServerTls,
    others: &[ServerTls],
    written: &Written<'_>,
    scope: &Scope,
) -> Result<QuicSettings, Invalid> {
    let options = written.listener();
    let (early_data, panics) = (EarlyDataStats::new(scope), Panics::new(scope));
    let ask_to_stay = options.and_then(|options| options.send_disable_active_migration).unwrap_or(false);
    let crypto = |tls: &ServerTls| {
        let crypto = initial_suite().and_then(|initial| Watched::new(tls, initial, early_data.clone(), panics.clone()));
        let watched = crypto.ok_or_else(|| {
            let at = written.udp_at.field("quic_options");
            at.error("Initial packets of QUIC need AES-128-GCM, which this build cannot do")
        })?;
        let crypto: Arc<dyn quinn::crypto::ServerConfig> = Arc::new(watched);
        Ok(if ask_to_stay { Arc::new(AskToStay(crypto)) } else { crypto })
    };
    let (first, others) = (crypto(first), others.iter().map(crypto).collect::<Result<Vec<_>, _>>());
    let transport = transport(written);
    let largest_received = largest_received(written);
    let visitor = visitor(written, scope);
    let handshake_timeout = handshake_timeout(written);
    let (first, others, transport) = (first?, others?, transport?);
    let (largest_received, visitor, handshake_timeout) = (largest_received?, visitor?, handshake_timeout?);
    // The key that makes Retry and address-validation tokens is random and the same on every worker: a clone shares it.
    let mut server = quinn::ServerConfig::with_crypto(Arc::clone(&first));
    server
        .transport_config(transport.shared())
        .validation_token_config(tokens())
        .max_incoming(MAX_INCOMING)
        .incoming_buffer_size(INCOMING_BUFFER)
        .incoming_buffer_size_total(INCOMING_BUFFER_TOTAL);
    let enabled = options.and_then(|options| options.enabled.as_ref()).and_then(|flag| flag.default_value);
    Ok(QuicSettings {
        server,
        configurations: Shown(Arc::new(Configurations { first, others })),
        handshake_timeout,
        max_streams: transport.bidi_streams,
        keep_alive: keep_alive(written),
        enabled: enabled.unwrap_or(true),
        acceptance: acceptance(options),
        runtime: Arc::new(TokioRuntime),
        panics,
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
