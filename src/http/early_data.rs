//! Requests that came before the handshake was complete.

/// Marks a request that began in TLS early data (RFC 8470), which an attacker could have recorded and sent again. An
/// extension of the request. Whoever gets it may act: the handshake is complete by then, so that it is no replay.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct EarlyData;
