//! A part of the store, and what it may hold. Pure: the time is an argument.

use std::collections::{BTreeMap, HashMap};
use std::time::Instant;

/// Where a session stands: a digest of its scope and its identity.
pub(super) type Key = [u8; 32];

/// Sessions in the order in which they came.
#[derive(Default)]
pub(super) struct Shard {
    max_entries: usize,
    max_bytes: usize,
    /// By the number that each got when it came, the oldest first.
    sessions: BTreeMap<u64, Session>,
    numbers: HashMap<Key, u64>,
    next: u64,
    bytes: usize,
}

struct Session {
    key: Key,
    secret: Vec<u8>,
    expires: Instant,
}

impl Shard {
    pub(super) fn new(max_entries: usize, max_bytes: usize) -> Self {
        Self { max_entries, max_bytes, ..Self::default() }
    }

    /// Keeps a session until then, and lets the oldest go for it where there is no room. Returns whether it is kept.
    pub(super) fn put(&mut self, key: Key, secret: Vec<u8>, now: Instant, expires: Instant) -> bool {
        let cost = cost(&secret);
        if cost > self.max_bytes || self.max_entries == 0 {
            return false;
        }
        if let Some(before) = self.numbers.get(&key) {
            self.remove(*before);
        }
        // Those of one listener live equally long. What expires before an older one of another goes with that, or when it is
        // asked for.
        while let Some((number, oldest)) = self.sessions.first_key_value()
            && (oldest.expires <= now || self.sessions.len() >= self.max_entries || self.bytes + cost > self.max_bytes)
        {
            self.remove(*number);
        }
        self.numbers.insert(key, self.next);
        self.sessions.insert(self.next, Session { key, secret, expires });
        self.next += 1;
        self.bytes += cost;
        true
    }

    /// Takes a session out for good.
    pub(super) fn take(&mut self, key: &Key, now: Instant) -> Option<Vec<u8>> {
        let number = *self.numbers.get(key)?;
        self.remove(number).filter(|session| now < session.expires).map(|session| session.secret)
    }

    fn remove(&mut self, number: u64) -> Option<Session> {
        let session = self.sessions.remove(&number)?;
        self.numbers.remove(&session.key);
        self.bytes -= cost(&session.secret);
        Some(session)
    }

    /// Sessions, and bytes that they take.
    #[cfg(test)]
    pub(super) fn held(&self) -> (usize, usize) {
        assert_eq!(self.sessions.len(), self.numbers.len());
        (self.sessions.len(), self.bytes)
    }
}

/// Bytes that a session takes with its places in both maps.
fn cost(secret: &[u8]) -> usize {
    secret.len() + OVERHEAD
}

/// A little more than the 291 bytes by which a full store of sessions of 120 bytes let the process grow for each.
const OVERHEAD: usize = 300;
