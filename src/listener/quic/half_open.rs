//! How many handshakes are under way, by which clients have to show that they hear us.

use std::sync::Arc;

/// The handshakes of one endpoint that have begun and not ended: each holds one of these.
#[derive(Clone, Debug, Default)]
pub(super) struct HalfOpen(Arc<()>);

impl HalfOpen {
    /// One more, until what is returned is dropped.
    pub(super) fn begin(&self) -> Self {
        self.clone()
    }

    /// Whether a new client has to show that it hears us.
    pub(super) fn are_many(&self) -> bool {
        Arc::strong_count(&self.0) > MANY_HALF_OPEN
    }
}

/// Handshakes that may be under way on one worker before clients have to show that they hear us. Those of 2,500 new connections
/// a second, each 50 ms away.
const MANY_HALF_OPEN: usize = 128;
