//! A TCP connection on its filter chain: TLS where it is configured, HTTP/1 or HTTP/2 as agreed or detected.

use std::io;
use std::sync::Arc;
use std::time::Instant;

use tokio::io::{AsyncRead, AsyncWrite};
use tokio::time::timeout;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;

use super::Accepted;
use super::half_open::Place;
use crate::codec::starts_http2;
use crate::hcm::{self, CodecType, ConnectionEnd, Peer};
use crate::listener::chain::Chain;
use crate::net::{Counted, Passed};
use crate::observe::access_log::{Connection as Facts, Tls};
use crate::tls::{self, ServerTls};

/// A connection whose chain is known.
pub(super) struct OnChain<'a> {
    pub(super) accepted: &'a Accepted,
    pub(super) chain: &'a Arc<Chain>,
    pub(super) passed: &'a Arc<Passed>,
}

/// What bytes come over.
pub(super) trait Transport: AsyncRead + AsyncWrite + Unpin + Send {}

impl<I: AsyncRead + AsyncWrite + Unpin + Send> Transport for I {}

impl OnChain<'_> {
    /// Serves it to its end; returns what was known of it. It has a `place` until a TLS handshake is over.
    pub(super) async fn serve<I: Transport>(
        &self,
        io: I,
        mut facts: Facts,
        place: Option<Place>,
        end: &mut ConnectionEnd,
    ) -> Arc<Facts> {
        facts.filter_chain = Some(Arc::clone(&self.chain.name)).filter(|name| !name.is_empty());
        let facts = self.transport(io, facts, place, end).await;
        self.chain.manager.passed(self.passed.received(), self.passed.sent());
        facts
    }

    async fn transport<I: Transport>(
        &self,
        io: I,
        mut facts: Facts,
        place: Option<Place>,
        end: &mut ConnectionEnd,
    ) -> Arc<Facts> {
        let Some(tls) = &self.chain.tls else {
            drop(place);
            let facts = Arc::new(facts);
            self.serve_clear(Counted::new(io, self.passed), &facts, end).await;
            return facts;
        };
        let mut place = place.unwrap_or_else(|| self.accepted.begin());
        let handshake = tokio::select! {
            biased;
            handshake = self.handshake(io, tls) => handshake,
            () = place.given_up() => {
                self.accepted.given_up(end);
                return Arc::new(facts);
            }
        };
        drop(place);
        let io = match handshake {
            Ok(io) => io,
            Err(reason) => {
                end.transport_failure = reason;
                return Arc::new(facts);
            }
        };
        let (_, agreed) = io.get_ref();
        let shown = agreed.peer_certificates().and_then(tls::shown);
        let tls = Tls { peer: shown, local: tls.told(agreed.server_name()), ..tls::facts(agreed) };
        let stats = &self.accepted.listener.stats;
        if agreed.peer_certificates().is_none() {
            stats.no_certificate.inc();
        }
        stats.agreed.count(&tls);
        facts.tls = Some(tls);
        facts.server_name = agreed.server_name().map(Arc::from);
        facts.handshake_began = Some(self.accepted.began);
        facts.handshake_ended = Some(Instant::now());
        let http2 = match self.chain.manager.codec {
            CodecType::Auto => agreed.alpn_protocol() == Some(b"h2"),
            CodecType::Http2 => true,
            CodecType::Http1 | CodecType::Http3 => false,
        };
        let facts = Arc::new(facts);
        self.speak(Counted::new(io, self.passed), http2, &facts, end).await;
        facts
    }

    /// Completes the TLS handshake; the error is what the log says of a client that failed it.
    async fn handshake<I: Transport>(&self, io: I, tls: &ServerTls) -> Result<TlsStream<I>, Option<String>> {
        let stats = &self.accepted.listener.stats;
        let acceptor = TlsAcceptor::from(Arc::clone(&tls.now().config));
        match timeout(self.accepted.listener.handshake_timeout, acceptor.accept(io)).await {
            Ok(Ok(io)) => {
                stats.handshake.inc();
                if io.get_ref().1.handshake_kind() == Some(rustls::HandshakeKind::Resumed) {
                    stats.session_reused.inc();
                }
                Ok(io)
            }
            // Who only opened and closed a connection has not failed.
            Ok(Err(error)) if error.kind() == io::ErrorKind::UnexpectedEof => Err(None),
            Ok(Err(error)) => {
                let error = error.to_string();
                stats.failed(&error);
                Err(Some(format!("TLS_error:|{}:TLS_error_end", tls::in_words(&error)).replace(' ', "_")))
            }
            Err(_) => {
                stats.pre_cx_timeout.inc();
                Err(Some("transport_socket_timeout".to_owned()))
            }
        }
    }

    async fn serve_clear<I: Transport>(&self, io: Counted<I>, facts: &Arc<Facts>, end: &mut ConnectionEnd) {
        let manager = &self.chain.manager;
        match manager.codec {
            CodecType::Http1 | CodecType::Http3 => self.speak(io, false, facts, end).await,
            CodecType::Http2 => self.speak(io, true, facts, end).await,
            CodecType::Auto => {
                let detected = timeout(manager.first_byte_timeout(), starts_http2(io)).await;
                // A connection that never said a word is nobody's failure.
                if let Ok(Ok((http2, io))) = detected {
                    self.speak(io, http2, facts, end).await;
                }
            }
        }
    }

    async fn speak<I: Transport>(&self, io: I, http2: bool, facts: &Arc<Facts>, end: &mut ConnectionEnd) {
        end.protocol = Some(if http2 { http::Version::HTTP_2 } else { http::Version::HTTP_11 });
        let secure = facts.tls.is_some();
        let peer = Peer {
            remote: self.accepted.remote,
            secure,
            facts: Arc::clone(facts),
            alt_svc: self.accepted.listener.alt_svc.get().filter(|_| secure).cloned(),
            accepted: self.accepted.began,
            shown: self.chain.shown(facts),
        };
        // Apart, so that a connection that is not served yet does not hold what serving needs.
        Box::pin(hcm::serve(io, http2, &self.chain.manager, &self.accepted.worker, peer)).await;
    }
}
