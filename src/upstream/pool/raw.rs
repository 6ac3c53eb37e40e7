//! Connections that carry bytes as they are: for tunnels that end in the gateway (Envoy's `connect_config`).

use std::io;
use std::sync::Arc;
use std::time::Instant;

use http::HeaderMap;

use super::place::Place;
use super::reach::{Reached, reach};
use super::{Attempt, Known, Lease, Pool};
use crate::codec::tunnel;
use crate::http::{Body, Failure, Protocol, Tunnel};

/// The place of a connection that ends with the tunnel.
struct Open(Option<Place>);

impl Drop for Open {
    fn drop(&mut self) {
        if let Some(place) = self.0.take() {
            place.ended(true);
        }
    }
}

impl Pool {
    /// Connects to the host whose turn it is, under TLS where the cluster is. Returns what comes from there, and what takes what
    /// goes there.
    ///
    /// # Errors
    /// [`Failure`]: no host, or no connection.
    pub async fn connect(
        self: &Arc<Self>,
        fields: &HeaderMap,
        attempt: &mut Attempt,
    ) -> Result<(Body, Tunnel, Lease), Failure> {
        let began = Instant::now();
        let Some((index, host)) = self.pick() else {
            self.cluster.stats.none_healthy.inc();
            self.cluster.stats.healthy_panic.inc();
            return Err(Failure::NoHealthyHost);
        };
        attempt.host = Some(Arc::clone(&host));
        let versions = &self.cluster.versions;
        if !versions.is_over_tcp() {
            // Bytes have no way over QUIC.
            return Err(Failure::ConnectFailed(io::ErrorKind::Unsupported.into()));
        }
        let asked = self.cluster.asked(&host, fields);
        // No connection that stands serves a tunnel, whatever it was opened for.
        self.make_room(index, None).await;
        let place = Place::take(&self.cluster, &host, None)?;
        self.cluster.stats.rq_pending_total.inc();
        let reaching = reach(&host, Protocol::Http11, versions.tls(), &asked);
        let reached = match tokio::time::timeout(self.cluster.connect_timeout, reaching).await {
            Ok(Ok(reached)) => reached,
            Ok(Err(unreached)) => {
                attempt.transport_failure = unreached.words;
                return Err(place.failed(Failure::ConnectFailed(unreached.error)));
            }
            Err(_) => return Err(place.failed(Failure::ConnectTimeout)),
        };
        place.connected();
        let open = Open(Some(place));
        let lease = Lease::raw(Arc::clone(self), index, &host);
        let tls = match &reached {
            Reached::Clear(_) => None,
            Reached::Secured(_, side) => Some(Arc::clone(side)),
        };
        let (local, remote) = (reached.local_address(), reached.remote_address());
        attempt.ready(&Known { version: Protocol::Http11, local, remote, tls }, began);
        // Nobody knows what is spoken.
        attempt.version = None;
        let (body, tunnel) = match reached {
            Reached::Clear(io) => tunnel::over(io, open),
            Reached::Secured(io, _) => tunnel::over(io, open),
        };
        Ok((body, tunnel, lease))
    }
}
