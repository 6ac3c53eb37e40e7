//! An `UpstreamTlsContext` as it runs: rustls's client configuration.

use std::sync::Arc;

use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::client::verify_server_cert_signed_by_trust_anchor;
use rustls::crypto::{CryptoProvider, verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::server::ParsedCertificate;
use rustls::{CertificateError, ClientConfig, DigitallySignedStruct, RootCertStore, SignatureScheme};
use x509_parser::parse_x509_certificate;

use super::Transport;
use super::params::params;
use super::server::alpn;
use crate::config::proto::envoy::extensions::transport_sockets::tls::v3::{
    CertificateValidationContext, CommonTlsContext, UpstreamTlsContext, common_tls_context::ValidationContextType,
};
use crate::config::values::data_source;
use crate::config::{At, Invalid};

/// What a handshake with an upstream needs.
#[derive(Clone, Debug)]
pub struct ClientTls {
    /// For rustls, or for quinn to wrap.
    pub config: Arc<ClientConfig>,
    /// The name that is asked for; `None` asks for none.
    pub sni: Option<Arc<str>>,
}

/// Builds a context for `transport`.
///
/// # Errors
/// [`Invalid`] where it cannot be built; all faults are reported.
pub fn client(written: &UpstreamTlsContext, transport: Transport, at: At<'_>) -> Result<ClientTls, Invalid> {
    let sni = sni(&written.sni, at.field("sni"));
    let common_at = at.field("common_tls_context");
    let absent = CommonTlsContext::default();
    let common = written.common_tls_context.as_ref().unwrap_or(&absent);
    for (field, is_set) in [
        ("tls_certificates", !common.tls_certificates.is_empty()),
        ("tls_certificate_sds_secret_configs", !common.tls_certificate_sds_secret_configs.is_empty()),
    ] {
        if is_set {
            return Err(common_at.beyond::<CommonTlsContext>(field));
        }
    }
    let authorities = authorities(common, common_at);
    let params = params(common.tls_params.as_ref(), transport, common_at.field("tls_params"));
    let alpn = alpn(&common.alpn_protocols, transport, common_at.field("alpn_protocols"));
    let (authorities, params, alpn, sni) = (authorities?, params?, alpn?, sni?);
    let provider = params.provider;
    if authorities.is_none() {
        at.lint(
            "nothing of the upstream's certificate is verified: anyone on the way may answer in its place unless \
             `common_tls_context.validation_context.trusted_ca` is set",
        );
    }
    let verifier = Verifier { authorities, provider: Arc::clone(&provider) };
    let mut config = ClientConfig::builder_with_provider(provider)
        .with_protocol_versions(&params.versions)
        .map_err(|error| common_at.error(format_args!("no handshake is possible: {error}")))?
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(verifier))
        .with_no_client_auth();
    config.alpn_protocols = alpn;
    Ok(ClientTls { config: Arc::new(config), sni })
}

fn sni(written: &str, at: At<'_>) -> Result<Option<Arc<str>>, Invalid> {
    if written.is_empty() {
        return Ok(None);
    }
    match ServerName::try_from(written) {
        Ok(_) => Ok(Some(Arc::from(written))),
        Err(_) => Err(at.error("is no name that a TLS handshake can ask for: it takes a host name without port")),
    }
}

/// Who is trusted.
#[derive(Debug)]
struct Authorities {
    store: RootCertStore,
    /// The same as they were written.
    certificates: Vec<CertificateDer<'static>>,
}

/// Who may sign the upstream's certificate; `None` where nothing is verified.
fn authorities(common: &CommonTlsContext, at: At<'_>) -> Result<Option<Authorities>, Invalid> {
    let context = match &common.validation_context_type {
        Some(ValidationContextType::ValidationContext(context)) => context,
        // The walk has refused the others.
        Some(_) => return Err(at.given_up()),
        None => return Ok(None),
    };
    let at = at.field("validation_context");
    let CertificateValidationContext { trusted_ca: Some(written), .. } = context else { return Ok(None) };
    let at = at.field("trusted_ca");
    let (pem, path) = data_source(written, at)?;
    let (mut store, mut certificates) = (RootCertStore::empty(), Vec::new());
    for certificate in CertificateDer::pem_slice_iter(&pem) {
        let certificate = certificate.map_err(|error| at.error(format_args!("`{path}` is not PEM: {error}")))?;
        store
            .add(certificate.clone())
            .map_err(|error| at.error(format_args!("`{path}` holds a certificate that cannot sign: {error}")))?;
        certificates.push(certificate);
    }
    if store.is_empty() {
        return Err(at.error(format_args!("`{path}` holds no certificate: it needs `-----BEGIN CERTIFICATE-----`")));
    }
    Ok(Some(Authorities { store, certificates }))
}

/// Verifies the certificate of an upstream as Envoy does: the chain where there is a `trusted_ca`, the name only where
/// one is demanded, which is not implemented yet.
#[derive(Debug)]
struct Verifier {
    authorities: Option<Authorities>,
    provider: Arc<CryptoProvider>,
}

impl ServerCertVerifier for Verifier {
    fn verify_server_cert(
        &self,
        leaf: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        match &self.authorities {
            None => {}
            // As in Envoy, one that is trusted itself needs nobody to sign it, be it an authority or not.
            Some(authorities) if authorities.certificates.contains(leaf) => check_life(leaf, now)?,
            Some(authorities) => {
                let leaf = ParsedCertificate::try_from(leaf)?;
                let algorithms = self.provider.signature_verification_algorithms.all;
                verify_server_cert_signed_by_trust_anchor(&leaf, &authorities.store, intermediates, now, algorithms)?;
            }
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

/// Whether a certificate is valid now.
fn check_life(certificate: &CertificateDer<'_>, now: UnixTime) -> Result<(), CertificateError> {
    let (_, parsed) = parse_x509_certificate(certificate).map_err(|_| CertificateError::BadEncoding)?;
    let (validity, now) = (parsed.validity(), i64::try_from(now.as_secs()).unwrap_or(i64::MAX));
    if now < validity.not_before.timestamp() {
        return Err(CertificateError::NotValidYet);
    }
    if now > validity.not_after.timestamp() {
        return Err(CertificateError::Expired);
    }
    Ok(())
}
