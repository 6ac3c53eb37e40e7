//! The tickets in which clients keep their sessions (RFC 5077, RFC 8446 §4.6.1): for every context its own, for nobody else's.
//!
//! A ticket is sealed with [`TicketKeys`] that are configured, so that processes that have the same resume each other's
//! sessions, or with keys that the process makes for itself and forgets. Inside, [`Tickets`] writes when it was made and the
//! [`Scope`] that was in force: what is too old, or of another context, opens nothing.

mod keys;

use std::fmt;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use rustls::server::ProducesTickets;

use super::sessions::Scope;

pub(super) use keys::TicketKeys;

/// The tickets of a context, for rustls.
pub(super) struct Tickets {
    seal: Arc<dyn ProducesTickets>,
    scope: Scope,
    lifetime: Duration,
}

impl Tickets {
    /// Sealed by `seal`, good in this scope and for this time.
    pub(super) fn new(seal: Arc<dyn ProducesTickets>, scope: Scope, lifetime: Duration) -> Self {
        Self { seal, scope, lifetime }
    }

    fn encrypt_at(&self, session: &[u8], now: u64) -> Option<Vec<u8>> {
        self.seal.encrypt(&[&now.to_be_bytes(), self.scope.digest().as_slice(), session].concat())
    }

    fn decrypt_at(&self, ticket: &[u8], now: u64) -> Option<Vec<u8>> {
        let inside = self.seal.decrypt(ticket)?;
        let (made, rest) = inside.split_first_chunk()?;
        let (scope, session) = rest.split_at_checked(self.scope.digest().len())?;
        // The clock of who made it may be ahead.
        let age = now.saturating_sub(u64::from_be_bytes(*made));
        (scope == self.scope.digest() && age < self.lifetime.as_secs()).then(|| session.to_vec())
    }
}

impl ProducesTickets for Tickets {
    fn enabled(&self) -> bool {
        true
    }

    fn lifetime(&self) -> u32 {
        u32::try_from(self.lifetime.as_secs()).unwrap_or(u32::MAX).min(MOST)
    }

    fn encrypt(&self, session: &[u8]) -> Option<Vec<u8>> {
        self.encrypt_at(session, now())
    }

    fn decrypt(&self, ticket: &[u8]) -> Option<Vec<u8>> {
        self.decrypt_at(ticket, now())
    }
}

impl fmt::Debug for Tickets {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Tickets").field("scope", &self.scope).field("lifetime", &self.lifetime).finish_non_exhaustive()
    }
}

/// Seconds of the Unix time: processes have to agree on it.
fn now() -> u64 {
    SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).map_or(0, |time| time.as_secs())
}

/// RFC 8446 §4.6.1: servers MUST NOT use any value greater than 604800 seconds (7 days).
pub(super) const MOST: u32 = 7 * 24 * 60 * 60;

#[cfg(test)]
mod tests {
    use super::*;

    fn scope(fact: &str) -> Scope {
        let mut scope = Scope::default();
        scope.bind("fact", fact);
        scope
    }

    fn tickets(seal: &Arc<dyn ProducesTickets>, fact: &str) -> Tickets {
        Tickets::new(Arc::clone(seal), scope(fact), Duration::from_secs(60))
    }

    #[test]
    fn a_ticket_is_good_in_its_scope_and_in_its_time() {
        let seal: Arc<dyn ProducesTickets> = rustls::crypto::aws_lc_rs::Ticketer::new().unwrap();
        let [one, other] = ["one", "other"].map(|fact| tickets(&seal, fact));
        let ticket = one.encrypt_at(b"session", 1000).unwrap();
        assert_eq!(one.decrypt_at(&ticket, 1059).as_deref(), Some(b"session".as_slice()));
        assert_eq!(one.decrypt_at(&ticket, 999).as_deref(), Some(b"session".as_slice()));
        assert_eq!(tickets(&seal, "one").decrypt_at(&ticket, 1000).as_deref(), Some(b"session".as_slice()));
        assert_eq!(one.decrypt_at(&ticket, 1060), None);
        assert_eq!(other.decrypt_at(&ticket, 1000), None);
        assert_eq!(one.decrypt_at(&[], 1000), None);
    }

    #[test]
    fn rfc8446_4_6_1_a_ticket_lives_for_a_week_at_most() {
        let seal: Arc<dyn ProducesTickets> = rustls::crypto::aws_lc_rs::Ticketer::new().unwrap();
        let lifetime = |seconds| Tickets::new(Arc::clone(&seal), scope(""), Duration::from_secs(seconds)).lifetime();
        assert_eq!([lifetime(60), lifetime(604_801), lifetime(1 << 40)], [60, 604_800, 604_800]);
    }
}
