//! A handshake with an upstream that several exchanges wait for, and why there may be no connection.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use tokio::sync::watch;

use super::reach::Unreached;
use crate::http::{Failure, Protocol, ResetReason};
use crate::tls::Asked;

/// A handshake on its way.
#[derive(Debug)]
pub(super) struct Opening {
    /// What it asks for.
    asked: Arc<Asked>,
    /// What will be spoken, or may be.
    version: Protocol,
    outcome: watch::Sender<Outcome>,
    /// Exchanges that wait for it.
    waiting: AtomicUsize,
}

/// What became of a handshake.
#[derive(Debug)]
pub(super) enum Outcome {
    Pending,
    Open,
    Failed(Fault),
}

/// Why there is no connection: all who waited hear it.
#[derive(Clone, Debug)]
pub(super) enum Fault {
    Overflow,
    Timeout,
    /// The error, and what logs say of it.
    Refused(io::ErrorKind, Arc<str>, Option<Arc<str>>),
    Broken,
}

impl Fault {
    /// There is no connection to a host.
    pub(super) fn refused(unreached: &Unreached) -> Self {
        let Unreached { error, words } = unreached;
        Self::Refused(error.kind(), error.to_string().into(), words.as_deref().map(Arc::from))
    }
}

impl Opening {
    pub(super) fn begin(asked: &Arc<Asked>, version: Protocol) -> Self {
        let outcome = watch::Sender::new(Outcome::Pending);
        Self { asked: Arc::clone(asked), version, outcome, waiting: AtomicUsize::new(0) }
    }

    /// Whether it may serve who asks for that.
    pub(super) fn is_for(&self, asked: &Arc<Asked>, version: Protocol) -> bool {
        self.asked == *asked && self.version == version
    }

    /// How many wait for it.
    pub(super) fn waiting(&self) -> usize {
        self.waiting.load(Ordering::Relaxed)
    }

    /// Tells those who wait.
    pub(super) fn end(&self, outcome: Outcome) {
        self.outcome.send_replace(outcome);
    }

    /// Waits for its end.
    ///
    /// # Errors
    /// [`Fault`] when there is no connection.
    pub(super) async fn wait(&self) -> Result<(), Fault> {
        let _waiting = Waiting::begin(&self.waiting);
        let mut outcome = self.outcome.subscribe();
        let waited = outcome.wait_for(|outcome| !matches!(outcome, Outcome::Pending)).await;
        match waited.as_deref() {
            Ok(Outcome::Failed(fault)) => Err(fault.clone()),
            Ok(Outcome::Open | Outcome::Pending) => Ok(()),
            Err(_) => Err(Fault::Broken),
        }
    }
}

/// Counts one who waits, until it is dropped.
struct Waiting<'a>(&'a AtomicUsize);

impl<'a> Waiting<'a> {
    fn begin(count: &'a AtomicUsize) -> Self {
        count.fetch_add(1, Ordering::Relaxed);
        Self(count)
    }
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

impl From<Fault> for Failure {
    fn from(fault: Fault) -> Self {
        match fault {
            Fault::Overflow => Self::Overflow,
            Fault::Timeout => Self::ConnectTimeout,
            Fault::Refused(kind, words, _) => Self::ConnectFailed(io::Error::new(kind, words.as_ref())),
            Fault::Broken => Self::UpstreamReset(ResetReason::ConnectionTermination),
        }
    }
}
