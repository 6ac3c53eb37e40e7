//! Makes the CA and the leaf (RFC 5280): ECDSA P-256, the CA constrained to the names that it is made for.

use std::{
    net::{Ipv4Addr, Ipv6Addr},
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use rcgen::{
    BasicConstraints, CertificateParams, CidrSubnet, DistinguishedName, DnType, Error, ExtendedKeyUsagePurpose,
    GeneralSubtree, IsCa, Issuer, KeyPair, KeyUsagePurpose, NameConstraints, PKCS_ECDSA_P256_SHA256, PublicKeyData,
    SanType, date_time_ymd,
};
use rustix::system::uname;
use rustls::pki_types::CertificateDer;
use x509_parser::parse_x509_certificate;

use super::names::Names;

/// A CA that can sign.
#[derive(Debug)]
pub(super) struct Authority {
    issuer: Issuer<'static, KeyPair>,
}

/// A certificate and its private key, as PEM.
pub(super) struct Issued {
    pub(super) cert_pem: String,
    pub(super) key_pem: String,
}

impl Authority {
    /// A new CA for these names, valid for ten years from an hour before `now`.
    pub(super) fn generate(names: &Names, now: SystemTime) -> Result<(Self, Issued), Error> {
        let key = KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256)?;
        let mut params = params(&ca_name(&names.label(), &host_name()), now, CA_LIFE);
        params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
        params.name_constraints = Some(only(names));
        let issued = Issued { cert_pem: params.self_signed(&key)?.pem(), key_pem: key.serialize_pem() };
        Ok((Self { issuer: Issuer::new(params, key) }, issued))
    }

    /// The CA of this certificate and key; `None` when they do not belong together.
    pub(super) fn from_parts(cert: &CertificateDer<'_>, key_pem: &[u8]) -> Option<Self> {
        let key = KeyPair::from_pem(std::str::from_utf8(key_pem).ok()?).ok()?;
        let (_, parsed) = parse_x509_certificate(cert).ok()?;
        if parsed.public_key().raw != key.subject_public_key_info() {
            return None;
        }
        Some(Self { issuer: Issuer::from_ca_cert_der(cert, key).ok()? })
    }

    /// A leaf for these names and the two loopback addresses, with a key of its own, valid for 89 days from an hour before
    /// `now`. The name constraints are the verifier's to enforce.
    pub(super) fn issue(&self, names: &Names, now: SystemTime) -> Result<Issued, Error> {
        let key = KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256)?;
        let mut params = params("localhost", now, LEAF_LIFE);
        for name in names.dns() {
            params.subject_alt_names.push(SanType::DnsName(name.as_str().try_into()?));
        }
        params.subject_alt_names.push(SanType::IpAddress(Ipv4Addr::LOCALHOST.into()));
        params.subject_alt_names.push(SanType::IpAddress(Ipv6Addr::LOCALHOST.into()));
        params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
        params.use_authority_key_identifier_extension = true;
        let cert_pem = params.signed_by(&key, &self.issuer)?.pem();
        Ok(Issued { cert_pem, key_pem: key.serialize_pem() })
    }
}

fn params(common_name: &str, now: SystemTime, life: Duration) -> CertificateParams {
    let since_epoch = now.duration_since(UNIX_EPOCH).unwrap_or_default();
    let epoch = date_time_ymd(1970, 1, 1);
    let mut params = CertificateParams::default();
    params.distinguished_name = DistinguishedName::new();
    params.distinguished_name.push(DnType::CommonName, common_name);
    params.not_before = epoch + since_epoch.saturating_sub(BACKDATED);
    params.not_after = epoch + since_epoch + life;
    params
}

/// RFC 5280 §4.2.1.10: a name of a kind that is listed must lie in one of its subtrees; `localhost` covers its subdomains.
fn only(names: &Names) -> NameConstraints {
    let dns = names.subtrees().into_iter().map(|name| GeneralSubtree::DnsName(name.into()));
    let loopback = [
        GeneralSubtree::IpAddress(CidrSubnet::from_v4_prefix([127, 0, 0, 0], 8)),
        GeneralSubtree::IpAddress(CidrSubnet::from_v6_prefix(Ipv6Addr::LOCALHOST.octets(), 128)),
    ];
    NameConstraints { permitted_subtrees: dns.chain(loopback).collect(), excluded_subtrees: Vec::new() }
}

/// What a person reads in a list of authorities: what this is, and which host made it.
fn ca_name(names: &str, host: &str) -> String {
    let host = host.chars().filter(|char| char.is_ascii_alphanumeric() || "-._".contains(*char));
    let name = format!("{CA_NAME} ({names}) of {}", host.collect::<String>());
    // RFC 5280 appendix A.1: a common name has at most 64 characters; all of these are ASCII.
    name.chars().take(64).collect()
}

fn host_name() -> String {
    uname().nodename().to_string_lossy().into_owned()
}

/// How the common name of every CA made here begins.
pub(super) const CA_NAME: &str = "Quicgate local CA";
/// How long a leaf lives: with what it is backdated by, below 90 days.
pub(super) const LEAF_LIFE: Duration = Duration::from_secs(89 * 24 * 3600);
const CA_LIFE: Duration = Duration::from_secs(3652 * 24 * 3600);
/// For clients on this host whose clock is a little behind.
const BACKDATED: Duration = Duration::from_secs(3600);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_name_says_what_and_where_within_64_characters() {
        let name = |host: &str| ca_name("localhost only", host);
        assert_eq!(name("build-7.lan"), "Quicgate local CA (localhost only) of build-7.lan");
        assert_eq!(name("a\u{e9}\n,CN=b"), "Quicgate local CA (localhost only) of aCNb");
        assert_eq!(name(&"h".repeat(200)).len(), 64);
    }
}
