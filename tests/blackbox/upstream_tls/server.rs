//! Upstreams under TLS: what they show, and what they want to be shown.

use std::sync::Arc;

use rustls::crypto::aws_lc_rs::default_provider;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::WebPkiClientVerifier;
use rustls::{DEFAULT_VERSIONS, ServerConfig, SupportedProtocolVersion};

use crate::support::backend::{Backend, Script};
use crate::support::certificates::{Certificates, roots};

/// How an upstream is set up.
pub(super) struct Setup {
    pub(super) versions: &'static [&'static SupportedProtocolVersion],
    pub(super) protocols: &'static [&'static str],
    /// PEM of the authority whose certificates clients have to show.
    pub(super) wants: Option<String>,
}

impl Default for Setup {
    fn default() -> Self {
        Self { versions: DEFAULT_VERSIONS, protocols: &["h2", "http/1.1"], wants: None }
    }
}

impl Setup {
    /// A server of this run's certificate.
    pub(super) fn configuration(&self) -> ServerConfig {
        self.proving(Certificates::of_this_run())
    }

    /// The same with this certificate.
    pub(super) fn proving(&self, made: &Certificates) -> ServerConfig {
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

/// An upstream that echoes.
pub(super) async fn echo(configuration: ServerConfig) -> Backend {
    Backend::secured(Arc::new(configuration), Script::echo).await
}

/// One that closes each connection after its answer.
pub(super) async fn brief(configuration: ServerConfig) -> Backend {
    let answer = "HTTP/1.1 200 OK\r\ncontent-length: 2\r\nconnection: close\r\n\r\nok";
    Backend::secured(Arc::new(configuration), move |_| Script::bytes(answer)).await
}

/// An upstream that knows nothing newer.
pub(super) const TLS12_ONLY: &[&SupportedProtocolVersion] = &[&rustls::version::TLS12];
