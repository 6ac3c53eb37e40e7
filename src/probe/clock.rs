//! The one deadline of a probe.

use std::{future::Future, time::Duration};

use tokio::time::{Instant, timeout_at};

use super::error::{Phase, ProbeError};

/// Set when the probe starts; every step is waited for until then and no longer.
#[derive(Clone, Copy, Debug)]
pub(super) struct Clock {
    deadline: Instant,
    allowed: Duration,
}

impl Clock {
    pub(super) fn starting_now(allowed: Duration) -> Self {
        Self { deadline: Instant::now() + allowed, allowed }
    }

    /// Waits for `step`; past the deadline it says in which phase.
    pub(super) async fn within<T>(
        &self,
        phase: Phase,
        step: impl Future<Output = Result<T, ProbeError>>,
    ) -> Result<T, ProbeError> {
        let timeout = ProbeError::Timeout { phase, after: self.allowed };
        timeout_at(self.deadline, step).await.unwrap_or(Err(timeout))
    }
}
