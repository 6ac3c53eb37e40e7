//! Requests that came before the handshake was complete.

use tokio::sync::watch;

/// Marks a request that began in TLS early data (RFC 8470), which an attacker could have recorded and sent again. An
/// extension of the request. Whoever acts on it either waits for the end of the handshake, after which it is no replay, or
/// does what may be done twice.
#[derive(Clone, Debug)]
pub struct EarlyData {
    established: watch::Receiver<bool>,
}

impl EarlyData {
    /// `established` turns true with the end of the handshake; its sender goes when there will be none.
    #[must_use]
    pub fn until(established: watch::Receiver<bool>) -> Self {
        Self { established }
    }

    /// Whether the handshake is complete: the request is like any other then.
    #[must_use]
    pub fn is_over(&self) -> bool {
        *self.established.borrow()
    }

    /// Waits for the end of the handshake. One that fails ends its connection, and who waits is dropped with it: this does
    /// not resolve then.
    pub async fn over(&mut self) {
        if self.established.wait_for(|established| *established).await.is_err() {
            std::future::pending::<()>().await;
        }
    }
}
