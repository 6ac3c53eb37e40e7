//! The certificates of clients, for rustls: asked for, required or not, and verified (RFC 8446 §4.4.2.4).

use std::sync::{Arc, OnceLock};

use rustls::client::danger::HandshakeSignatureValid;
use rustls::crypto::{CryptoProvider, verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::{CertificateDer, UnixTime};
use rustls::server::danger::{ClientCertVerified, ClientCertVerifier};
use rustls::{DigitallySignedStruct, DistinguishedName, SignatureScheme};

use super::{Belief, Chain, Shared, Side, VerifyStats};
use crate::tls::sessions::Scope;

/// What a context asks of its clients.
#[derive(Clone, Debug)]
pub(in crate::tls) struct Clients {
    /// Whom it believes; whatever else it says is nothing without that.
    pub(in crate::tls) belief: Option<Arc<Belief>>,
    /// `require_client_certificate`
    pub(in crate::tls) required: bool,
    pub(in crate::tls) provider: Arc<CryptoProvider>,
    /// Of the listener, once it is known.
    pub(in crate::tls) stats: Arc<OnceLock<VerifyStats>>,
}

impl Clients {
    /// Who verifies them now; `None` where they are not asked for a certificate.
    pub(in crate::tls) fn verifier(&self) -> Option<Arc<ClientVerifier>> {
        let validation = self.belief.as_ref()?.now();
        let required = self.required || validation.is_picky() && !validation.lets_pass();
        let (provider, stats) = (Arc::clone(&self.provider), Arc::clone(&self.stats));
        validation.asks().then(|| Arc::new(ClientVerifier { validation, required, provider, stats }))
    }

    /// Counts there what is refused from now on.
    pub(in crate::tls) fn count_in(&self, stats: &VerifyStats) {
        // A context is of one listener.
        let _ = self.stats.set(stats.clone());
    }
}

/// Verifies clients against what is believed.
#[derive(Debug)]
pub(in crate::tls) struct ClientVerifier {
    validation: Shared,
    required: bool,
    provider: Arc<CryptoProvider>,
    stats: Arc<OnceLock<VerifyStats>>,
}

impl ClientVerifier {
    /// Whether it goes by that.
    pub(in crate::tls) fn goes_by(&self, validation: &Shared) -> bool {
        Arc::ptr_eq(&self.validation, validation)
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
