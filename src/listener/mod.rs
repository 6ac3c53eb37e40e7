//! Floor 9: accept, choose a filter chain.
//!
//! A [`Listener`] is what all workers share of one `Listener` message; [`Listener::bind`] makes its sockets, one a worker
//! and address, and [`serve`] runs them on a worker: TCP connections go through TLS to `hcm`, QUIC connections through
//! their handshake to `hcm`. Accepting awaits no peer: everything a connection does happens in its own task.

mod build;
mod chain;
mod drops;
mod first_words;
mod limits;
mod quic;
mod sockets;
mod tcp;

use std::net::SocketAddr;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};

use http::HeaderValue;
use tokio_util::sync::CancellationToken;

pub use build::{Context, listeners};
pub use chain::{Chain, Chains};
pub use drops::count_drops;
pub use sockets::{Bound, Sockets};

use self::drops::Drops;
use self::limits::HandshakeLimits;
use crate::hcm::{self, ConnectionEnd, Worker};
use crate::observe::access_log::{AccessLog, Connection as Facts};
use crate::observe::log::Limited;
use crate::observe::stats::{Counter, Gauge, Histogram, Scope};
use crate::quic::QuicSettings;
use crate::tls::{self, Cause, CertificateFacts, ServerTls, VerifyStats};

/// A listener as it runs.
#[derive(Debug)]
pub struct Listener {
    /// Envoy's `name`; the address where unset.
    pub name: Arc<str>,
    /// The addresses as configured.
    pub addresses: Vec<SocketAddr>,
    /// What it accepts.
    pub kind: Kind,
    /// What serves its connections.
    pub chains: Chains,
    backlog: i32,
    limits: HandshakeLimits,
    handshake_timeout: Duration,
    access_log: AccessLog,
    stats: ListenerStats,
    /// Of a UDP listener.
    drops: Option<Drops>,
    limited: Limited,
    alt_svc: OnceLock<HeaderValue>,
    inbound: bool,
    /// Connections open now. Listeners whose statistics have one name share the gauge: this is this one's own.
    open: AtomicU64,
    stopped: CancellationToken,
}

/// What a listener accepts.
#[derive(Debug)]
pub enum Kind {
    /// TCP.
    Tcp,
    /// QUIC.
    Quic(Box<QuicSettings>),
}

impl Listener {
    /// Says that HTTP/3 is served on `port` as well: `alt-svc` is announced from now on (RFC 7838, RFC 9114 §3.1.1).
    pub fn announce_http3(&self, port: u16) {
        if let Ok(value) = HeaderValue::from_str(&format!("h3=\":{port}\"; ma=86400")) {
            // Said once: a second listener on the same port says the same.
            let _ = self.alt_svc.set(value);
        }
    }

    /// The certificates of each of its TLS contexts that are in use now.
    pub fn certificates(&self) -> impl Iterator<Item = Vec<CertificateFacts>> {
        self.chains.iter().filter_map(|chain| chain.tls.as_ref()).map(ServerTls::certificates)
    }

    /// Whether it serves TLS on TCP.
    #[must_use]
    pub fn is_tls(&self) -> bool {
        matches!(self.kind, Kind::Tcp) && self.chains.iter().any(|chain| chain.tls.is_some())
    }

    /// Whether HTTP/3 can be had from it, so that others may announce it.
    #[must_use]
    pub fn serves_http3(&self) -> bool {
        matches!(&self.kind, Kind::Quic(settings) if settings.enabled && !settings.acceptance.reject)
    }

    /// Whether its traffic comes to this host: Envoy's `traffic_direction: INBOUND`.
    #[must_use]
    pub fn is_inbound(&self) -> bool {
        self.inbound
    }

    /// Stops accepting, on all workers and for good; connections go on. Returns whether it accepted until now.
    pub fn stop(&self) -> bool {
        let accepted = !self.stopped.is_cancelled();
        self.stopped.cancel();
        accepted
    }

    /// Connections open now, of all workers.
    #[must_use]
    pub fn active_connections(&self) -> u64 {
        self.open.load(Ordering::Relaxed)
    }

    /// What logs say of a connection that has just come.
    fn facts(&self, worker: &Worker, remote: SocketAddr, began: Instant) -> Facts {
        Facts {
            id: worker.next_connection(),
            remote: Some(remote),
            began: Some(began),
            listener: Some(Arc::clone(&self.name)),
            ..Facts::default()
        }
    }

