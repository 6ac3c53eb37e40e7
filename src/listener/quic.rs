//! QUIC: handshakes on one worker's endpoint, and the connections that come of them.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::{Duration, Instant};

use quinn::{Endpoint, Incoming};

use super::{Kind, Listener};
use crate::hcm::{self, Peer, Worker};
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
    began: Instant,
}

impl Handshake {
    async fn run(self, incoming: Incoming) {
        self.listener.accepted(&self.worker);
        let remote = incoming.remote_address();
        let local = self.local(incoming.local_ip());
        let facts = Facts { local: Some(local), ..self.listener.facts(&self.worker, remote, self.began) };
        let outcome = tokio::time::timeout(self.timeout, async { incoming.accept()?.await }).await;
        match outcome {
            Ok(Ok(connection)) => {
                self.listener.stats.handshake.inc();
                let peer = self.peer(&connection, local, facts);
                hcm::serve_http3(connection, &self.listener.manager, &self.worker, peer).await;
            }
            Ok(Err(error)) => {
                self.listener.stats.connection_error.inc();
                self.listener.log_refused(facts, self.began, format!("QUIC_error:|{error}").replace(' ', "_"));
            }
            Err(_) => {
                self.listener.stats.pre_cx_timeout.inc();
                self.listener.log_refused(facts, self.began, "crypto_handshake_timeout".to_owned());
            }
        }
        self.listener.closed(&self.worker, u64::try_from(self.began.elapsed().as_millis()).unwrap_or(u64::MAX));
    }

    fn peer(&self, connection: &quinn::Connection, local: SocketAddr, facts: Facts) -> Peer {
        let agreed = connection.handshake_data();
        let agreed = agreed.and_then(|data| data.downcast::<quinn::crypto::rustls::HandshakeData>().ok());
        let facts = Facts {
            // RFC 9001 §4.2: QUIC has no other version. quinn does not show the cipher and the group.
            tls: Some(Tls { version: Some("TLSv1.3"), ..Tls::default() }),
            server_name: agreed.and_then(|data| data.server_name.as_deref().map(Arc::from)),
            handshake_began: Some(self.began),
            handshake_ended: Some(Instant::now()),
            ..facts
        };
        Peer {
            remote: connection.remote_address(),
            local,
            secure: true,
            facts: Arc::new(facts),
            alt_svc: None,
            accepted: self.began,
        }
    }

    /// Our end: the address that the packet came to, and the port that is bound.
    fn local(&self, ip: Option<IpAddr>) -> SocketAddr {
        let configured = self.listener.addresses.first().map(SocketAddr::ip);
        let ip = ip.or(configured).unwrap_or(IpAddr::V4(Ipv4Addr::UNSPECIFIED));
        SocketAddr::new(ip, self.listener.bound_port())
    }
}
