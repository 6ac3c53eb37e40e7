//! What a person wants to know of a server's certificate.

use jiff::Timestamp;
use rustls::pki_types::CertificateDer;
use serde::Serialize;
use x509_parser::{extensions::GeneralName, parse_x509_certificate};

/// The leaf's facts.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(super) struct Certificate {
    pub(super) subject: String,
    pub(super) issuer: String,
    /// The subject alternative names.
    pub(super) names: Vec<String>,
    /// When it ends, RFC 3339 in UTC.
    pub(super) not_after: String,
}

impl Certificate {
    /// `None` when it is no certificate.
    pub(super) fn of(der: &CertificateDer<'_>) -> Option<Self> {
        let (_, parsed) = parse_x509_certificate(der).ok()?;
        let names = match parsed.subject_alternative_name() {
            Ok(Some(extension)) => extension.value.general_names.iter().map(name).collect(),
            _ => Vec::new(),
        };
        let not_after = Timestamp::from_second(parsed.validity().not_after.timestamp()).ok()?;
        Some(Self {
            subject: parsed.subject().to_string(),
            issuer: parsed.issuer().to_string(),
            names,
            not_after: not_after.to_string(),
        })
    }
}

fn name(name: &GeneralName<'_>) -> String {
    match name {
        GeneralName::DNSName(name) | GeneralName::RFC822Name(name) | GeneralName::URI(name) => (*name).to_owned(),
        GeneralName::IPAddress(bytes) => address(bytes),
        other => other.to_string(),
    }
}

fn address(bytes: &[u8]) -> String {
    if let Ok(octets) = <[u8; 4]>::try_from(bytes) {
        return std::net::Ipv4Addr::from(octets).to_string();
    }
    match <[u8; 16]>::try_from(bytes) {
        Ok(octets) => std::net::Ipv6Addr::from(octets).to_string(),
        Err(_) => format!("an address of {} bytes", bytes.len()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_facts_of_a_leaf_are_read() {
        let made = rcgen::generate_simple_self_signed(["localhost".into(), "127.0.0.1".into(), "::1".into()]).unwrap();
        let certificate = Certificate::of(made.cert.der()).unwrap();
        assert_eq!(certificate.names, ["localhost", "127.0.0.1", "::1"]);
        assert_eq!(certificate.not_after, "4096-01-01T00:00:00Z");
        assert!(certificate.subject.starts_with("CN="), "{}", certificate.subject);
        assert_eq!(Certificate::of(&vec![1, 2, 3].into()), None);
    }
}
