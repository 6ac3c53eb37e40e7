//! One quinn endpoint a worker and listener, over the worker's own share of the address.

use std::io;
use std::sync::Arc;

use quinn::Endpoint;

use super::caught::CaughtSocket;
use super::ledger::Ledger;
use super::settings::QuicSettings;
use super::steer::Share;

/// Starts the endpoint of one worker, and its ledger, in which handshakes are to be noted before they are accepted. Call it
/// within the worker's runtime.
///
/// # Errors
/// What the system says of the socket.
pub fn endpoint(settings: &QuicSettings, share: Share) -> io::Result<(Endpoint, Arc<Ledger>)> {
    let runtime = Arc::clone(&settings.runtime);
    let (mut config, socket) = share.open(&*runtime)?;
    config.max_udp_payload_size(settings.largest_received).map_err(io::Error::other)?;
    let ledger = Ledger::new(&settings.ledger);
    let socket = Arc::new(CaughtSocket { socket: ledger.guard(socket), panics: settings.panics.clone() });
    let endpoint = Endpoint::new_with_abstract_socket(config, Some(settings.server.clone()), socket, runtime)?;
    Ok((endpoint, ledger))
}
