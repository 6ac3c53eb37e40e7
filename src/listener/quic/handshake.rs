//! One connection, from its first packet to its end.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::{Duration, Instant};

use quinn::{Connection, ConnectionError, Incoming, RecvStream, SendStream, ServerConfig, VarInt, ZeroRttAccepted};
use tokio::sync::watch;
use tokio::time::error::Elapsed;
use tokio::time::timeout_at;

use super::half_open::UnderWay;
use crate::codec::h3::{Accepted, Early};
use crate::hcm::{self, ConnectionEnd, Peer, Worker};
use crate::listener::{Kind, Listener};
use crate::observe::access_log::Connection as Facts;
use crate::quic::{Agreed, CloseCode};

/// A handshake that is to be done.
pub(super) struct Handshake {
    pub(super) listener: Arc<Listener>,
    pub(super) worker: Arc<Worker>,
    /// Where the first packet came from and the answers of the handshake go. That is the client's address for the connection's
    /// life, in logs, limits and `x-forwarded-for` (RFC 9000 §9.3): quinn's `remote_address` follows a later packet before the
    /// new path is validated, and says neither when it is nor that it was not.
    pub(super) remote: SocketAddr,
    pub(super) timeout: Duration,
    pub(super) max_streams: u32,
    pub(super) began: Instant,
    pub(super) under_way: UnderWay,
}

impl Handshake {
    /// Serves the connection to its end.
    pub(super) async fn run(mut self, incoming: Incoming) {
        let listener = Arc::clone(&self.listener);
        let Kind::Quic(_, settings) = &listener.kind else { return };
        self.listener.accepted(&self.worker);
        let mut facts = self.listener.facts(&self.worker, self.remote, self.began);
        facts.local = Some(self.local(incoming.local_ip()));
        let mut end = ConnectionEnd::default();
        let deadline = tokio::time::Instant::now() + self.timeout;
        let recorded = settings.recorded(&incoming);
        let begun = timeout_at(deadline, begin(incoming, recorded)).await;
        match &begun {
            Ok(Ok(_)) => {}
            Ok(Err(error)) => settings.stats.never_stood(error),
            Err(_) => settings.stats.handshake_timed_out(),
        }
        let facts = match self.outcome(begun) {
            Ok(begun) => {
                if begun.early.is_none() {
                    self.under_way.complete();
                }
                end.protocol = Some(http::Version::HTTP_3);
                let facts = self.complete(facts, &begun);
                let quic = begun.connection.clone();
                let mut account = settings.stats.open();
                let serving = Box::pin(self.serve(begun, &facts, deadline));
                let (served, closed_with) = account.keep(&quic, settings.update_period(), serving).await;
                account.close(&quic, closed_with);
                end.transport_failure = served.err();
                if quic.remote_address() != self.remote {
                    self.listener.stats.migrated.inc();
                }
                facts
            }
            Err(reason) => {
                end.transport_failure = Some(reason);
                Arc::new(facts)
            }
        };
        self.listener.closed(&self.worker, u64::try_from(self.began.elapsed().as_millis()).unwrap_or(u64::MAX));
        self.listener.log(&facts, self.began, end);
        self.under_way.end(&self.worker.drain).await;
    }

    /// What became of a handshake, or of its beginning; the error is what the log says of one that failed.
    fn outcome<T>(&self, outcome: Result<Result<T, ConnectionError>, Elapsed>) -> Result<T, String> {
        let stats = &self.listener.stats;
        match outcome {
            Ok(Ok(done)) => Ok(done),
            Ok(Err(error)) => {
                stats.connection_error.inc();
                Err(format!("QUIC_error:|{error}").replace(' ', "_"))
            }
            Err(_) => {
                stats.pre_cx_timeout.inc();
                Err("crypto_handshake_timeout".to_owned())
            }
        }
    }

    /// What is known of the connection from now on.
    fn complete(&self, mut facts: Facts, begun: &Begun) -> Arc<Facts> {
        if let Some(agreed) = agreed(&begun.connection) {
            facts.tls = Some(agreed.tls);
            facts.server_name = agreed.server_name.as_deref().map(Arc::from);
        }
        facts.handshake_began = Some(self.began);
        facts.handshake_ended = begun.early.is_none().then(Instant::now);
        Arc::new(facts)
    }

