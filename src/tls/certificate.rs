//! A certificate chain with its key, and what `/certs` says of it.

use std::fmt::Write as _;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use rustls::crypto::CryptoProvider;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::sign::{CertifiedKey, SigningKey};
use x509_parser::extensions::GeneralName;
use x509_parser::prelude::{FromDer, X509Certificate};

use crate::config::proto::envoy::config::core::v3::DataSource;
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
    let chain_at = at.field("certificate_chain");
    let chain = chain.and_then(|written| read_chain(written, chain_at));
    let key = key.and_then(|written| read_key(written, provider, at.field("private_key")));
    let (chain, (key, key_path)) = (chain?, key?);
    if let Some(remark) = lifetime_remark(&chain.facts, SystemTime::now()) {
        chain_at.lint(format_args!("the certificate in `{}` {remark}", chain.facts.path));
    }
    // Compared here and not by rustls, which refuses X.509 version 1: such certificates are old, not broken.
    if key.public_key().is_some_and(|public| *public != *chain.public_key) {
        let path = &chain.facts.path;
        let message = format!("the key in `{key_path}` does not belong to the certificate in `{path}`");
        return Err(at.field("private_key").error(message));
    }
    Ok((Arc::new(CertifiedKey::new(chain.certificates, key)), chain.facts))
}

fn read_key(
    written: &DataSource,
    provider: &CryptoProvider,
    at: At<'_>,
) -> Result<(Arc<dyn SigningKey>, String), Invalid> {
    let (pem, path) = data_source(written, at)?;
    let key = PrivateKeyDer::from_pem_slice(&pem)
        .map_err(|error| at.error(format_args!("`{path}` holds no private key in PEM: {error}")))?;
    let key = provider
        .key_provider
        .load_private_key(key)
        .map_err(|error| at.error(format_args!("the key in `{path}` cannot be used: {error}")))?;
    Ok((key, path))
}

/// A chain, the leaf first, with what is known of the leaf.
struct Chain {
    certificates: Vec<CertificateDer<'static>>,
    /// The `SubjectPublicKeyInfo` of the leaf in DER.
    public_key: Vec<u8>,
    facts: CertificateFacts,
}

fn read_chain(written: &DataSource, at: At<'_>) -> Result<Chain, Invalid> {
    let (pem, path) = data_source(written, at)?;
    let certificates: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(&pem).collect();
    let certificates = certificates.map_err(|error| at.error(format_args!("`{path}` is not PEM: {error}")))?;
    let Some(leaf) = certificates.first() else {
        return Err(at.error(format_args!("`{path}` holds no certificate: it needs `-----BEGIN CERTIFICATE-----`")));
    };
    let (public_key, facts) = parse(leaf, path.clone())
        .map_err(|error| at.error(format_args!("the certificate in `{path}` cannot be read: {error}")))?;
    Ok(Chain { certificates, public_key, facts })
}

fn parse(leaf: &CertificateDer<'_>, path: String) -> Result<(Vec<u8>, CertificateFacts), String> {
    let (_, certificate) = X509Certificate::from_der(leaf).map_err(|error| error.to_string())?;
    let names = match certificate.subject_alternative_name() {
        Ok(Some(names)) => names.value.general_names.iter().filter_map(name).collect(),
        Ok(None) => Vec::new(),
        Err(error) => return Err(error.to_string()),
    };
    let validity = certificate.validity();
    let facts = CertificateFacts {
        path,
        serial: hexadecimal(certificate.raw_serial()),
        names,
        valid_from: system_time(validity.not_before.timestamp()),
        expires: system_time(validity.not_after.timestamp()),
    };
    Ok((certificate.public_key().raw.to_vec(), facts))
}

/// What is odd about the time in which a certificate is valid.
fn lifetime_remark(facts: &CertificateFacts, now: SystemTime) -> Option<String> {
    let days = |duration: Duration| match duration.as_secs() / SECONDS_A_DAY {
        0 => "less than a day".to_owned(),
        1 => "a day".to_owned(),
        days => format!("{days} days"),
    };
    if let Some(ahead) = facts.valid_from.duration_since(now).ok().filter(|ahead| !ahead.is_zero()) {
        return Some(format!("is not valid yet: its time begins in {}", days(ahead)));
    }
    match facts.expires.duration_since(now) {
        Ok(left) if left < SOON => Some(format!("expires in {}", days(left))),
        Ok(_) => None,
        Err(past) => Some(format!("expired {} ago", days(past.duration()))),
    }
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

const SECONDS_A_DAY: u64 = 86_400;

/// A certificate that ends within this time should have been renewed.
const SOON: Duration = Duration::from_secs(30 * SECONDS_A_DAY);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_certificate_is_remarked_on_before_its_time_near_its_end_and_after_it() {
        let day = |days: u64| SystemTime::UNIX_EPOCH + Duration::from_secs(days * SECONDS_A_DAY);
        let facts = CertificateFacts {
            path: String::new(),
            serial: String::new(),
            names: Vec::new(),
            valid_from: day(100),
            expires: day(200),
        };
        let remark = |days| lifetime_remark(&facts, day(days));
        assert_eq!(remark(98).as_deref(), Some("is not valid yet: its time begins in 2 days"));
        assert_eq!(remark(100), None);
        assert_eq!(remark(170), None);
        assert_eq!(remark(171).as_deref(), Some("expires in 29 days"));
        assert_eq!(remark(200).as_deref(), Some("expires in less than a day"));
        assert_eq!(remark(201).as_deref(), Some("expired a day ago"));
    }
}
