//! The sessions of TLS 1.2 that have no ticket: those of one context, each for a time.

use std::fmt;
use std::sync::Arc;
use std::time::{Duration, Instant};

use rustls::server::{ServerSessionMemoryCache, StoresServerSessions};

/// A store of some sessions, the oldest of which go first.
pub(in crate::tls) struct TimedSessions {
    sessions: Arc<ServerSessionMemoryCache>,
    /// What the times in the store count from.
    began: Instant,
    lifetime: Duration,
}

impl TimedSessions {
    pub(in crate::tls) fn new(lifetime: Duration) -> Self {
        Self { sessions: ServerSessionMemoryCache::new(SESSIONS), began: Instant::now(), lifetime }
    }

    fn put_at(&self, id: Vec<u8>, mut session: Vec<u8>, now: Duration) -> bool {
        session.extend((now + self.lifetime).as_secs().to_be_bytes());
        self.sessions.put(id, session)
    }

    fn get_at(&self, id: &[u8], now: Duration) -> Option<Vec<u8>> {
        let mut session = self.sessions.get(id)?;
        let expires = u64::from_be_bytes(*session.last_chunk()?);
        session.truncate(session.len() - size_of::<u64>());
        (now.as_secs() < expires).then_some(session)
    }
}

impl fmt::Debug for TimedSessions {
    /// Sessions are secrets.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TimedSessions").field("lifetime", &self.lifetime).finish_non_exhaustive()
    }
}

impl StoresServerSessions for TimedSessions {
    fn put(&self, id: Vec<u8>, session: Vec<u8>) -> bool {
        self.put_at(id, session, self.began.elapsed())
    }

    fn get(&self, id: &[u8]) -> Option<Vec<u8>> {
        self.get_at(id, self.began.elapsed())
    }

    /// Only TLS 1.3 takes a session out, and over TCP its sessions are in tickets.
    fn take(&self, _: &[u8]) -> Option<Vec<u8>> {
        None
    }

    fn can_cache(&self) -> bool {
        true
    }
}

/// As many as rustls keeps by itself.
const SESSIONS: usize = 256;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_session_is_found_again_in_its_time() {
        let sessions = TimedSessions::new(Duration::from_secs(60));
        assert!(sessions.put_at(b"id".to_vec(), b"session".to_vec(), Duration::from_secs(10)));
        assert_eq!(sessions.get_at(b"id", Duration::from_secs(69)).as_deref(), Some(b"session".as_slice()));
        assert_eq!(sessions.get_at(b"id", Duration::from_secs(70)), None);
        assert_eq!(sessions.get_at(b"other", Duration::from_secs(10)), None);
    }
}
