//! How many handshakes are under way, by which clients have to show that they hear us, or are sent away.

use std::collections::HashMap;
use std::net::{IpAddr, SocketAddr};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use crate::drain::Drain;
use crate::listener::limits::{HandshakeLimits, source};
use crate::quic::{Entry, Ledger};

/// The handshakes of one endpoint that have begun and not ended.
#[derive(Debug)]
pub(super) struct HalfOpen {
    limits: HandshakeLimits,
    ledger: Arc<Ledger>,
    counts: Arc<Mutex<Counts>>,
}

/// What becomes of a handshake.
#[derive(Debug)]
pub(super) enum Verdict {
    /// It may go on.
    Accept(UnderWay),
    /// The client has to show that it hears us (RFC 9000 §8.1.2).
    Retry,
    /// The client is told that there is no room for it (RFC 9000 §5.2.2).
    Refuse,
}

impl HalfOpen {
    pub(super) fn new(limits: HandshakeLimits, ledger: Arc<Ledger>) -> Self {
        Self { limits, ledger, counts: Arc::default() }
    }

    /// Judges a handshake from `remote`; `validated` is whether its first packet shows that the client is there.
    pub(super) fn judge(&self, remote: SocketAddr, validated: bool) -> Verdict {
        let source = source(remote.ip());
        let mut counts = lock(&self.counts);
        let of_source = counts.sources.get(&source).copied().unwrap_or_default();
        if validated {
            // Who only uses the address of others has begun none of these.
            if of_source.validated >= self.limits.per_source {
                return Verdict::Refuse;
            }
        } else if counts.all >= self.limits.before_retry || of_source.all >= self.limits.per_source {
            return Verdict::Retry;
        }
        counts.change(source, validated, |count| count + 1);
        drop(counts);
        let entry = self.ledger.open(remote, validated);
        let place = Place { counts: Arc::clone(&self.counts), source, validated };
        Verdict::Accept(UnderWay { place: Some(place), entry })
    }
}

/// A handshake that counts, and then the connection that came of it.
#[derive(Debug)]
pub(super) struct UnderWay {
    /// Until it is complete.
    place: Option<Place>,
    entry: Entry,
}

impl UnderWay {
    /// The handshake is complete.
    pub(super) fn complete(&mut self) {
        self.place = None;
        self.entry.complete();
    }

    /// The connection is over. One that failed before its address was validated is still known to quinn, which says so to
    /// whatever comes: what goes out then counts as before.
    pub(super) async fn end(self, drain: &Drain) {
        if !self.entry.is_validated() {
            let mut watch = drain.watch();
            tokio::select! {
                () = tokio::time::sleep(CLOSING) => {}
                () = watch.draining() => {}
            }
        }
    }
}

/// One of the handshakes that are counted.
#[derive(Debug)]
struct Place {
    counts: Arc<Mutex<Counts>>,
    source: IpAddr,
    validated: bool,
}

impl Drop for Place {
    fn drop(&mut self) {
        lock(&self.counts).change(self.source, self.validated, |count| count.saturating_sub(1));
    }
}

/// Of one endpoint. Locked by the tasks of one worker: never contended.
#[derive(Debug, Default)]
struct Counts {
    all: usize,
    /// As many at most as there are handshakes.
    sources: HashMap<IpAddr, OfSource>,
}

/// Of one source.
#[derive(Clone, Copy, Debug, Default)]
struct OfSource {
    all: usize,
    validated: usize,
}

impl Counts {
    fn change(&mut self, source: IpAddr, validated: bool, by: impl Fn(usize) -> usize) {
        self.all = by(self.all);
        let of_source = self.sources.entry(source).or_default();
        of_source.all = by(of_source.all);
        if validated {
            of_source.validated = by(of_source.validated);
        }
        if of_source.all == 0 {
            self.sources.remove(&source);
        }
    }
}

fn lock(counts: &Mutex<Counts>) -> MutexGuard<'_, Counts> {
    counts.lock().unwrap_or_else(PoisonError::into_inner)
}

/// How long a connection that failed is known: three probe timeouts (RFC 9000 §10.2) of a path on which nothing was measured.
const CLOSING: Duration = Duration::from_millis(3200);

#[cfg(test)]
mod tests {
    use super::*;
    use crate::observe::stats::Store;
    use crate::quic::LedgerStats;

    fn half_open(before_retry: usize, per_source: usize) -> HalfOpen {
        let ledger = Ledger::new(&LedgerStats::new(&Store::new().scope("listener.x")));
        HalfOpen::new(HandshakeLimits { at_most: 0, before_retry, per_source }, ledger)
    }

    fn accepted(verdict: Verdict) -> UnderWay {
        match verdict {
            Verdict::Accept(under_way) => under_way,
            Verdict::Retry | Verdict::Refuse => panic!("{verdict:?}"),
        }
    }

    fn from(host: u8, port: u16) -> SocketAddr {
        ([192, 0, 2, host], port).into()
    }

    #[test]
    fn rfc9000_8_1_2_beyond_the_limit_clients_are_retried_until_one_is_complete() {
        let half_open = half_open(2, 9);
        let [mut first, second] = [1, 2].map(|host| accepted(half_open.judge(from(host, 1), false)));
        assert!(matches!(half_open.judge(from(3, 1), false), Verdict::Retry));
        // Who was validated goes on.
        let third = accepted(half_open.judge(from(3, 1), true));
        drop(third);
        assert!(matches!(half_open.judge(from(3, 1), false), Verdict::Retry));
        first.complete();
        let third = accepted(half_open.judge(from(3, 1), false));
        drop((first, second, third));
        assert_eq!(lock(&half_open.counts).all, 0);
        assert!(lock(&half_open.counts).sources.is_empty());
    }

    #[test]
    fn with_none_allowed_every_client_is_retried() {
        assert!(matches!(half_open(0, 9).judge(from(1, 1), false), Verdict::Retry));
    }

    #[test]
    fn a_source_beyond_its_limit_is_retried_and_then_refused() {
        let half_open = half_open(100, 2);
        let _two = [1, 2].map(|port| accepted(half_open.judge(from(1, port), false)));
        assert!(matches!(half_open.judge(from(1, 3), false), Verdict::Retry));
        let others = accepted(half_open.judge(from(2, 3), false));
        // What somebody began with the address of another does not shut that one out.
        let _validated = [3, 4].map(|port| accepted(half_open.judge(from(1, port), true)));
        assert!(matches!(half_open.judge(from(1, 5), true), Verdict::Refuse));
        drop(others);
    }
}
