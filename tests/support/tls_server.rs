//! Servers under TLS: what they show, and what they want to be shown.

use std::sync::Arc;

use rustls::{
    DEFAULT_VERSIONS, ServerConfig, SupportedProtocolVersion,
    crypto::aws_lc_rs::default_provider,
    pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject},
    server::WebPkiClientVerifier,
};

use super::certificates::{Certificates, roots};

/// How a server is set up.
pub(crate) struct Setup {
    pub(crate) versions: &'static [&'static SupportedProtocolVersion],
    pub(crate) protocols: &'static [&'static str],
    /// PEM of the authority whose certificates clients have to show.
    pub(crate) wants: Option<String>,
}

impl Default for Setup {
    fn default() -> Self {
        Self { versions: DEFAULT_VERSIONS, protocols: &["h2", "http/1.1"], wants: None }
    }
}

impl Setup {
    /// A server of this run's certificate.
    pub(crate) fn configuration(&self) -> ServerConfig {
        self.proving(Certificates::of_this_run())
    }

    /// The same with this certificate.
    pub(crate) fn proving(&self, made: &Certificates) -> ServerConfig {
        let chain = CertificateDer::from_pem_slice(made.certificate.as_bytes()).expect("the PEM of a certificate");
        let key = PrivateKeyDer::from_pem_slice(made.key.as_bytes()).expect("the PEM of a key");
        let provider = Arc::new(default_provider());
        let builder = ServerConfig::builder_with_provider(Arc::clone(&provider))
            .with_protocol_versions(self.versions)
            .expect("versions that the provider has");
        let builder = match &self.wants {
            None => builder.with_no_client_auth(),
            Some(authority) => {
                let roots = Arc::new(roots(authority));
                let verifier = WebPkiClientVerifier::builder_with_provider(roots, provider).build();
                builder.with_client_cert_verifier(verifier.expect("an authority"))
            }
        };
        let mut server = builder.with_single_cert(vec![chain], key).expect("a certificate and its key");
        server.alpn_protocols = self.protocols.iter().map(|name| name.as_bytes().to_vec()).collect();
        server.ticketer = rustls::crypto::aws_lc_rs::Ticketer::new().expect("keys for tickets");
        server
    }
}

/// A server that knows nothing newer.
pub(crate) const TLS12_ONLY: &[&SupportedProtocolVersion] = &[&rustls::version::TLS12];
