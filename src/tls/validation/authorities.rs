//! Who may sign: `trusted_ca`, or the authorities of the system.
//!
//! An authority need not be a root. One that another of them has signed is a link of chains, and is verified like those that the
//! other side shows; so its life and its revocation count. A certificate that may not sign others is believed itself, and
//! nothing that its key has signed (RFC 5280 §4.2.1.9).

use std::time::Duration;

use rustls::DistinguishedName;
use rustls::crypto::WebPkiSupportedAlgorithms;
use rustls::pki_types::{CertificateDer, TrustAnchor, UnixTime};
use webpki::EndEntityCert;
use x509_parser::prelude::{FromDer, X509Certificate};

use super::Side;
use super::refusal::Refusal;

/// Who is trusted.
#[derive(Debug)]
pub(super) struct Authorities {
    /// Where chains end.
    pub(super) anchors: Vec<TrustAnchor<'static>>,
    /// What is asked of those, in the same order: webpki takes an anchor for trusted in every way.
    facts: Vec<Facts>,
    /// Those that others of them have signed.
    pub(super) links: Vec<CertificateDer<'static>>,
    /// All of them.
    certificates: Vec<CertificateDer<'static>>,
    /// The names of those that may sign, for clients to choose by.
    pub(super) hints: Vec<DistinguishedName>,
}

/// What matters of a certificate.
#[derive(Clone, Debug)]
pub(super) struct Facts {
    from: i64,
    until: i64,
    signs: bool,
    /// RFC 5280 §4.2.1.9: certificates that may stand between it and a leaf.
    path_length: Option<u32>,
    clients: bool,
    servers: bool,
}

impl Authorities {
    /// These; the error says what is wrong with the one of that number.
    pub(super) fn new(
        certificates: Vec<CertificateDer<'static>>,
        algorithms: &WebPkiSupportedAlgorithms,
    ) -> Result<Self, (usize, String)> {
        let (mut anchors, mut facts, mut links, mut hints) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
        for (number, certificate) in certificates.iter().enumerate() {
            let of_this = Facts::of(certificate).map_err(|error| (number, error))?;
            if !of_this.signs {
                continue;
            }
            let anchor = webpki::anchor_from_trusted_cert(certificate).map_err(|error| (number, error.to_string()))?;
            let anchor = anchor.to_owned();
            hints.push(DistinguishedName::in_sequence(&anchor.subject));
            let others = certificates.iter().enumerate().filter(|(other, _)| *other != number);
            if others.into_iter().any(|(_, other)| has_signed(other, certificate, algorithms)) {
                links.push(certificate.clone());
            } else {
                anchors.push(anchor);
                facts.push(of_this);
            }
        }
        Ok(Self { anchors, facts, links, certificates, hints })
    }

    /// Whether a certificate is one of these, and needs nobody to sign it.
    pub(super) fn contains(&self, certificate: &CertificateDer<'_>) -> bool {
        self.certificates.contains(certificate)
    }

    /// What is known of an anchor that webpki has come to.
    pub(super) fn facts(&self, anchor: &TrustAnchor<'_>) -> Option<&Facts> {
        let place = self.anchors.iter().position(|known| std::ptr::eq(known, anchor));
        place.and_then(|place| self.facts.get(place))
    }

    /// Everything that is trusted, for sessions to depend on.
    pub(super) fn certificates(&self) -> &[CertificateDer<'static>] {
        &self.certificates
    }
}

impl Facts {
    pub(super) fn of(certificate: &CertificateDer<'_>) -> Result<Self, String> {
        let (_, parsed) = X509Certificate::from_der(certificate).map_err(|error| error.to_string())?;
        let constraints = parsed.basic_constraints().map_err(|error| error.to_string())?;
        let key_usage = parsed.key_usage().map_err(|error| error.to_string())?;
        let purposes = parsed.extended_key_usage().map_err(|error| error.to_string())?;
        // The first version of X.509 has no extensions to say it in: such a certificate signs when it is a root.
        let old_root = parsed.version().0 == 0 && parsed.subject() == parsed.issuer();
        let signs = constraints.as_ref().map_or(old_root, |constraints| constraints.value.ca);
        let purpose = |of: fn(&x509_parser::extensions::ExtendedKeyUsage<'_>) -> bool| {
            purposes.as_ref().is_none_or(|purposes| purposes.value.any || of(purposes.value))
        };
        Ok(Self {
            from: parsed.validity().not_before.timestamp(),
            until: parsed.validity().not_after.timestamp(),
            signs: signs && key_usage.is_none_or(|usage| usage.value.key_cert_sign()),
            path_length: constraints.and_then(|constraints| constraints.value.path_len_constraint),
            clients: purpose(|purposes| purposes.client_auth),
            servers: purpose(|purposes| purposes.server_auth),
        })
    }

    pub(super) fn verify_life(&self, now: UnixTime) -> Result<(), Refusal> {
        let now = i64::try_from(now.as_secs()).unwrap_or(i64::MAX);
        match now {
            now if now < self.from => Err(Refusal::NotValidYet),
            now if now > self.until => Err(Refusal::Expired),
            _ => Ok(()),
        }
    }

    pub(super) fn verify_purpose(&self, side: Side) -> Result<(), Refusal> {
        let allowed = match side {
            Side::Client => self.clients,
            Side::Server => self.servers,
        };
        if allowed { Ok(()) } else { Err(Refusal::OtherPurpose) }
    }

    /// Whether so many certificates may stand between this one and a leaf.
    pub(super) fn allows_between(&self, between: usize) -> bool {
        self.path_length.is_none_or(|most| usize::try_from(most).unwrap_or(usize::MAX) >= between)
    }

    /// When its life begins.
    pub(super) fn begins(&self) -> UnixTime {
        let since = Duration::from_secs(u64::try_from(self.from).unwrap_or_default());
        UnixTime::since_unix_epoch(since)
    }
}

/// Whether the key of a certificate has signed another one.
fn has_signed(
    issuer: &CertificateDer<'_>,
    signed: &CertificateDer<'_>,
    algorithms: &WebPkiSupportedAlgorithms,
) -> bool {
    let Ok((_, parsed)) = X509Certificate::from_der(signed) else { return false };
    let Ok((_, above)) = X509Certificate::from_der(issuer) else { return false };
    if parsed.issuer().as_raw() != above.subject().as_raw() || parsed.issuer().as_raw() == parsed.subject().as_raw() {
        return false;
    }
    let Ok(issuer) = EndEntityCert::try_from(issuer) else { return false };
    let (content, signature) = (parsed.tbs_certificate.as_ref(), parsed.signature_value.as_ref());
    algorithms.all.iter().any(|algorithm| issuer.verify_signature(*algorithm, content, signature).is_ok())
}

/// The authorities that the system trusts.
pub(super) fn of_the_system() -> Vec<CertificateDer<'static>> {
    rustls_native_certs::load_native_certs().certs
}