    /// Writes the line of a connection that is over.
    fn log(&self, facts: &Arc<Facts>, began: Instant, end: ConnectionEnd) {
        if let Some(reason) = &end.transport_failure
            && let Some(suppressed) = self.limited.admit(Instant::now())
        {
            let remote = facts.remote.map(|remote| remote.to_string()).unwrap_or_default();
            tracing::debug!(listener = %self.name, remote, reason, suppressed, "a handshake failed");
        }
        if !self.access_log.is_empty() {
            self.access_log.log(&hcm::connection_record(Arc::clone(facts), began, end));
        }
    }

    fn accepted(&self, worker: &Worker) {
        self.open.fetch_add(1, Ordering::Relaxed);
        self.stats.cx_total.inc();
        self.stats.cx_active.inc();
        if let Some((total, active)) = self.stats.workers.get(worker.index) {
            total.inc();
            active.inc();
        }
    }

    fn closed(&self, worker: &Worker, millis: u64) {
        self.open.fetch_sub(1, Ordering::Relaxed);
        self.stats.cx_destroy.inc();
        self.stats.cx_active.dec();
        self.stats.cx_length_ms.record(millis);
        if let Some((_, active)) = self.stats.workers.get(worker.index) {
            active.dec();
        }
    }
}

/// Runs the sockets of one worker until draining begins; each connection goes on in its own task.
pub fn serve(bound: Bound, worker: &Arc<Worker>) {
    let Bound { listener, sockets } = bound;
    match sockets {
        Sockets::Tcp(socket) => tcp::spawn(listener, socket, worker),
        Sockets::Udp(share) => quic::spawn(&listener, share, worker),
    }
}

/// `listener.<address>.*`
#[derive(Debug)]
struct ListenerStats {
    cx_total: Counter,
    cx_active: Gauge,
    cx_destroy: Counter,
    cx_length_ms: Histogram,
    pre_cx_timeout: Counter,
    /// `downstream_pre_cx_overflow`: handshakes over TCP that were given up for newer ones.
    pre_cx_overflow: Counter,
    /// `quic.retry_sent`: handshakes that had to begin again so that the client's address is known to be its own.
    retry: Counter,
    /// `quic.cx_migrated`: connections whose client had another address at the end than at the beginning.
    migrated: Counter,
    /// `quic.handshakes_refused`: handshakes of clients that had too many under way, or that are all rejected.
    refused: Counter,
    /// Connections that no filter chain was for.
    no_filter_chain_match: Counter,
    accept_paused: Counter,
    handshake: Counter,
    connection_error: Counter,
    session_reused: Counter,
    no_certificate: Counter,
    fail_verify_no_cert: Counter,
    verify: VerifyStats,
    agreed: tls::Agreed,
    workers: Vec<(Counter, Gauge)>,
}

impl ListenerStats {
    fn new(scope: &Scope, workers: usize) -> Self {
        let ssl = scope.scope("ssl");
        let worker = |index| {
            let scope = scope.scope(&format!("worker_{index}"));
            (scope.counter("downstream_cx_total"), scope.gauge("downstream_cx_active"))
        };
        Self {
            cx_total: scope.counter("downstream_cx_total"),
            cx_active: scope.gauge("downstream_cx_active"),
            cx_destroy: scope.counter("downstream_cx_destroy"),
            cx_length_ms: scope.histogram("downstream_cx_length_ms"),
            pre_cx_timeout: scope.counter("downstream_pre_cx_timeout"),
            pre_cx_overflow: scope.counter("downstream_pre_cx_overflow"),
            retry: scope.counter("quic.retry_sent"),
            migrated: scope.counter("quic.cx_migrated"),
            refused: scope.counter("quic.handshakes_refused"),
            no_filter_chain_match: scope.counter("no_filter_chain_match"),
            accept_paused: scope.counter("downstream_accept_paused"),
            handshake: ssl.counter("handshake"),
            connection_error: ssl.counter("connection_error"),
            session_reused: ssl.counter("session_reused"),
            no_certificate: ssl.counter("no_certificate"),
            fail_verify_no_cert: ssl.counter("fail_verify_no_cert"),
            verify: VerifyStats::new(&ssl),
            agreed: tls::Agreed::new(&ssl),
            workers: (0..workers).map(worker).collect(),
        }
    }
}

impl ListenerStats {
    /// Counts a handshake that failed, by what was said of it.
    fn failed(&self, error: &str) {
        match tls::cause(error) {
            // Who verified it has counted why.
            Cause::Certificate => {}
            Cause::NoCertificate => self.fail_verify_no_cert.inc(),
            Cause::Other => self.connection_error.inc(),
        }
    }
}
