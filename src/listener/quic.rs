//! QUIC: handshakes on one worker's endpoint, and the connections that come of them.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::{Duration, Instant};

use quinn::{Endpoint, Incoming};

use super::{Kind, Listener};
use crate::codec::h3::Accepted;
use crate::hcm::{self, ConnectionEnd, Peer, Worker};
use crate::observe::access_log::{Connection as Facts, Tls};
use crate::quic::{QuicSettings, endpoint};

/// Runs the endpoint of one socket on one worker.
pub(super) fn spawn(listener: &Arc<Listener>, socket: std::net::UdpSocket, worker: &Arc<Worker>) {
    let listener = Arc::clone(listener);
    let worker = Arc::clone(worker);
    let drain = worker.drain.clone();
    drain.spawn_service("quic listener", async move {
        let Kind::Quic(_, settings) = &listener.kind else { return };
        let endpoint = match endpoint(settings, socket) {
            Ok(endpoint) => endpoint,
            Err(error) => return tracing::error!(listener = %listener.name, %error, "the socket cannot be served"),
        };
        accept(&listener, settings, &endpoint, &worker).await;
        // Connections go on. RFC 9000 §5.2.2: handshakes that begin now are refused, so that clients turn elsewhere at once.
        while let Some(incoming) = endpoint.accept().await {
            incoming.refuse();
        }
        std::future::pending::<()>().await;
    });
}

async fn accept(listener: &Arc<Listener>, settings: &QuicSettings, endpoint: &Endpoint, worker: &Arc<Worker>) {
    let mut watch = worker.drain.watch();
    loop {
        tokio::select! {
            () = watch.draining() => return,
            () = listener.stopped.cancelled() => return,
            incoming = endpoint.accept() => match incoming {
                Some(incoming) => {
                    let connection = Handshake {
                        listener: Arc::clone(listener),
                        worker: Arc::clone(worker),
                        timeout: settings.handshake_timeout,
                        max_streams: settings.max_streams,
                        began: Instant::now(),
                    };
                    worker.drain.spawn("quic connection", connection.run(incoming));
                }
                None => return,
            },
        }
    }
}

struct Handshake {
    listener: Arc<Listener>,
    worker: Arc<Worker>,
    timeout: Duration,
    max_streams: u32,
    began: Instant,
}

impl Handshake {
    async fn run(self, incoming: Incoming) {
        self.listener.accepted(&self.worker);
        let mut facts = self.listener.facts(&self.worker, incoming.remote_address(), self.began);
        facts.local = Some(self.local(incoming.local_ip()));
        let mut end = ConnectionEnd::default();
        let facts = match self.handshake(incoming).await {
            Ok(connection) => {
                end.protocol = Some(http::Version::HTTP_3);
                self.serve(connection, facts).await
            }
            Err(reason) => {
                end.transport_failure = Some(reason);
                Arc::new(facts)
            }
        };
        self.listener.closed(&self.worker, u64::try_from(self.began.elapsed().as_millis()).unwrap_or(u64::MAX));
        self.listener.log(&facts, self.began, end);
    }

    /// Completes the handshake, so that nothing a client sent early is acted upon before the client has shown that it is
    /// there; the error is what the log says of one that failed.
    async fn handshake(&self, incoming: Incoming) -> Result<quinn::Connection, String> {
        let stats = &self.listener.stats;
        match tokio::time::timeout(self.timeout, async { incoming.accept()?.await }).await {
            Ok(Ok(connection)) => {
                stats.handshake.inc();
                Ok(connection)
            }
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

    async fn serve(&self, connection: quinn::Connection, mut facts: Facts) -> Arc<Facts> {
        let agreed = connection.handshake_data();
        let agreed = agreed.and_then(|data| data.downcast::<quinn::crypto::rustls::HandshakeData>().ok());
        // RFC 9001 §4.2: QUIC has no other version. quinn does not show the cipher and the group.
        facts.tls = Some(Tls { version: Some("TLSv1.3"), ..Tls::default() });
        facts.server_name = agreed.and_then(|data| data.server_name.as_deref().map(Arc::from));
        facts.handshake_began = Some(self.began);
        facts.handshake_ended = Some(Instant::now());
        let facts = Arc::new(facts);
        let peer = Peer {
            remote: connection.remote_address(),
            secure: true,
            facts: Arc::clone(&facts),
            alt_svc: None,
            accepted: self.began,
        };
        let accepted = Accepted { quic: connection, max_streams: self.max_streams };
        hcm::serve_http3(accepted, &self.listener.manager, &self.worker, peer).await;
        facts
    }

    /// Our end: the address that the packet came to, and the port that is bound.
    fn local(&self, ip: Option<IpAddr>) -> SocketAddr {
        let configured = self.listener.addresses.first().map(SocketAddr::ip);
        let ip = ip.or(configured).unwrap_or(IpAddr::V4(Ipv4Addr::UNSPECIFIED));
        SocketAddr::new(ip, self.listener.bound_port())
    }
}
