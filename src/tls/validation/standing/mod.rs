//! Sessions that are taken up again only while the client's certificate stands.
//!
//! A client that resumes shows no certificate: rustls keeps in the session the chain that was verified when it began, and asks
//! nobody about it again (RFC 8446 §4.6.1 leaves that to others). [`Standing`] looks into every session that is to be taken up
//! and verifies the chain anew, now. What does not stand, or cannot be read, is no session: then the handshake is a full one,
//! in which the client is asked for its certificate and refused as ever, or shows the one that has taken the old one's place.

use std::fmt;
use std::sync::Arc;

use rustls::pki_types::{CertificateDer, UnixTime};
use rustls::server::{ProducesTickets, StoresServerSessions};
use rustls::time_provider::{DefaultTimeProvider, TimeProvider};

use super::client::ClientVerifier;

/// Sessions, in tickets or in a store, and who verifies the chains in them.
pub(in crate::tls) struct Standing<T: ?Sized> {
    verifier: Arc<ClientVerifier>,
    clock: Arc<dyn TimeProvider>,
    sessions: Arc<T>,
}

/// The same sessions, of which only those are taken up whose chain `verifier` believes.
pub(in crate::tls) fn standing<T: ?Sized>(sessions: Arc<T>, verifier: &Arc<ClientVerifier>) -> Standing<T> {
    Standing { verifier: Arc::clone(verifier), clock: Arc::new(DefaultTimeProvider), sessions }
}

impl<T: ?Sized> Standing<T> {
    /// The session, if it may be taken up.
    fn standing(&self, session: Vec<u8>) -> Option<Vec<u8>> {
        let now = self.clock.current_time()?;
        stands(&session, &self.verifier, now).then_some(session)
    }
}

impl<T: fmt::Debug + ?Sized> fmt::Debug for Standing<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { verifier, sessions, .. } = self;
        f.debug_struct("Standing").field("verifier", verifier).field("sessions", &sessions).finish_non_exhaustive()
    }
}

impl ProducesTickets for Standing<dyn ProducesTickets> {
    fn enabled(&self) -> bool {
        self.sessions.enabled()
    }

    fn lifetime(&self) -> u32 {
        self.sessions.lifetime()
    }

    fn encrypt(&self, plain: &[u8]) -> Option<Vec<u8>> {
        self.sessions.encrypt(plain)
    }

    fn decrypt(&self, cipher: &[u8]) -> Option<Vec<u8>> {
        self.standing(self.sessions.decrypt(cipher)?)
    }
}

impl StoresServerSessions for Standing<dyn StoresServerSessions> {
    fn put(&self, key: Vec<u8>, value: Vec<u8>) -> bool {
        self.sessions.put(key, value)
    }

    fn get(&self, key: &[u8]) -> Option<Vec<u8>> {
        self.standing(self.sessions.get(key)?)
    }

    fn take(&self, key: &[u8]) -> Option<Vec<u8>> {
        self.standing(self.sessions.take(key)?)
    }

    fn can_cache(&self) -> bool {
        self.sessions.can_cache()
    }
}

fn stands(session: &[u8], verifier: &ClientVerifier, now: UnixTime) -> bool {
    chain_in(session).is_some_and(|chain| verifier.would_admit(&chain, now))
}

/// The client's chain in a session as rustls writes it, empty where the client has shown none; `None` where this is no such
/// session. The form is rustls's own; a test holds what a real handshake leaves behind against it.
fn chain_in(session: &[u8]) -> Option<Vec<CertificateDer<'_>>> {
    let mut reader = Reader(session);
    // The name that was asked for.
    if reader.flag()? {
        reader.vector(1)?;
    }
    // Version, suite; the secret; whether it is bound to the handshake.
    reader.take(4)?;
    reader.vector(1)?;
    reader.flag()?;
    let mut chain = Vec::new();
    if reader.flag()? {
        let mut inside = Reader(reader.vector(3)?);
        while !inside.0.is_empty() {
            chain.push(CertificateDer::from(inside.vector(3)?));
        }
    }
    // The protocol; what an application adds; when it began, and the offset of its age.
    if reader.flag()? {
        reader.vector(1)?;
    }
    reader.vector(2)?;
    reader.take(12)?;
    reader.0.is_empty().then_some(chain)
}

/// What is left of a session.
struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    fn take(&mut self, length: usize) -> Option<&'a [u8]> {
        let (taken, rest) = self.0.split_at_checked(length)?;
        self.0 = rest;
        Some(taken)
    }

    fn flag(&mut self) -> Option<bool> {
        match self.take(1)? {
            [0] => Some(false),
            [1] => Some(true),
            _ => None,
        }
    }

    /// As many bytes as the number in front of them says, which is `prefix` bytes long.
    fn vector(&mut self, prefix: usize) -> Option<&'a [u8]> {
        let length = self.take(prefix)?.iter().fold(0, |number, byte| (number << 8) | usize::from(*byte));
        self.take(length)
    }
}

#[cfg(test)]
mod tests;
