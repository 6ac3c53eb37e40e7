//! What there is to know of a certificate.

use std::fmt::Write as _;
use std::time::{Duration, SystemTime};

use rustls::pki_types::CertificateDer;
use x509_parser::extensions::GeneralName;
use x509_parser::prelude::{FromDer, X509Certificate};

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

/// A certificate as it was read.
pub(super) struct Leaf {
    /// The `SubjectPublicKeyInfo` in DER.
    pub(super) public_key: Vec<u8>,
    /// The serial number, in bytes.
    pub(super) serial: Vec<u8>,
    /// The host names that clients get it for, in lower case: its DNS names, or else its common name.
    pub(super) hosts: Vec<String>,
    pub(super) facts: CertificateFacts,
}

/// Reads a certificate from DER.
pub(super) fn parse(leaf: &CertificateDer<'_>, path: &str) -> Result<Leaf, String> {
    let (_, certificate) = X509Certificate::from_der(leaf).map_err(|error| error.to_string())?;
    let alternative = certificate.subject_alternative_name().map_err(|error| error.to_string())?;
    let general = alternative.map_or(&[][..], |names| &names.value.general_names);
    let dns = general.iter().filter_map(|name| match name {
        GeneralName::DNSName(name) => Some(name.to_ascii_lowercase()),
        _ => None,
    });
    let mut hosts: Vec<String> = dns.collect();
    if hosts.is_empty() {
        let common = certificate.subject().iter_common_name().filter_map(|name| name.as_str().ok());
        hosts.extend(common.map(str::to_ascii_lowercase));
    }
    let validity = certificate.validity();
    let facts = CertificateFacts {
        path: path.to_owned(),
        serial: hexadecimal(certificate.raw_serial()),
        names: general.iter().filter_map(name).collect(),
        valid_from: system_time(validity.not_before.timestamp()),
        expires: system_time(validity.not_after.timestamp()),
    };
    let public_key = certificate.public_key().raw.to_vec();
    Ok(Leaf { public_key, serial: certificate.raw_serial().to_vec(), hosts, facts })
}

/// What is odd about the time in which a certificate is valid.
pub(super) fn lifetime_remark(facts: &CertificateFacts, now: SystemTime) -> Option<String> {
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

pub(super) fn system_time(timestamp: i64) -> SystemTime {
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
