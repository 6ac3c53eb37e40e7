//! The certificate that this side shows to upstreams that want one.

use std::sync::Arc;

use rustls::SignatureScheme;
use rustls::client::ResolvesClientCert;
use rustls::sign::CertifiedKey;

use crate::config::proto::envoy::extensions::transport_sockets::tls::v3::CommonTlsContext;
use crate::config::{At, Invalid};
use crate::tls::certificate::Certificate;
use crate::tls::expiry::Listed;
use crate::tls::rotation::Source;
use crate::tls::schemes::limited;
use crate::tls::secrets::Secrets;

/// The certificate of a context, its own or one that it refers to.
pub(super) fn identity(common: &CommonTlsContext, secrets: &Secrets, at: At<'_>) -> Result<Option<Listed>, Invalid> {
    for (at, written) in at.items("tls_certificates", &common.tls_certificates) {
        if written.ocsp_staple.is_some() {
            at.field("ocsp_staple").no_effect("`ocsp_staple` has no effect on a cluster: only servers show one");
        }
    }
    let mut all = secrets.certificates(common, at)?;
    let certificate = all.pop();
    if !all.is_empty() {
        // As in Envoy.
        return Err(at.error("a cluster shows one certificate: leave one and remove the others"));
    }
    Ok(certificate)
}

/// As rustls takes it: shown to whoever asks for one, as it is when it is shown.
pub(super) fn shown(
    certificate: &Arc<Source<Certificate>>,
    schemes: Option<&Arc<[SignatureScheme]>>,
) -> Arc<dyn ResolvesClientCert> {
    Arc::new(Shown { certificate: Arc::clone(certificate), schemes: schemes.cloned() })
}

#[derive(Debug)]
struct Shown {
    certificate: Arc<Source<Certificate>>,
    schemes: Option<Arc<[SignatureScheme]>>,
}

impl ResolvesClientCert for Shown {
    fn resolve(&self, _: &[&[u8]], _: &[SignatureScheme]) -> Option<Arc<CertifiedKey>> {
        let now = self.certificate.now();
        let Some(schemes) = &self.schemes else { return Some(Arc::clone(&now.certified)) };
        let CertifiedKey { cert, key, .. } = now.certified.as_ref();
        Some(Arc::new(CertifiedKey::new(cert.clone(), limited(Arc::clone(key), Some(schemes)))))
    }

    fn has_certs(&self) -> bool {
        true
    }
}
