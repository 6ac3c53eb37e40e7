//! One connection, from its first packet to its end.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use quinn::{Connection, ConnectionError, Incoming, RecvStream, SendStream, ServerConfig, VarInt, ZeroRttAccepted};
use rustls::pki_types::CertificateDer;
use tokio::sync::watch;

use super::half_open::UnderWay;
use crate::codec::h3::{Accepted, Early};
use crate::drain::Watch;
use crate::hcm::{self, ConnectionEnd, Peer, Worker};
use crate::listener::chain::{Chain, Traits};
use crate::listener::{Kind, Listener};
use crate::observe::access_log::{Certificate, Connection as Facts, Tls};
use crate::quic::{Agreed, Asked, Choose, CloseCode};
use crate::tls;

/// A handshake that is to be done.
pub(super) struct Handshake {
    pub(super) listener: Arc<Listener>,
    pub(super) worker: Arc<Worker>,
    /// Where the first packet came from and the answers of the handshake go. That is the client's address for the connection's
    /// life, in logs, limits and `x-forwarded-for` (RFC 9000 §9.3): quinn's `remote_address` follows a later packet before the
    /// new path is validated, and says neither when it is nor that it was not.
    pub(super) remote: SocketAddr,
    /// Our end: where the first packet came to.
    pub(super) local: SocketAddr,
    pub(super) timeout: Duration,
    pub(super) max_streams: u32,
    pub(super) began: Instant,
    pub(super) under_way: UnderWay,
    /// Whether there is no chain for what the client asks for.
    pub(super) unmatched: Arc<AtomicBool>,
}

