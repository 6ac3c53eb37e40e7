//! An authority for clients, what it has signed, and what it should not have.

use rcgen::{
    BasicConstraints, CertificateParams, CertificateRevocationListParams, CertifiedIssuer, DnType,
    ExtendedKeyUsagePurpose, IsCa, Issuer, KeyIdMethod, KeyPair, KeyUsagePurpose, OtherNameValue, RevokedCertParams,
    SanType, SerialNumber, date_time_ymd,
};
use rustls::crypto::aws_lc_rs::cipher_suite::TLS13_AES_128_GCM_SHA256;

/// A chain with its key, in PEM.
#[derive(Clone, Debug)]
pub(crate) struct Paper {
    pub(crate) chain: String,
    pub(crate) key: String,
    pub(crate) der: Vec<u8>,
    pub(crate) spki: Vec<u8>,
}

/// Whoever signs.
pub(crate) struct Authority {
    issuer: CertifiedIssuer<'static, KeyPair>,
}

impl Authority {
    pub(crate) fn named(name: &str) -> Self {
        let key = KeyPair::generate().expect("a key");
        Self { issuer: CertifiedIssuer::self_signed(authority(name), key).expect("an authority") }
    }

    /// One that this one has signed.
    pub(crate) fn below(&self, name: &str) -> Self {
        let key = KeyPair::generate().expect("a key");
        Self { issuer: CertifiedIssuer::signed_by(authority(name), key, self.issuer()).expect("an authority") }
    }

    fn issuer(&self) -> &Issuer<'static, KeyPair> {
        &self.issuer
    }

    pub(crate) fn pem(&self) -> String {
        self.issuer.pem()
    }

    /// Signs a certificate with these alternative names; `change` makes it another one.
    pub(crate) fn sign(&self, common: &str, names: Vec<SanType>, change: impl FnOnce(&mut CertificateParams)) -> Paper {
        let key = KeyPair::generate().expect("a key");
        let mut parameters = leaf(common, names);
        change(&mut parameters);
        let certificate = parameters.signed_by(&key, self.issuer()).expect("a certificate");
        let spki = rcgen::PublicKeyData::subject_public_key_info(&key);
        Paper { chain: certificate.pem(), key: key.serialize_pem(), der: certificate.der().to_vec(), spki }
    }

    /// A list that revokes the certificates with these serial numbers, in PEM.
    pub(crate) fn list(&self, revoked: &[u64]) -> String {
        let revoked = revoked.iter().map(|number| RevokedCertParams {
            serial_number: SerialNumber::from(*number),
            revocation_time: date_time_ymd(2020, 1, 1),
            reason_code: None,
            invalidity_date: None,
        });
        let list = CertificateRevocationListParams {
            this_update: date_time_ymd(2020, 1, 1),
            next_update: date_time_ymd(2099, 1, 1),
            crl_number: SerialNumber::from(1),
            issuing_distribution_point: None,
            revoked_certs: revoked.collect(),
            key_identifier_method: KeyIdMethod::Sha256,
        };
        list.signed_by(self.issuer()).and_then(|list| list.pem()).expect("a list")
    }
}

impl Paper {
    /// The SHA-256 of the certificate, in hexadecimal.
    pub(crate) fn fingerprint(&self) -> String {
        let digits: Vec<_> = sha256(&self.der).iter().map(|byte| format!("{byte:02x}")).collect();
        digits.concat()
    }

    /// With the certificate of whoever signed it.
    pub(crate) fn under(mut self, authority: &Authority) -> Self {
        self.chain.push_str(&authority.pem());
        self
    }
}

/// One that vouches for itself, and is no authority.
pub(crate) fn of_itself(common: &str) -> (Paper, Authority) {
    let key = KeyPair::generate().expect("a key");
    let parameters = leaf(common, vec![dns("client.test")]);
    let issuer = CertifiedIssuer::self_signed(parameters, key).expect("a certificate");
    let spki = rcgen::PublicKeyData::subject_public_key_info(issuer.key());
    let paper = Paper { chain: issuer.pem(), key: issuer.key().serialize_pem(), der: issuer.der().to_vec(), spki };
    (paper, Authority { issuer })
}

fn leaf(common: &str, names: Vec<SanType>) -> CertificateParams {
    let mut parameters = CertificateParams::default();
    parameters.distinguished_name = rcgen::DistinguishedName::new();
    parameters.distinguished_name.push(DnType::CommonName, common);
    parameters.subject_alt_names = names;
    parameters.not_before = date_time_ymd(2020, 1, 1);
    parameters.not_after = date_time_ymd(2099, 1, 1);
    parameters
}

fn authority(name: &str) -> CertificateParams {
    let mut parameters = leaf(name, Vec::new());
    parameters.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    parameters.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    parameters
}

pub(crate) fn dns(name: &str) -> SanType {
    SanType::DnsName(name.try_into().expect("a host name"))
}

pub(crate) fn uri(name: &str) -> SanType {
    SanType::URI(name.try_into().expect("a URI"))
}

pub(crate) fn email(name: &str) -> SanType {
    SanType::Rfc822Name(name.try_into().expect("an address"))
}

pub(crate) fn other(oid: &[u64], value: &str) -> SanType {
    SanType::OtherName((oid.to_vec(), OtherNameValue::Utf8String(value.to_owned())))
}

/// As the hash of a cipher suite.
pub(crate) fn sha256(bytes: &[u8]) -> Vec<u8> {
    let suite = TLS13_AES_128_GCM_SHA256.tls13().expect("a suite of TLS 1.3");
    suite.common.hash_provider.hash(bytes).as_ref().to_vec()
}

/// It ended years ago.
pub(crate) fn expired(parameters: &mut CertificateParams) {
    parameters.not_after = date_time_ymd(2021, 1, 1);
}

/// It is for servers.
pub(crate) fn of_a_server(parameters: &mut CertificateParams) {
    parameters.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
}

/// In a configuration.
pub(crate) fn inline(pem: &str) -> String {
    format!("{{inline_string: \"{}\"}}", pem.replace('\n', "\\n"))
}
