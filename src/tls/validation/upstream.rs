//! The certificates of upstreams, for rustls.
//!
//! As in Envoy nothing is asked of them where there is no context, and their names are held against conditions, not against the
//! name that was asked for.

use std::sync::Arc;

use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{CryptoProvider, verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{DigitallySignedStruct, SignatureScheme};

use super::{Belief, Chain, Side};

/// Verifies upstreams against what is believed when they show their certificates.
#[derive(Debug)]
pub(in crate::tls) struct UpstreamVerifier {
    belief: Option<Arc<Belief>>,
    provider: Arc<CryptoProvider>,
}

impl UpstreamVerifier {
    pub(in crate::tls) fn new(belief: Option<Arc<Belief>>, provider: Arc<CryptoProvider>) -> Self {
        Self { belief, provider }
    }
}

impl ServerCertVerifier for UpstreamVerifier {
    fn verify_server_cert(
        &self,
        leaf: &CertificateDer<'_>,
        others: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        if let Some(belief) = &self.belief {
            belief.now().verify(Chain { leaf, others }, Side::Server, now, |_| ())?;
        }
        Ok(ServerCertVerified::assertion())
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
