//! A handshake with an upstream that several exchanges wait for, and why there may be no connection.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, AtomicUsize, Ordering};
use std::time::Instant;

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
    began: Instant,
    /// What is known of the race between QUIC and TCP, where there is one.
    race: AtomicU8,
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
        Self {
            asked: Arc::clone(asked),
            version,
            outcome,
            waiting: AtomicUsize::new(0),
            began: Instant::now(),
            race: AtomicU8::new(0),
        }
    }

    /// Whether it may serve who asks for that.
    pub(super) fn is_for(&self, asked: &Arc<Asked>, version: Protocol) -> bool {
        self.asked == *asked && self.version == version
    }

    /// How many wait for it.
    pub(super) fn waiting(&self) -> usize {
        self.waiting.load(Ordering::Relaxed)
    }

    /// When it began.
    pub(super) fn began(&self) -> Instant {
        self.began
    }

    /// It is over QUIC and has failed. Whether TCP has served meanwhile, so that it is QUIC that is broken.
    pub(super) fn quic_failed(&self) -> bool {
        self.race.fetch_or(QUIC_FAILED, Ordering::Relaxed) == TCP_SERVED
    }

    /// TCP has served who waited for it. Whether QUIC had failed by then, and nobody knew yet that it is broken.
    pub(super) fn tcp_served(&self) -> bool {
        self.race.fetch_or(TCP_SERVED, Ordering::Relaxed) == QUIC_FAILED
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

/// What may be known of a race.
const QUIC_FAILED: u8 = 1;
const TCP_SERVED: u8 = 2;

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
