//! One downstream connection as the connection manager sees it: who is on the other end, and what was agreed.
//!
//! Made by `listener` once the transport stands; the codec calls it as its [`Handler`] for each request.

use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::Instant;

use http::HeaderValue;
use tokio::io::{AsyncRead, AsyncWrite};

use super::build::limits::drawn;
use super::exchange;
use super::sanitize::Origin;
use super::{Manager, Worker};
use crate::codec::{Activity, Ended, Handler, Lifetime, Outbox, h1, h2, h3};
use crate::drain::Watch;
use crate::http::{Failure, Protocol, Request, Response};
use crate::observe::access_log::Connection as Facts;
use crate::tls::Shown;

/// A downstream connection.
#[derive(Debug)]
pub struct Connection {
    pub(super) manager: Arc<Manager>,
    pub(super) worker: Arc<Worker>,
    pub(super) peer: Peer,
    protocol: Protocol,
    activity: Arc<Activity>,
    watch: Watch,
    lost: AtomicBool,
    resetting: AtomicBool,
    /// What upstreams are told of the client's certificate.
    pub(super) client_cert: OnceLock<String>,
}

/// What the transport says of a connection.
#[derive(Clone, Debug)]
pub struct Peer {
    /// The client's end.
    pub remote: SocketAddr,
    /// Whether it is under TLS.
    pub secure: bool,
    /// What logs say of it.
    pub facts: Arc<Facts>,
    /// What to announce in `alt-svc`, where an HTTP/3 listener serves the same port.
    pub alt_svc: Option<HeaderValue>,
    /// When the transport was accepted.
    pub accepted: Instant,
    /// What it was shown, where a certificate stands for the name that it asked for.
    pub shown: Option<Shown>,
}

impl Connection {
    fn new(manager: &Arc<Manager>, worker: &Arc<Worker>, peer: Peer, protocol: Protocol) -> Arc<Self> {
        manager.stats.connection(protocol, peer.secure);
        Arc::new(Self {
            manager: Arc::clone(manager),
            worker: Arc::clone(worker),
            watch: worker.drain.watch(),
            activity: Activity::new(peer.accepted),
            peer,
            protocol,
            lost: AtomicBool::new(false),
            resetting: AtomicBool::new(false),
            client_cert: OnceLock::new(),
        })
    }

    /// The version that this connection speaks.
    pub(super) fn protocol(&self) -> Protocol {
        self.protocol
    }

    /// The port that the client came to.
    pub(super) fn local_port(&self) -> Option<u16> {
        self.peer.facts.local.map(|local| local.port())
    }