impl Handshake {
    /// Serves the connection to its end.
    pub(super) async fn run(mut self, incoming: Incoming) {
        let listener = Arc::clone(&self.listener);
        let Kind::Quic(settings) = &listener.kind else { return };
        self.listener.accepted(&self.worker);
        let mut facts = self.listener.facts(&self.worker, self.remote, self.began);
        facts.local = Some(self.local);
        let mut end = ConnectionEnd::default();
        let end_of_time = EndOfTime { deadline: Instant::now() + self.timeout, watch: self.worker.drain.watch() };
        let own = settings.of_connection(&incoming, self.choose());
        let begun = end_of_time.clone().limit(begin(incoming, own)).await;
        match &begun {
            Ok(_) => {}
            Err(Unfinished::Failed(error)) => settings.stats.never_stood(error),
            Err(Unfinished::Late) => settings.stats.handshake_timed_out(),
            Err(Unfinished::Draining) => settings.stats.never_stood(&ConnectionError::LocallyClosed),
        }
        let facts = match self.outcome(begun) {
            Ok(begun) => {
                if begun.early.is_none() {
                    self.under_way.complete();
                }
                end.protocol = Some(http::Version::HTTP_3);
                // Its place is that of a chain.
                let Some(chain) = self.chain(&begun) else { return };
                let facts = self.complete(facts, &begun, &chain);
                let quic = begun.connection.clone();
                let mut account = settings.stats.open();
                let serving = Box::pin(self.serve(begun, &chain, &facts, end_of_time));
                let (served, closed_with) = account.keep(&quic, settings.update_period(), serving).await;
                account.close(&quic, closed_with);
                end.transport_failure = served.err();
                if quic.remote_address() != self.remote {
                    self.listener.stats.migrated.inc();
                }
                facts
            }
            Err(_) if self.unmatched.load(Ordering::Relaxed) => {
                self.listener.stats.no_filter_chain_match.inc();
                end.no_filter_chain = true;
                Arc::new(facts)
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

    /// How one of several chains is chosen.
    fn choose(&self) -> Option<Choose> {
        if self.listener.chains.only().is_some() {
            return None;
        }
        let (listener, unmatched) = (Arc::clone(&self.listener), Arc::clone(&self.unmatched));
        let (destination, remote) = (self.local, self.remote);
        Some(Arc::new(move |asked: &Asked| {
            let chosen = listener.chains.find(&Traits {
                destination,
                server_name: asked.server_name.as_deref(),
                transport_protocol: "quic",
                application_protocols: &asked.protocols,
                peer: remote,
                source: remote,
            });
            unmatched.store(chosen.is_none(), Ordering::Relaxed);
            chosen
        }))
    }

    /// The chain that was chosen.
    fn chain(&self, begun: &Begun) -> Option<Arc<Chain>> {
        let place = agreed(&begun.connection).map_or(0, |agreed| agreed.configuration);
        self.listener.chains.get(place).cloned()
    }

    /// What became of a handshake, or of its beginning; the error is what the log says of one that failed.
    fn outcome<T>(&self, outcome: Result<T, Unfinished>) -> Result<T, String> {
        let stats = &self.listener.stats;
        outcome.map_err(|unfinished| match unfinished {
            Unfinished::Failed(error) => {
                let text = error.to_string();
                match &error {
                    ConnectionError::TransportError(_) => stats.failed(&text),
                    // What a peer says of it is only said.
                    _ => stats.connection_error.inc(),
                }
                format!("QUIC_error:|{}", tls::in_words(&text)).replace(' ', "_")
            }
            Unfinished::Late => {
                stats.pre_cx_timeout.inc();
                "crypto_handshake_timeout".to_owned()
            }
            Unfinished::Draining => "draining".to_owned(),
        })
    }

    /// What is known of the connection from now on.
    fn complete(&self, mut facts: Facts, begun: &Begun, chain: &Chain) -> Arc<Facts> {
        facts.filter_chain = Some(Arc::clone(&chain.name)).filter(|name| !name.is_empty());
        if let Some(agreed) = agreed(&begun.connection) {
            let local = chain.tls.as_ref().and_then(|tls| tls.told(agreed.server_name.as_deref()));
            facts.tls = Some(Tls { peer: peer(&begun.connection), local, ..agreed.tls });
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
        chain: &Chain,
        facts: &Arc<Facts>,
        end_of_time: EndOfTime,
    ) -> (Result<(), String>, Option<CloseCode>) {
        let Begun { connection: quic, early } = begun;
        let peer = Peer {
            remote: self.remote,
            secure: true,
            facts: Arc::clone(facts),
            alt_svc: None,
            accepted: self.began,
            shown: chain.shown(facts),
        };
        let max_streams = self.max_streams;
        let keep_alive = match &self.listener.kind {
            Kind::Quic(settings) => settings.keep_alive,
            Kind::Tcp => None,
        };
        let (manager, worker) = (&chain.manager, &self.worker);
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
            handshake = end_of_time.limit(end_of_handshake(&quic, complete)) => handshake,
            closed_with = &mut serving => return (Ok(()), closed_with.map(CloseCode::Application)),
        };
        let mut closed_with = None;
        if handshake.is_ok() {
            self.under_way.complete();
            self.established(&quic);
            tell.send_replace(true);
        } else {
            let late = matches!(handshake, Err(Unfinished::Late)) && quic.close_reason().is_none();
            closed_with = late.then_some(CloseCode::HandshakeTimeout);
            quic.close(VarInt::from_u32(0), b"");
        }
        let served = serving.await.map(CloseCode::Application);
        (self.outcome(handshake), closed_with.or(served))
    }

    /// Counts a handshake that is complete.
    fn established(&self, quic: &Connection) {
        let stats = &self.listener.stats;
        stats.handshake.inc();
        if quic.peer_identity().is_none() {
            stats.no_certificate.inc();
        }
        if let Some(agreed) = agreed(quic) {
            stats.agreed.count(&agreed.tls);
            if agreed.resumed {
                stats.session_reused.inc();
            }
        }
    }
}

/// A connection that can be served.
struct Begun {
    connection: Connection,
    /// The first request stream, and what resolves at the end of the handshake, where the client did not wait for that.
    early: Option<((SendStream, RecvStream), ZeroRttAccepted)>,
}

/// Why a handshake has no end.
#[derive(Debug)]
enum Unfinished {
    Failed(ConnectionError),
    /// It has taken too long.
    Late,
    /// The worker drains, and waits no longer for somebody who may have gone.
    Draining,
}

/// How long a handshake is waited for.
#[derive(Clone, Debug)]
struct EndOfTime {
    deadline: Instant,
    watch: Watch,
}

impl EndOfTime {
    /// Waits that long.
    async fn limit<T>(mut self, handshake: impl Future<Output = Result<T, ConnectionError>>) -> Result<T, Unfinished> {
        let drained = async {
            self.watch.draining().await;
            tokio::time::sleep(WHILE_DRAINING).await;
        };
        tokio::select! {
            biased;
            handshake = handshake => handshake.map_err(Unfinished::Failed),
            () = tokio::time::sleep_until(self.deadline.into()) => Err(Unfinished::Late),
            () = drained => Err(Unfinished::Draining),
        }
    }
}

/// Waits for the end of the handshake, or for the first request in early data.
async fn begin(incoming: Incoming, own: Option<Arc<ServerConfig>>) -> Result<Begun, ConnectionError> {
    let connecting = match own {
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

/// What the client has shown, now or when the session began.
fn peer(quic: &Connection) -> Option<Arc<Certificate>> {
    let chain = quic.peer_identity()?.downcast::<Vec<CertificateDer<'static>>>().ok()?;
    tls::shown(&chain)
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

/// What a handshake has left when the worker begins to drain: whoever is there needs a round trip or two.
const WHILE_DRAINING: Duration = Duration::from_secs(1);
