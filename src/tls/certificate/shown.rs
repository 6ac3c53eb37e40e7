//! A certificate as logs and upstreams are told of it.

use std::fmt::Write as _;
use std::sync::Arc;

use rustls::pki_types::CertificateDer;
use x509_parser::extensions::GeneralName;
use x509_parser::prelude::{FromDer, X509Certificate};

use super::distinguished::written;
use super::facts::system_time;
use crate::observe::access_log::{Certificate, Link};
use crate::tls::sessions::sha256;
use crate::tls::validation::text;

/// What there is to say of a chain, the leaf first; `None` of none, and of one that cannot be read.
#[must_use]
pub fn shown(chain: &[CertificateDer<'_>]) -> Option<Arc<Certificate>> {
    let (_, leaf) = X509Certificate::from_der(chain.first()?).ok()?;
    let validity = leaf.validity();
    let (from, until) = (validity.not_before.timestamp(), validity.not_after.timestamp());
    let links = chain.iter().map(link).collect();
    let mut certificate = Certificate::new(links, system_time(from), system_time(until));
    certificate.subject = written(leaf.subject());
    certificate.issuer = written(leaf.issuer());
    let names = leaf.subject_alternative_name().ok().flatten();
    for name in names.iter().flat_map(|names| &names.value.general_names) {
        let kind = match name {
            GeneralName::URI(_) => &mut certificate.uris,
            GeneralName::DNSName(_) => &mut certificate.hosts,
            GeneralName::IPAddress(_) => &mut certificate.addresses,
            GeneralName::RFC822Name(_) => &mut certificate.emails,
            GeneralName::OtherName(..) => &mut certificate.others,
            _ => continue,
        };
        kind.extend(text(name));
    }
    Some(Arc::new(certificate))
}

fn link(der: &CertificateDer<'_>) -> Link {
    let serial = match X509Certificate::from_der(der) {
        Ok((_, parsed)) => serial(parsed.raw_serial()),
        Err(_) => String::new(),
    };
    Link { der: der.to_vec(), fingerprint: hexadecimal(&sha256(&[der])), serial }
}

/// The number, without the byte that says that it is no negative one.
fn serial(bytes: &[u8]) -> String {
    match bytes {
        [0, rest @ ..] if !rest.is_empty() => hexadecimal(rest),
        bytes => hexadecimal(bytes),
    }
}

fn hexadecimal(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        // A String takes whatever is written.
        let _ = write!(text, "{byte:02x}");
        text
    })
}

#[cfg(test)]
mod tests {
    use rustls::pki_types::pem::PemObject;

    use super::*;

    const NAMED: &str = "-----BEGIN CERTIFICATE-----\nMIICKDCCAc6gAwIBAgIUZ5yTNyakY7ygZxrwJD8DJh6OFFQwCgYIKoZIzj0EAwIw\nDzENMAsGA1UEAwwEcm9vdDAeFw0yNjExMjEyMDQ4NTJaFw0yNzExMjEyMDQ4NTJa\nMEgxCzAJBgNVBAYTAlVTMRMwEQYDVQQKDApBY21lLCBJbmMuMQowCAYDVQQLDAFh\nMRgwFgYJKoZIhvcNAQkBFgltZUBhLnRlc3QwWTATBgcqhkjOPQIBBggqhkjOPQMB\nBwNCAAS+awYshAO3vD7UT3McMkuuq0lDUYsHqiiogdWioZLt7LnbOj5pZn17L0Uf\npqveAcRcrxJoyN/eCE22CJmi9aEYo4HOMIHLMHQGA1UdEQRtMGuCC2NsaWVudC50\nZXN0gggqLncudGVzdIYRc3BpZmZlOi8vYS9jbGllbnSGDHNwaWZmZTovL2IvY4EJ\nbWVAYS50ZXN0hwQKAQIDhxAAAAAAAAAAAAAAAAAAAAABoA4GAyoDBKAHDAVoZWxs\nbzATBgNVHSUEDDAKBggrBgEFBQcDAjAdBgNVHQ4EFgQU1+pI4bytKnRdRdZS6FKW\nHaY8IX8wHwYDVR0jBBgwFoAU1TyfHyr9Auglba0EGvcaj1PraMMwCgYIKoZIzj0E\nAwIDSAAwRQIgbKq7IUzyjDSsDg/rQRO11+xkkPuM5kH7cfsul4Rj3nQCIQDoBHom\nHSfyvU5EBKsxCCsLkfEjT/QbW335HzJfVOYLHA==\n-----END CERTIFICATE-----\n";

    /// As Envoy 1.40 wrote it for the same certificate.
    #[test]
    fn a_certificate_is_told_of_as_envoy_does() {
        let certificate = CertificateDer::from_pem_slice(NAMED.as_bytes()).unwrap();
        let shown = shown(&[certificate]).unwrap();
        assert_eq!(shown.subject, "emailAddress=me@a.test,OU=a,O=Acme\\, Inc.,C=US");
        assert_eq!(shown.issuer, "CN=root");
        assert_eq!(shown.chain[0].serial, "679c933726a463bca0671af0243f03261e8e1454");
        let fingerprint = "dd45ebf14e2a4492a6e1b315201f447bbccc148927e59d1d389bfe0e39b2ac26";
        assert_eq!(shown.chain[0].fingerprint, fingerprint);
        assert_eq!(shown.uris, ["spiffe://a/client", "spiffe://b/c"]);
        assert_eq!(shown.hosts, ["client.test", "*.w.test"]);
        assert_eq!(shown.addresses, ["10.1.2.3", "::1"]);
        assert_eq!((shown.emails.join(","), shown.others.join(",")), ("me@a.test".to_owned(), "hello".to_owned()));
        let pem = NAMED.replace(' ', "%20").replace('\n', "%0A").replace('+', "%2B");
        let pem = pem.replace('/', "%2F").replace('=', "%3D");
        assert_eq!(shown.encoded(), pem);
        assert_eq!(shown.encoded_chain(), pem);
    }
}
