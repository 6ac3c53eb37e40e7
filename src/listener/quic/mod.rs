//! QUIC: handshakes on one worker's endpoint, and the connections that come of them.

mod half_open;
mod handshake;
mod limits;
mod turn;

use std::sync::Arc;
use std::time::Instant;

use quinn::{Endpoint, Incoming};

use super::{Kind, Listener};
use crate::hcm::Worker;
use crate::quic::{QuicSettings, Share, endpoint};
use half_open::{HalfOpen, Verdict};
use handshake::Handshake;
use turn::Turn;

pub(super) use limits::HandshakeLimits;

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
        let half_open = HalfOpen::new(listener.limits, ledger);
        accept(&listener, settings, &endpoint, &half_open, &worker).await;
        // Connections go on. RFC 9000 §5.2.2: handshakes that begin now are refused, so that clients turn elsewhere at once.
        while let Some(incoming) = endpoint.accept().await {
            incoming.refuse();
        }
        std::future::pending::<()>().await;
    });
}

async fn accept(
    listener: &Arc<Listener>,
    settings: &QuicSettings,
    endpoint: &Endpoint,
    half_open: &HalfOpen,
    worker: &Arc<Worker>,
) {
    let mut watch = worker.drain.watch();
    let mut turn = Turn::new(settings.acceptance.sessions_per_turn);
    loop {
        let incoming = tokio::select! {
            () = watch.draining() => return,
            () = listener.stopped.cancelled() => return,
            incoming = endpoint.accept() => incoming,
        };
        let Some(incoming) = incoming else { return };
        if begin(listener, settings, half_open, worker, incoming) {
            turn.session().await;
        } else {
            turn.answer().await;
        }
    }
}

/// Begins a handshake, or sends the client away; which.
fn begin(
    listener: &Arc<Listener>,
    settings: &QuicSettings,
    half_open: &HalfOpen,
    worker: &Arc<Worker>,
    incoming: Incoming,
) -> bool {
    let remote = incoming.remote_address();
    let validated = incoming.remote_address_validated();
    let verdict = if settings.acceptance.reject { Verdict::Refuse } else { half_open.judge(remote, validated) };
    match verdict {
        Verdict::Accept(under_way) => {
            let connection = Handshake {
                listener: Arc::clone(listener),
                worker: Arc::clone(worker),
                remote,
                timeout: settings.handshake_timeout,
                max_streams: settings.max_streams,
                began: Instant::now(),
                under_way,
                unmatched: Arc::default(),
            };
            worker.drain.spawn("quic connection", connection.run(incoming));
            return true;
        }
        Verdict::Retry => {
            listener.stats.retry.inc();
            // Only one that may not be sent fails: that of a client that was validated.
            let _ = incoming.retry();
        }
        Verdict::Refuse => {
            listener.stats.refused.inc();
            incoming.refuse();
        }
    }
    false
}
