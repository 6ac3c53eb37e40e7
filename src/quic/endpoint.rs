//! One quinn endpoint a worker and listener, over the worker's own share of the address.

use std::io;
use std::sync::Arc;

use quinn::{Endpoint, TokioRuntime};

use super::settings::QuicSettings;
use super::steer::Share;

/// Starts the endpoint of one worker. Call it within the worker's runtime.
///
/// # Errors
/// What the system says of the socket.
pub fn endpoint(settings: &QuicSettings, share: Share) -> io::Result<Endpoint> {
    let runtime = Arc::new(TokioRuntime);
    let (mut config, socket) = share.open(&*runtime)?;
    config.max_udp_payload_size(settings.largest_received).map_err(io::Error::other)?;
    Endpoint::new_with_abstract_socket(config, Some(settings.server.clone()), socket, runtime)
}
