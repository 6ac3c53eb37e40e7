//! Stands where rustls verifies certificates and keeps sessions, and remembers what it saw.
//!
//! A TLS stream can be asked about its handshake; quinn hides the rustls connection. What passes here says the same: the verifier is called in
//! a full handshake only, and the session store is told the group, the cipher suite and whether 0-RTT is allowed.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use rustls::{
    CipherSuite, DigitallySignedStruct, Error, NamedGroup, SignatureScheme,
    client::{
        ClientSessionMemoryCache, ClientSessionStore, Tls12ClientSessionValue, Tls13ClientSessionValue,
        danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier},
    },
    pki_types::{CertificateDer, ServerName, UnixTime},
};
use tokio::sync::Notify;

/// One per server probed: its sessions are the first connection's, for the second.
#[derive(Debug)]
pub(super) struct Witness {
    verifier: Arc<dyn ServerCertVerifier>,
    sessions: ClientSessionMemoryCache,
    seen: Mutex<Seen>,
    stored: Notify,
}

/// What has passed since the last `take`.
#[derive(Clone, Debug, Default)]
pub(super) struct Seen {
    /// The server's certificate was verified: a full handshake.
    pub(super) verified: bool,
    /// Why the server's certificate was refused.
    pub(super) refused: Option<Error>,
    /// The key exchange group.
    pub(super) group: Option<NamedGroup>,
    /// The cipher suite, known once a ticket came.
    pub(super) suite: Option<CipherSuite>,
    /// A session that can be resumed came.
    pub(super) session: bool,
}

impl Witness {
    pub(super) fn new(verifier: Arc<dyn ServerCertVerifier>) -> Self {
        let sessions = ClientSessionMemoryCache::new(SERVERS);
        Self { verifier, sessions, seen: Mutex::default(), stored: Notify::new() }
    }

    /// What was seen so far; from now on it counts anew.
    pub(super) fn take(&self) -> Seen {
        std::mem::take(&mut *self.seen())
    }

    /// What was seen so far.
    pub(super) fn peek(&self) -> Seen {
        self.seen().clone()
    }

    /// Ready once a session that can be resumed has come.
    pub(super) async fn session(&self) {
        while !self.seen().session {
            self.stored.notified().await;
        }
    }

    fn seen(&self) -> MutexGuard<'_, Seen> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn note_session(&self, suite: Option<CipherSuite>) {
        let mut seen = self.seen();
        seen.session = true;
        seen.suite = suite.or(seen.suite);
        drop(seen);
        self.stored.notify_one();
    }
}

impl ServerCertVerifier for Witness {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        server_name: &ServerName<'_>,
        ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        let verdict = self.verifier.verify_server_cert(end_entity, intermediates, server_name, ocsp_response, now);
        let mut seen = self.seen();
        seen.verified = true;
        seen.refused = verdict.as_ref().err().cloned();
        verdict
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.verifier.verify_tls12_signature(message, cert, dss)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.verifier.verify_tls13_signature(message, cert, dss)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.verifier.supported_verify_schemes()
    }
}

impl ClientSessionStore for Witness {
    fn set_kx_hint(&self, server_name: ServerName<'static>, group: NamedGroup) {
        self.seen().group = Some(group);
        self.sessions.set_kx_hint(server_name, group);
    }

    fn kx_hint(&self, server_name: &ServerName<'_>) -> Option<NamedGroup> {
        self.sessions.kx_hint(server_name)
    }

    fn set_tls12_session(&self, server_name: ServerName<'static>, value: Tls12ClientSessionValue) {
        self.sessions.set_tls12_session(server_name, value);
        self.note_session(None);
    }

    fn tls12_session(&self, server_name: &ServerName<'_>) -> Option<Tls12ClientSessionValue> {
        self.sessions.tls12_session(server_name)
    }

    fn remove_tls12_session(&self, server_name: &ServerName<'static>) {
        self.sessions.remove_tls12_session(server_name);
    }

    fn insert_tls13_ticket(&self, server_name: ServerName<'static>, value: Tls13ClientSessionValue) {
        let suite = value.suite().common.suite;
        self.sessions.insert_tls13_ticket(server_name, value);
        self.note_session(Some(suite));
    }

    fn take_tls13_ticket(&self, server_name: &ServerName<'static>) -> Option<Tls13ClientSessionValue> {
        self.sessions.take_tls13_ticket(server_name)
    }
}

/// A probe speaks to one server; rustls wants room for some.
const SERVERS: usize = 8;
