//! The certificates of clients, for rustls: asked for, required or not, and verified (RFC 8446 §4.4.2.4).

use std::sync::{Arc, OnceLock};

use rustls::client::danger::HandshakeSignatureValid;
use rustls::crypto::{CryptoProvider, verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::{CertificateDer, UnixTime};
use rustls::server::danger::{ClientCertVerified, ClientCertVerifier};
use rustls::{DigitallySignedStruct, DistinguishedName, SignatureScheme};

use super::{Chain, Shared, Side, VerifyStats};
use crate::tls::sessions::Scope;

/// Verifies clients against a context.
#[derive(Debug)]
pub(in crate::tls) struct ClientVerifier {
    validation: Shared,
    required: bool,
    provider: Arc<CryptoProvider>,
    /// Of the listener, once it is known.
    stats: OnceLock<VerifyStats>,
}

impl ClientVerifier {
    pub(in crate::tls) fn new(validation: Shared, required: bool, provider: Arc<CryptoProvider>) -> Self {
        Self { validation, required, provider, stats: OnceLock::new() }
    }

    /// Counts there what is refused from now on.
    pub(in crate::tls) fn count_in(&self, stats: &VerifyStats) {
        // A context is of one listener.
        let _ = self.stats.set(stats.clone());
    }

    /// Makes sessions depend on all that clients are asked for.
    pub(in crate::tls) fn bind(&self, scope: &mut Scope) {
        scope.bind("client authentication", if self.required { "required" } else { "optional" });
        self.validation.bind(scope);
    }

    /// Whether a client with this chain, which is empty for one that shows nothing, would be let in now.
    pub(super) fn would_admit(&self, chain: &[CertificateDer<'_>], now: UnixTime) -> bool {
        match chain {
            [] => !self.required,
            [leaf, others @ ..] => self.validation.verify(Chain { leaf, others }, Side::Client, now, |_| ()).is_ok(),
        }
    }
}

impl ClientCertVerifier for ClientVerifier {
    fn client_auth_mandatory(&self) -> bool {
        self.required
    }

    fn root_hint_subjects(&self) -> &[DistinguishedName] {
        match &self.validation.authorities {
            Some(authorities) if self.validation.rules.hints => &authorities.hints,
            _ => &[],
        }
    }

    fn verify_client_cert(
        &self,
        leaf: &CertificateDer<'_>,
        others: &[CertificateDer<'_>],
        now: UnixTime,
    ) -> Result<ClientCertVerified, rustls::Error> {
        let verified = self.validation.verify(Chain { leaf, others }, Side::Client, now, |refusal| {
            if let Some(stats) = self.stats.get() {
                stats.count(refusal);
            }
        });
        verified.map(|()| ClientCertVerified::assertion()).map_err(rustls::Error::from)
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls12_signature(message, certificate, signature, &self.provider.signature_verification_algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls13_signature(message, certificate, signature, &self.provider.signature_verification_algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.provider.signature_verification_algorithms.supported_schemes()
    }
}
