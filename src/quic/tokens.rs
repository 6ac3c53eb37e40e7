//! Tokens of `NEW_TOKEN` frames: with one, a client shows at its next visit that its address is its own (RFC 9000 §8.1.3).
//!
//! They are sealed with the key that all workers of a listener have, and so are read by any of them. Each is good for one
//! handshake: what was used is remembered here, until it would be too old in any case.

use std::collections::HashSet;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, SystemTime};

use quinn::{TokenLog, TokenReuseError, ValidationTokenConfig};

/// How clients get tokens, and what becomes of those that come back.
pub(super) fn tokens() -> ValidationTokenConfig {
    let mut config = ValidationTokenConfig::default();
    config.lifetime(LIFETIME).log(Arc::new(Used::default())).sent(SENT);
    config
}

/// Tokens that were used. Locked once a handshake that brings one, by all workers.
#[derive(Debug, Default)]
struct Used(Mutex<Generations>);

/// By when they were issued, in spans of a lifetime: only those of the last two can still be valid.
#[derive(Debug, Default)]
struct Generations {
    latest: u64,
    used: [HashSet<u128>; 2],
}

impl TokenLog for Used {
    fn check_and_insert(&self, nonce: u128, issued: SystemTime, lifetime: Duration) -> Result<(), TokenReuseError> {
        let since = issued.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
        let span = since.as_secs() / lifetime.as_secs().max(1);
        self.0.lock().unwrap_or_else(PoisonError::into_inner).insert(nonce, span)
    }
}

impl Generations {
    fn insert(&mut self, nonce: u128, span: u64) -> Result<(), TokenReuseError> {
        if span > self.latest {
            let [newest, before] = &mut self.used;
            std::mem::swap(newest, before);
            newest.clear();
            if span > self.latest + 1 {
                before.clear();
            }
            self.latest = span;
        }
        let index = usize::try_from(self.latest - span).unwrap_or(usize::MAX);
        let used = self.used.get_mut(index).filter(|used| used.len() < MOST).ok_or(TokenReuseError)?;
        if used.insert(nonce) { Ok(()) } else { Err(TokenReuseError) }
    }
}

/// How long a token is good for: an address may be somebody else's by then.
const LIFETIME: Duration = Duration::from_secs(24 * 60 * 60);

/// Tokens for each connection: one for its successor, and one to try again.
const SENT: u32 = 2;

/// Tokens of one span that can be used, in about 2 MiB. One more is taken for none, and costs its client a Retry at most.
const MOST: usize = 1 << 16;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rfc9000_8_1_4_a_token_is_good_once() {
        let log = Used::default();
        let now = SystemTime::now();
        let (a_day_ago, long_ago) = (now - LIFETIME, now - 3 * LIFETIME);
        for (nonce, issued, taken) in [
            (1, now, true),
            (1, now, false),
            (2, a_day_ago, true),
            (2, a_day_ago, false),
            // Of which nobody remembers any more whether it was used.
            (3, long_ago, false),
            // Time goes on.
            (4, now + LIFETIME, true),
            (1, now, false),
            (5, now, true),
            (6, a_day_ago, false),
            (7, now + 9 * LIFETIME, true),
            (8, now + LIFETIME, false),
        ] {
            assert_eq!(log.check_and_insert(nonce, issued, LIFETIME).is_ok(), taken, "{nonce} {issued:?}");
        }
    }

    #[test]
    fn what_is_remembered_is_bounded() {
        let mut used = Generations::default();
        let taken = (0..MOST as u128 + 100).filter(|nonce| used.insert(*nonce, 7).is_ok()).count();
        assert_eq!(taken, MOST);
        assert!(used.insert(0, 8).is_ok());
    }
}
