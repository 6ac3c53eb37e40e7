//! The certificate that this side shows to upstreams that want one.

use std::sync::Arc;

use rustls::SignatureScheme;
use rustls::client::ResolvesClientCert;
use rustls::sign::{CertifiedKey, SingleCertAndKey};

use crate::config::proto::envoy::extensions::transport_sockets::tls::v3::CommonTlsContext;
use crate::config::{At, Invalid};
use crate::tls::certificate::{Certificate, load};
use crate::tls::schemes::limited;
use crate::tls::secrets::Secrets;

/// The certificate of a context, its own or one that it refers to.
pub(super) fn identity(
    common: &CommonTlsContext,
    secrets: &Secrets,
    at: At<'_>,
) -> Result<Option<Certificate>, Invalid> {
    let provider = rustls::crypto::aws_lc_rs::default_provider();
    let own = at.each("tls_certificates", &common.tls_certificates, |at, written| {
        if written.ocsp_staple.is_some() {
            at.field("ocsp_staple").no_effect("`ocsp_staple` has no effect on a cluster: only servers show one");
        }
        load(written, &provider, at)
    });
    let configs = &common.tls_certificate_sds_secret_configs;
    let named = at.each("tls_certificate_sds_secret_configs", configs, |at, written| secrets.certificate(written, at));
    let mut all = [own?, named?].concat();
    let certificate = all.pop();
    if !all.is_empty() {
        // As in Envoy.
        return Err(at.error("a cluster shows one certificate: leave one and remove the others"));
    }
    Ok(certificate)
}

/// As rustls takes it: shown to whoever asks for one.
pub(super) fn shown(
    certificate: &Certificate,
    schemes: Option<&Arc<[SignatureScheme]>>,
) -> Arc<dyn ResolvesClientCert> {
    let CertifiedKey { cert, key, .. } = certificate.certified();
    Arc::new(SingleCertAndKey::from(CertifiedKey::new(cert, limited(key, schemes))))
}
