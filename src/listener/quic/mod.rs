//! QUIC: handshakes on one worker's endpoint, and the connections that come of them.

mod half_open;
mod handshake;
mod turn;

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Instant;

use quinn::{Endpoint, Incoming};

use super::{Kind, Listener};
use crate::hcm::Worker;
use crate::quic::{QuicSettings, Share, endpoint};
use half_open::{HalfOpen, Verdict};
use handshake::Handshake;
use turn::Turn;

/// Runs the endpoint of one address on one worker.
pub(super) fn spawn(listener: &Arc<Listener>, share: Share, worker: &Arc<Worker>) {
    let listener = Arc::clone(listener);
    let worker = Arc::clone(worker);
    let drain = worker.drain.clone();
    drain.spawn_service("quic listener", async move {
        let Kind::Quic(settings) = &listener.kind else { return };
        if !settings.enabled {
            // As Envoy: the address is held, and what comes to it is not read.
            let _held = share;
            return std::future::pending().await;
        }
        let (endpoint, ledger) = match endpoint(settings, share) {
            Ok(opened) => opened,
            Err(error) => return tracing::error!(listener = %listener.name, %error, "the socket cannot be served"),
        };
        let bound = match endpoint.local_addr() {
            Ok(bound) => bound,
            Err(error) => return tracing::error!(listener = %listener.name, %error, "the socket has no address"),
        };
        let half_open = HalfOpen::new(listener.limits, ledger);
        let address = Address { listener: &listener, settings, worker: &worker, half_open, bound };
        address.accept(&endpoint).await;
        // Connections go on. RFC 9000 §5.2.2: handshakes that begin now are refused, so that clients turn elsewhere at once.
        while let Some(incoming) = endpoint.accept().await {
            incoming.refuse();
        }
        std::future::pending::<()>().await;
    });
}

/// One address of a listener on one worker.
struct Address<'a> {
    listener: &'a Arc<Listener>,
    settings: &'a QuicSettings,
    worker: &'a Arc<Worker>,
    half_open: HalfOpen,
    /// The address, with its port.
    bound: SocketAddr,
}

impl Address<'_> {
    async fn accept(&self, endpoint: &Endpoint) {
        let mut watch = self.worker.drain.watch();
        let mut turn = Turn::new(self.settings.acceptance.sessions_per_turn);
        loop {
            let incoming = tokio::select! {
                () = watch.draining() => return,
                () = self.listener.stopped.cancelled() => return,
                incoming = endpoint.accept() => incoming,
            };
            let Some(incoming) = incoming else { return };
            if self.begin(incoming) {
                turn.session().await;
            } else {
                turn.answer().await;
            }
        }
    }

    /// Begins a handshake, or sends the client away; which.
    fn begin(&self, incoming: Incoming) -> bool {
        let remote = incoming.remote_address();
        let validated = incoming.remote_address_validated();
        let reject = self.settings.acceptance.reject;
        let verdict = if reject { Verdict::Refuse } else { self.half_open.judge(remote, validated) };
        match verdict {
            Verdict::Accept(under_way) => {
                // The address that the packet came to, where the socket is bound to all of them.
                let local = SocketAddr::new(incoming.local_ip().unwrap_or(self.bound.ip()), self.bound.port());
                let connection = Handshake {
                    listener: Arc::clone(self.listener),
                    worker: Arc::clone(self.worker),
                    remote,
                    local,
                    timeout: self.settings.handshake_timeout,
                    max_streams: self.settings.max_streams,
                    began: Instant::now(),
                    under_way,
                    unmatched: Arc::default(),
                };
                self.worker.drain.spawn("quic connection", connection.run(incoming));
                return true;
            }
            Verdict::Retry => {
                self.listener.stats.retry.inc();
                // Only one that may not be sent fails: that of a client that was validated.
                let _ = incoming.retry();
            }
            Verdict::Refuse => {
                self.listener.stats.refused.inc();
                incoming.refuse();
            }
        }
        false
    }
}