    /// The scheme of requests on this connection.
    pub(super) fn scheme(&self) -> &'static str {
        match self.manager.identity.scheme {
            Some(scheme) => scheme,
            None if self.peer.secure => "https",
            None => "http",
        }
    }

    /// Where its requests come from.
    pub(super) fn origin(&self) -> Origin {
        Origin { peer: self.peer.remote.ip(), port: self.local_port(), scheme: self.scheme() }
    }

    /// Whether a request for this authority should have come over another connection (RFC 9110 §15.5.20): one for a host outside
    /// the certificate that was shown here, with a certificate of its own. HTTP/1 has no connections that several hosts share.
    pub(super) fn is_misdirected(&self, authority: &[u8]) -> bool {
        let (Some(shown), Some(name)) = (&self.peer.shown, &self.peer.facts.server_name) else { return false };
        let Ok(authority) = std::str::from_utf8(authority) else { return false };
        let host = authority.rsplit_once(':').map_or(authority, |(host, _)| host);
        self.protocol.is_multiplexed() && !host.eq_ignore_ascii_case(name) && shown.misdirects(host)
    }

    /// Whether the response that goes out now is the last of this connection, and HTTP/1 has to say so.
    pub(super) fn is_last(&self) -> bool {
        let enough = self.manager.connection.max_requests.is_some_and(|max| self.activity.served() >= max);
        !self.protocol.is_multiplexed() && (enough || self.watch.is_leaving())
    }

    /// Why an exchange on this connection was dropped before its end.
    pub(super) fn why_dropped(&self) -> Failure {
        if self.resetting.load(Ordering::Relaxed) {
            Failure::DownstreamReset
        } else if self.lost.load(Ordering::Relaxed) || !self.protocol.is_multiplexed() {
            Failure::DownstreamClosed
        } else {
            Failure::DownstreamReset
        }
    }

    fn lifetime(&self) -> Lifetime {
        let limits = drawn(&self.manager.connection, self.manager.duration_jitter, rand::random());
        Lifetime::new(self.watch.clone(), Arc::clone(&self.activity), limits)
    }

    fn count_end(&self, ended: &Ended) {
        let stats = &self.manager.stats;
        match ended {
            Ended::Idle => stats.cx_idle_timeout.inc(),
            Ended::MaxDuration => stats.cx_max_duration_reached.inc(),
            Ended::TooManyResets => stats.rq_too_many_premature_resets.inc(),
            Ended::Forced => stats.cx_drain_close.inc(),
            Ended::Done | Ended::Told | Ended::Unanswered | Ended::Protocol(_) | Ended::Broken(_) => {}
        }
        match ended {
            Ended::Done | Ended::Broken(_) => stats.cx_destroy_remote.inc(),
            _ => stats.cx_destroy_local.inc(),
        }
        stats.cx_length_ms.record(millis(self.peer.accepted));
    }
}

impl Drop for Connection {
    fn drop(&mut self) {
        self.manager.stats.cx_active.dec();
        self.manager.stats.cx_destroy.inc();
    }
}

/// Serves HTTP/1 or HTTP/2 on a transport that stands; `http2` is what was agreed or detected.
pub async fn serve<I>(io: I, http2: bool, manager: &Arc<Manager>, worker: &Arc<Worker>, peer: Peer) -> Ended
where
    I: AsyncRead + AsyncWrite + Unpin + Send,
{
    let protocol = if http2 { Protocol::Http2 } else { Protocol::Http11 };
    let connection = Connection::new(manager, worker, peer, protocol);
    let lifetime = connection.lifetime();
    let ended = if http2 {
        h2::serve(io, Arc::clone(&connection), &manager.limits, lifetime, &worker.drain).await
    } else {
        h1::serve(io, Arc::clone(&connection), &manager.limits, lifetime).await
    };
    connection.count_end(&ended);
    ended
}

/// Serves HTTP/3 on a QUIC connection that stands. Returns the code with which this side closed it, where it did.
pub async fn serve_http3(
    accepted: h3::Accepted,
    manager: &Arc<Manager>,
    worker: &Arc<Worker>,
    peer: Peer,
) -> Option<u64> {
    let connection = Connection::new(manager, worker, peer, Protocol::Http3);
    let lifetime = connection.lifetime();
    let (ended, closed_with) =
        h3::serve(accepted, Arc::clone(&connection), &manager.limits, lifetime, &worker.drain).await;
    connection.count_end(&ended);
    closed_with.map(|code| code.value())
}

impl Handler for Connection {
    async fn handle(self: Arc<Self>, request: Request, outbox: Outbox) -> Response {
        exchange::run(self, request, outbox).await
    }

    async fn reject(self: Arc<Self>, request: Request, failure: Failure) -> Response {
        exchange::reject(self, request, &failure)
    }

    fn refused(self: &Arc<Self>, failure: &Failure) {
        exchange::refused(self, failure);
    }

    fn lost(&self) {
        self.lost.store(true, Ordering::Relaxed);
    }

    fn resetting(&self, on: bool) {
        self.resetting.store(on, Ordering::Relaxed);
    }

    fn activity(&self) -> &Arc<Activity> {
        &self.activity
    }
}

fn millis(since: Instant) -> u64 {
    u64::try_from(since.elapsed().as_millis()).unwrap_or(u64::MAX)
}
