//! What the certificate that a connection was shown stands for, and when a request should have come over another connection.

use std::fmt;
use std::sync::Arc;

use super::certificate::Certificate;
use super::choice::wildcard;
use super::live::Live;

/// The certificates for the name that a client asked for in its handshake, of which it was shown one.
#[derive(Clone)]
pub struct Shown {
    certificates: Arc<[Arc<Certificate>]>,
    /// The context, with the certificates that are in use now.
    live: Arc<Live>,
}

impl Shown {
    /// To a client that asked for `name`; `None` where no certificate stands for it: such a client has verified nothing by it,
    /// and means whatever it asks for.
    pub(super) fn to(name: &str, live: &Arc<Live>) -> Option<Self> {
        let certificates: Arc<[_]> = live.now().for_name(&normal(name)).map(Arc::clone).collect();
        (!certificates.is_empty()).then(|| Self { certificates, live: Arc::clone(live) })
    }

    /// Whether the client should have opened another connection for this host (RFC 9110 §15.5.20): no certificate that it may
    /// have been shown stands for the host, and there is one that does.
    #[must_use]
    pub fn misdirects(&self, host: &str) -> bool {
        let host = normal(host);
        !self.certificates.iter().any(|shown| stands_for(shown, &host))
            && self.live.now().for_name(&host).next().is_some()
    }
}

/// A host name as certificates are found by it.
fn normal(name: &str) -> String {
    name.strip_suffix('.').unwrap_or(name).to_ascii_lowercase()
}

fn stands_for(certificate: &Certificate, host: &str) -> bool {
    certificate.hosts.iter().any(|name| match name.strip_prefix('*') {
        Some(parent) => wildcard(host) == Some(parent),
        None => name == host,
    })
}

impl fmt::Debug for Shown {
    /// The context is the listener's.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let hosts: Vec<_> = self.certificates.iter().flat_map(|certificate| &certificate.hosts).collect();
        f.debug_struct("Shown").field("hosts", &hosts).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use crate::config::Report;
    use crate::config::proto::envoy::config::core::v3::{DataSource, data_source::Specifier};
    use crate::config::proto::envoy::extensions::transport_sockets::tls::v3::{
        CommonTlsContext, DownstreamTlsContext, TlsCertificate,
    };
    use crate::observe::stats::Store;
    use crate::tls::{Secrets, ServerTls, Transport, server};

    /// A context with certificates for these names.
    fn context(certificates: &[(&[&str], &'static rcgen::SignatureAlgorithm)]) -> ServerTls {
        let inline =
            |text| Some(DataSource { specifier: Some(Specifier::InlineString(text)), ..DataSource::default() });
        let certificate = |(names, algorithm): &(&[&str], &'static rcgen::SignatureAlgorithm)| {
            let key = rcgen::KeyPair::generate_for(algorithm).unwrap();
            let names: Vec<_> = names.iter().map(|name| (*name).to_owned()).collect();
            let made = rcgen::CertificateParams::new(names).unwrap().self_signed(&key).unwrap();
            TlsCertificate {
                certificate_chain: inline(made.pem()),
                private_key: inline(key.serialize_pem()),
                ..TlsCertificate::default()
            }
        };
        let tls_certificates = certificates.iter().map(certificate).collect();
        let common = CommonTlsContext { tls_certificates, ..CommonTlsContext::default() };
        let written = DownstreamTlsContext { common_tls_context: Some(common), ..DownstreamTlsContext::default() };
        let report = Report::new("test");
        let secrets = Secrets::build(&[], &Store::new().scope(""), report.at());
        server(&written, Transport::Tcp, &secrets, report.at()).unwrap()
    }

    fn misdirects(context: &ServerTls, name: &str, host: &str) -> bool {
        context.shown(name).is_some_and(|shown| shown.misdirects(host))
    }

    const ECDSA: &rcgen::SignatureAlgorithm = &rcgen::PKCS_ECDSA_P256_SHA256;
    const RSA: &rcgen::SignatureAlgorithm = &rcgen::PKCS_RSA_SHA256;

    #[test]
    fn rfc9110_15_5_20_only_who_verified_another_name_is_misdirected() {
        let context =
            context(&[(&["default.test"], ECDSA), (&["a.test", "b.test"], ECDSA), (&["c.test", "*.c.test"], ECDSA)]);
        for (name, host, misdirected) in [
            ("a.test", "c.test", true),
            ("a.test", "x.c.test", true),
            ("A.test", "C.test.", true),
            ("x.c.test", "a.test", true),
            ("default.test", "a.test", true),
            // The certificate that was shown stands for both.
            ("a.test", "b.test", false),
            ("x.c.test", "c.test", false),
            ("x.c.test", "y.c.test", false),
            ("a.test", "a.test", false),
            // None stands for the host: whoever asked for it would have got the same answer.
            ("a.test", "elsewhere.test", false),
            ("a.test", "x.y.c.test", false),
            ("a.test", "127.0.0.1", false),
            // None stands for the name: nobody verified it.
            ("elsewhere.test", "a.test", false),
        ] {
            assert_eq!(misdirects(&context, name, host), misdirected, "{name} {host}");
        }
    }

    #[test]
    fn a_name_that_several_certificates_stand_for_directs_to_all_of_them() {
        let context = context(&[(&["a.test"], RSA), (&["a.test", "b.test"], ECDSA), (&["b.test"], RSA)]);
        assert!(!misdirects(&context, "a.test", "b.test"));
        assert!(!misdirects(&context, "b.test", "a.test"));
    }
}