    /// Serves the connection to its end; the error says why a handshake that was still under way failed. Beside that stands
    /// the code with which this side closed it, where it did.
    async fn serve(
        &mut self,
        begun: Begun,
        facts: &Arc<Facts>,
        deadline: tokio::time::Instant,
    ) -> (Result<(), String>, Option<CloseCode>) {
        let Begun { connection: quic, early } = begun;
        let peer = Peer {
            remote: self.remote,
            secure: true,
            facts: Arc::clone(facts),
            alt_svc: None,
            accepted: self.began,
            shown: self.listener.shown(facts),
        };
        let max_streams = self.max_streams;
        let keep_alive = match &self.listener.kind {
            Kind::Quic(_, settings) => settings.keep_alive,
            Kind::Tcp(_) => None,
        };
        let (manager, worker) = (&self.listener.manager, &self.worker);
        let Some((first, complete)) = early else {
            self.established(&quic);
            let accepted = Accepted { quic, max_streams, early: None, keep_alive };
            let closed_with = hcm::serve_http3(accepted, manager, worker, peer).await;
            return (Ok(()), closed_with.map(CloseCode::Application));
        };
        let (tell, established) = watch::channel(false);
        let early = Some(Early { first, established });
        let accepted = Accepted { quic: quic.clone(), max_streams, early, keep_alive };
        let mut serving = Box::pin(hcm::serve_http3(accepted, manager, worker, peer));
        let handshake = tokio::select! {
            biased;
            handshake = timeout_at(deadline, end_of_handshake(&quic, complete)) => self.outcome(handshake),
            closed_with = &mut serving => return (Ok(()), closed_with.map(CloseCode::Application)),
        };
        let mut closed_with = None;
        if handshake.is_ok() {
            self.under_way.complete();
            self.established(&quic);
            tell.send_replace(true);
        } else {
            closed_with = quic.close_reason().is_none().then_some(CloseCode::HandshakeTimeout);
            quic.close(VarInt::from_u32(0), b"");
        }
        let served = serving.await.map(CloseCode::Application);
        (handshake, closed_with.or(served))
    }

    /// Counts a handshake that is complete.
    fn established(&self, quic: &Connection) {
        let stats = &self.listener.stats;
        stats.handshake.inc();
        if let Some(agreed) = agreed(quic) {
            stats.agreed.count(&agreed.tls);
            if agreed.resumed {
                stats.session_reused.inc();
            }
        }
    }

    /// Our end: the address that the packet came to, and the port that is bound.
    fn local(&self, ip: Option<IpAddr>) -> SocketAddr {
        let configured = self.listener.addresses.first().map(SocketAddr::ip);
        let ip = ip.or(configured).unwrap_or(IpAddr::V4(Ipv4Addr::UNSPECIFIED));
        SocketAddr::new(ip, self.listener.bound_port())
    }
}

/// A connection that can be served.
struct Begun {
    connection: Connection,
    /// The first request stream, and what resolves at the end of the handshake, where the client did not wait for that.
    early: Option<((SendStream, RecvStream), ZeroRttAccepted)>,
}

/// Waits for the end of the handshake, or for the first request in early data.
async fn begin(incoming: Incoming, recorded: Option<Arc<ServerConfig>>) -> Result<Begun, ConnectionError> {
    let connecting = match recorded {
        None => incoming.accept()?,
        Some(settings) => incoming.accept_with(settings)?,
    };
    let (connection, mut complete) = match connecting.into_0rtt() {
        Ok(begun) => begun,
        // A server always can; there is no early data otherwise.
        Err(connecting) => return Ok(Begun { connection: connecting.await?, early: None }),
    };
    tokio::select! {
        biased;
        ended = end_of_handshake(&connection, &mut complete) => ended.map(|()| Begun { connection, early: None }),
        first = connection.accept_bi() => first.map(|first| Begun { connection, early: Some((first, complete)) }),
    }
}

/// What was agreed on; nothing is, before the first flight of the client has been read.
fn agreed(quic: &Connection) -> Option<Box<Agreed>> {
    quic.handshake_data()?.downcast().ok()
}

async fn end_of_handshake(
    connection: &Connection,
    complete: impl Future<Output = bool>,
) -> Result<(), ConnectionError> {
    complete.await;
    match connection.close_reason() {
        // A client may leave in the packet that completes it.
        Some(reason) if !agreed(connection).is_some_and(|agreed| agreed.complete) => Err(reason),
        _ => Ok(()),
    }
}
