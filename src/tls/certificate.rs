//! A certificate chain with its key, and what `/certs` says of it.

use std::fmt::Write as _;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use rustls::crypto::CryptoProvider;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::sign::CertifiedKey;
use x509_parser::extensions::GeneralName;
use x509_parser::prelude::{FromDer, X509Certificate};

use crate::config::proto::envoy::extensions::transport_sockets::tls::v3::TlsCertificate;
use crate::config::values::data_source;
use crate::config::{At, Invalid};

/// What a person wants to know of a certificate.
#[derive(Clone, Debug)]
pub struct CertificateFacts {
    /// Where it was read from.
    pub path: String,
    /// The serial number in hexadecimal.
    pub serial: String,
    /// DNS names and IP addresses that it stands for.
    pub names: Vec<String>,
    /// The first second in which it is valid.
    pub valid_from: SystemTime,
    /// The last second in which it is valid.
    pub expires: SystemTime,
}

/// Reads a chain and its key and holds them against each other.
///
/// # Errors
/// [`Invalid`] where one of them cannot be read, or they do not belong together.
pub(super) fn load(
    written: &TlsCertificate,
    provider: &CryptoProvider,
    at: At<'_>,
) -> Result<(Arc<CertifiedKey>, CertificateFacts), Invalid> {
    let chain = at.required("certificate_chain", written.certificate_chain.as_ref());
    let key = at.required("private_key", written.private_key.as_ref());
    let (chain, key) = (chain?, key?);
    let chain = data_source(chain, at.field("certificate_chain"));
    let key = data_source(key, at.field("private_key"));
    let ((chain, path), (key, key_path)) = (chain?, key?);
    let (chain, facts) = read_chain(&chain, &path, at.field("certificate_chain"))?;
    let key = PrivateKeyDer::from_pem_slice(&key).map_err(|error| {
        at.field("private_key").error(format_args!("`{key_path}` holds no private key in PEM: {error}"))
    })?;
    match CertifiedKey::from_der(chain, key, provider) {
        Ok(certified) => Ok((Arc::new(certified), facts)),
        Err(rustls::Error::InconsistentKeys(_)) => Err(at
            .field("private_key")
            .error(format_args!("the key in `{key_path}` does not belong to the certificate in `{path}`"))),
        Err(error) => {
            Err(at.error(format_args!("the certificate in `{path}` cannot be used with `{key_path}`: {error}")))
        }
    }
}

fn read_chain(pem: &[u8], path: &str, at: At<'_>) -> Result<(Vec<CertificateDer<'static>>, CertificateFacts), Invalid> {
    let chain: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(pem).collect();
    let chain = chain.map_err(|error| at.error(format_args!("`{path}` is not PEM: {error}")))?;
    let Some(leaf) = chain.first() else {
        return Err(at.error(format_args!("`{path}` holds no certificate: it needs `-----BEGIN CERTIFICATE-----`")));
    };
    let facts = facts(leaf, path)
        .map_err(|error| at.error(format_args!("the certificate in `{path}` cannot be read: {error}")))?;
    Ok((chain, facts))
}

fn facts(leaf: &CertificateDer<'_>, path: &str) -> Result<CertificateFacts, String> {
    let (_, certificate) = X509Certificate::from_der(leaf).map_err(|error| error.to_string())?;
    let names = match certificate.subject_alternative_name() {
        Ok(Some(names)) => names.value.general_names.iter().filter_map(name).collect(),
        Ok(None) => Vec::new(),
        Err(error) => return Err(error.to_string()),
    };
    let validity = certificate.validity();
    Ok(CertificateFacts {
        path: path.to_owned(),
        serial: hexadecimal(certificate.raw_serial()),
        names,
        valid_from: system_time(validity.not_before.timestamp()),
        expires: system_time(validity.not_after.timestamp()),
    })
}

fn hexadecimal(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        // A String takes whatever is written.
        let _ = write!(text, "{byte:02x}");
        text
    })
}

fn name(name: &GeneralName<'_>) -> Option<String> {
    match name {
        GeneralName::DNSName(name) => Some((*name).to_owned()),
        GeneralName::IPAddress(bytes) => match **bytes {
            [a, b, c, d] => Some(std::net::Ipv4Addr::new(a, b, c, d).to_string()),
            _ => <[u8; 16]>::try_from(*bytes).ok().map(|bytes| std::net::Ipv6Addr::from(bytes).to_string()),
        },
        _ => None,
    }
}

fn system_time(timestamp: i64) -> SystemTime {
    let distance = Duration::from_secs(timestamp.unsigned_abs());
    if timestamp < 0 { SystemTime::UNIX_EPOCH - distance } else { SystemTime::UNIX_EPOCH + distance }
}
