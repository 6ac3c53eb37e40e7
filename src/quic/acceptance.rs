//! Whether and how fast a listener takes new connections.

use crate::config::proto::envoy::config::listener::v3::QuicProtocolOptions;

/// What `quic_options` says of new connections.
#[derive(Clone, Copy, Debug)]
pub struct Acceptance {
    /// Whether they are all refused.
    pub reject: bool,
    /// How many begin before the others on their worker have their turn.
    pub sessions_per_turn: u32,
}

/// Reads it.
pub(super) fn acceptance(options: Option<&QuicProtocolOptions>) -> Acceptance {
    let sessions = options.and_then(|options| options.max_sessions_per_event_loop);
    Acceptance {
        reject: options.is_some_and(|options| options.reject_new_connections),
        sessions_per_turn: sessions.unwrap_or(SESSIONS_PER_TURN),
    }
}

/// Envoy's default.
const SESSIONS_PER_TURN: u32 = 16;
