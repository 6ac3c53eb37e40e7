//! QUIC: handshakes on one worker's endpoint, and the connections that come of them.

mod half_open;
mod handshake;

use std::sync::Arc;
use std::time::Instant;

use quinn::Endpoint;

use super::{Kind, Listener};
use crate::hcm::Worker;
use crate::quic::{QuicSettings, Share, endpoint};
use half_open::HalfOpen;
use handshake::Handshake;

/// Runs the endpoint of one address on one worker.
pub(super) fn spawn(listener: &Arc<Listener>, share: Share, worker: &Arc<Worker>) {
    let listener = Arc::clone(listener);
    let worker = Arc::clone(worker);
    let drain = worker.drain.clone();
    drain.spawn_service("quic listener", async move {
        let Kind::Quic(_, settings) = &listener.kind else { return };
        if !settings.enabled {
            // As Envoy: the address is held, and what comes to it is not read.
            let _held = share;
            return std::future::pending().await;
        }
        let endpoint = match endpoint(settings, share) {
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
    let half_open = HalfOpen::default();
    loop {
        tokio::select! {
            () = watch.draining() => return,
            () = listener.stopped.cancelled() => return,
            incoming = endpoint.accept() => match incoming {
                // RFC 9000 §8.1.2: under many handshakes that do not end, who cannot hear us costs no more than a Retry.
                Some(incoming) if half_open.are_many() && incoming.may_retry() => {
                    listener.stats.retry.inc();
                    // Only one that may not be sent fails.
                    let _ = incoming.retry();
                }
                Some(incoming) => {
                    let connection = Handshake {
                        listener: Arc::clone(listener),
                        worker: Arc::clone(worker),
                        remote: incoming.remote_address(),
                        timeout: settings.handshake_timeout,
                        max_streams: settings.max_streams,
                        began: Instant::now(),
                        half_open: Some(half_open.begin()),
                    };
                    worker.drain.spawn("quic connection", connection.run(incoming));
                }
                None => return,
            },
        }
    }
}
