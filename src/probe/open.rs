//! A connection that stays open while something holds it, and the two directions of one exchange on it.

use std::{any::Any, future::Future, pin::pin};

use tokio::task::JoinSet;

/// Keeps a connection open after its exchange: session tickets may still come. Dropping it closes the connection.
pub(super) struct Open {
    _driver: JoinSet<()>,
    _sender: Box<dyn Any + Send>,
}

impl Open {
    /// `sender` is what the HTTP library takes as the sign that more requests may follow.
    pub(super) fn new(driver: JoinSet<()>, sender: impl Any + Send) -> Self {
        Self { _driver: driver, _sender: Box::new(sender) }
    }
}

/// Runs both and ends with `receiving`: a server may answer before it has read the whole request (RFC 9113 §8.1, RFC 9114 §4.1).
pub(super) async fn alongside<T>(sending: impl Future<Output = ()>, receiving: impl Future<Output = T>) -> T {
    let (mut sending, mut receiving) = (pin!(sending), pin!(receiving));
    tokio::select! {
        received = &mut receiving => return received,
        () = &mut sending => {}
    }
    receiving.await
}
