//! The TLS sessions that QUIC clients may resume: one store of the whole process, with a bound.
//!
//! A session is taken out once (RFC 8446 §8.1): that is what stops a replay of early data, whichever worker and listener it
//! comes to. [`SessionStore`] is divided into [`Shard`]s, each with a lock of its own, so that handshakes of different
//! workers seldom meet. A listener sees the store through [`ScopedSessions`]: only sessions of its own [`Scope`].

mod scope;
mod shard;
mod timed;

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use rustls::server::StoresServerSessions;

pub use scope::Scope;
pub(super) use scope::sha256;
pub(super) use timed::TimedSessions;

use shard::{Key, Shard};

/// All sessions of the process.
pub struct SessionStore {
    shards: Box<[Mutex<Shard>]>,
}

/// What a store may hold.
#[derive(Clone, Copy, Debug)]
struct Bounds {
    /// Parts that have a lock and an equal share of the rest each.
    shards: usize,
    entries: usize,
    /// With what it costs to keep them.
    bytes: usize,
}

impl SessionStore {
    fn with(bounds: Bounds) -> Self {
        let Bounds { shards, entries, bytes } = bounds;
        let shard = |_| Mutex::new(Shard::new(entries / shards, bytes / shards));
        Self { shards: (0..shards).map(shard).collect() }
    }

    /// Keeps a session until it is taken, or too old, or the oldest of its shard when that is full. Returns whether it did.
    fn put(&self, key: Key, session: Vec<u8>, now: Instant, lifetime: Duration) -> bool {
        self.in_shard(&key, |shard| shard.put(key, session, now, now + lifetime)).unwrap_or(false)
    }

    /// The session of that key, which is gone from the store then.
    fn take(&self, key: &Key, now: Instant) -> Option<Vec<u8>> {
        self.in_shard(key, |shard| shard.take(key, now)).flatten()
    }

    fn in_shard<T>(&self, key: &Key, act: impl FnOnce(&mut Shard) -> T) -> Option<T> {
        // Keys are digests: any of their bits will do.
        let number = usize::from(u16::from_be_bytes([key[0], key[1]])) % self.shards.len();
        let shard = self.shards.get(number)?;
        Some(act(&mut shard.lock().unwrap_or_else(PoisonError::into_inner)))
    }

    /// Sessions, and bytes that they take.
    #[cfg(test)]
    fn held(&self) -> (usize, usize) {
        let held = self.shards.iter().map(|shard| shard.lock().unwrap_or_else(PoisonError::into_inner).held());
        held.fold((0, 0), |sum, held| (sum.0 + held.0, sum.1 + held.1))
    }
}

impl Default for SessionStore {
    fn default() -> Self {
        Self::with(BOUNDS)
    }
}

impl fmt::Debug for SessionStore {
    /// Sessions are secrets.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SessionStore").finish_non_exhaustive()
    }
}

/// The sessions of one scope, for rustls.
#[derive(Debug)]
pub(super) struct ScopedSessions {
    store: Arc<SessionStore>,
    scope: Scope,
    lifetime: Duration,
}

impl ScopedSessions {
    /// Those of `scope` in `store`, each for at most `lifetime`.
    pub(super) fn new(store: &Arc<SessionStore>, scope: Scope, lifetime: Duration) -> Self {
        Self { store: Arc::clone(store), scope, lifetime: lifetime.min(LIFETIME) }
    }
}

impl StoresServerSessions for ScopedSessions {
    fn put(&self, id: Vec<u8>, session: Vec<u8>) -> bool {
        self.store.put(self.scope.key(&id), session, Instant::now(), self.lifetime)
    }

    /// Only TLS 1.2 reads a session without taking it, and QUIC has no TLS 1.2 (RFC 9001 §4.2).
    fn get(&self, _: &[u8]) -> Option<Vec<u8>> {
        None
    }

    fn take(&self, id: &[u8]) -> Option<Vec<u8>> {
        self.store.take(&self.scope.key(id), Instant::now())
    }

    fn can_cache(&self) -> bool {
        true
    }
}

/// A client gets two at each handshake: these are of the last 65,536 handshakes.
const BOUNDS: Bounds = Bounds { shards: 64, entries: 131_072, bytes: 64 << 20 };

/// rustls tells clients that a session lives for a day, and RFC 8446 §4.6.1 lets it be less.
pub(super) const LIFETIME: Duration = Duration::from_secs(24 * 60 * 60);

#[cfg(test)]
mod tests;
