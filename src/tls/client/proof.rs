//! What an upstream's certificate has to prove: what the validation context asks for, and the name that a connection wants.

use std::sync::Arc;

use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::client::verify_server_name;
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::server::ParsedCertificate;
use rustls::{CertificateError, DigitallySignedStruct, Error, PeerMisbehaved, SignatureScheme};

use super::SslStats;

/// A verifier for handshakes that ask for one name.
#[derive(Clone, Debug)]
pub(super) struct Proof {
    /// The validation context.
    pub(super) context: Arc<dyn ServerCertVerifier>,
    /// Names that the certificate has to stand for, all of them.
    pub(super) names: Vec<Arc<str>>,
    /// What the upstream may sign with; `None` for all that can be verified.
    pub(super) schemes: Option<Arc<[SignatureScheme]>>,
    pub(super) stats: SslStats,
}

impl Proof {
    /// Whether a certificate stands for every name that it has to.
    fn names(&self, leaf: &CertificateDer<'_>) -> Result<(), Error> {
        if self.names.is_empty() {
            return Ok(());
        }
        let leaf = ParsedCertificate::try_from(leaf)?;
        self.names.iter().try_for_each(|name| {
            // What is no name is one that no certificate stands for.
            let name = ServerName::try_from(&**name).map_err(|_| CertificateError::NotValidForName)?;
            verify_server_name(&leaf, &name)
        })
    }

    fn allows(&self, scheme: SignatureScheme) -> Result<(), Error> {
        match &self.schemes {
            Some(schemes) if !schemes.contains(&scheme) => {
                Err(PeerMisbehaved::SignedHandshakeWithUnadvertisedSigScheme.into())
            }
            _ => Ok(()),
        }
    }
}

impl ServerCertVerifier for Proof {
    fn verify_server_cert(
        &self,
        leaf: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        asked: &ServerName<'_>,
        staple: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        let trusted = self.context.verify_server_cert(leaf, intermediates, asked, staple, now);
        trusted
            .and_then(|trusted| self.names(leaf).map(|()| trusted))
            .inspect_err(|error| self.stats.not_verified(error))
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.allows(signature.scheme)?;
        self.context.verify_tls12_signature(message, certificate, signature)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.allows(signature.scheme)?;
        self.context.verify_tls13_signature(message, certificate, signature)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        let verified = self.context.supported_verify_schemes();
        match &self.schemes {
            // In the order that is configured.
            Some(schemes) => schemes.iter().copied().filter(|scheme| verified.contains(scheme)).collect(),
            None => verified,
        }
    }
}
