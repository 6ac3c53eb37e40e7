//! The path from a certificate to an authority (RFC 5280 §6.1), by webpki, and what webpki leaves to others.

use rustls::crypto::WebPkiSupportedAlgorithms;
use rustls::pki_types::{CertificateDer, UnixTime};
use webpki::{EndEntityCert, KeyUsage, RevocationCheckDepth, RevocationOptionsBuilder, VerifiedPath};

use super::authorities::{Authorities, Facts};
use super::crl::Crls;
use super::refusal::Refusal;
use super::{Chain, Rules, Side};

/// What is to be verified.
#[derive(Clone, Copy)]
pub(super) struct Question<'a> {
    pub(super) shown: Chain<'a>,
    pub(super) side: Side,
    pub(super) now: UnixTime,
}

/// Whether a chain leads to an authority.
pub(super) fn verify(
    authorities: &Authorities,
    crls: &Crls,
    rules: &Rules,
    algorithms: &WebPkiSupportedAlgorithms,
    question: Question<'_>,
) -> Result<(), Refusal> {
    let Question { shown, side, now } = question;
    let leaf = Facts::of(shown.leaf).map_err(|_| Refusal::Unreadable)?;
    if authorities.contains(shown.leaf) {
        // As in Envoy, one that is trusted itself needs nobody to sign it, be it an authority or not.
        if !rules.allow_expired {
            leaf.verify_life(now)?;
        }
        leaf.verify_purpose(side)?;
        return crls.verify_alone(shown.leaf, now);
    }
    signs_handshakes(shown.leaf)?;
    let links: Vec<CertificateDer<'_>> = shown.others.iter().chain(&authorities.links).map(borrowed).collect();
    let path = Path { authorities, crls, rules, algorithms, side, now };
    let first = match path.build(shown.leaf, &links, now) {
        Err(refusal @ (Refusal::Expired | Refusal::NotValidYet)) if rules.allow_expired => refusal,
        outcome => return outcome,
    };
    // webpki knows no path without a time. Where all of one were valid once, they were at the beginning of the last of them.
    let others = links.iter().filter_map(|link| Facts::of(link).ok()).map(|facts| facts.begins());
    // A leaf is as a rule the youngest.
    let mut moments = std::iter::once(leaf.begins()).chain(others).take(MOMENTS);
    if moments.any(|moment| path.build(shown.leaf, &links, moment).is_ok()) { Ok(()) } else { Err(first) }
}

struct Path<'a> {
    authorities: &'a Authorities,
    crls: &'a Crls,
    rules: &'a Rules,
    algorithms: &'a WebPkiSupportedAlgorithms,
    side: Side,
    now: UnixTime,
}

impl Path<'_> {
    /// Finds a path whose certificates are valid at `moment`.
    fn build(&self, leaf: &CertificateDer<'_>, links: &[CertificateDer<'_>], moment: UnixTime) -> Result<(), Refusal> {
        let leaf = EndEntityCert::try_from(leaf)?;
        let lists = self.crls.at(self.now)?;
        let depth = if self.crls.leaf_only { RevocationCheckDepth::EndEntity } else { RevocationCheckDepth::Chain };
        // Without lists nobody asks.
        let revocation = RevocationOptionsBuilder::new(&lists).ok().map(|options| options.with_depth(depth).build());
        let usage = match self.side {
            Side::Client => KeyUsage::client_auth(),
            Side::Server => KeyUsage::server_auth(),
        };
        let anchors = &self.authorities.anchors;
        let fits = |path: &VerifiedPath<'_>| self.fits(path);
        let found = leaf.verify_for_usage(self.algorithms.all, anchors, links, moment, usage, revocation, Some(&fits));
        found.map(|_| ()).map_err(|error| match Refusal::from(error) {
            Refusal::UnknownRevocation if self.crls.some_outdated(self.now) => Refusal::OutdatedList,
            refusal => refusal,
        })
    }

    /// What webpki does not ask: how long the path is, and of its anchor anything at all.
    fn fits(&self, path: &VerifiedPath<'_>) -> Result<(), webpki::Error> {
        let between = path.intermediate_certificates().count();
        // As Envoy, for which 0 is as 1: the authority is counted.
        if self.rules.max_depth.is_some_and(|most| between + 1 > most.max(1)) {
            return Err(webpki::Error::MaximumPathDepthExceeded);
        }
        let facts = self.authorities.facts(path.anchor()).ok_or(webpki::Error::UnknownIssuer)?;
        if !facts.allows_between(between) {
            return Err(webpki::Error::PathLenConstraintViolated);
        }
        if !self.rules.allow_expired {
            facts.verify_life(self.now).map_err(|refusal| refusal.of_anchor(self.now))?;
        }
        facts.verify_purpose(self.side).map_err(|refusal| refusal.of_anchor(self.now))
    }
}

/// RFC 5280 §4.2.1.3: a key signs handshakes where nothing is said of its usage, or just that.
fn signs_handshakes(leaf: &CertificateDer<'_>) -> Result<(), Refusal> {
    use x509_parser::prelude::{FromDer, X509Certificate};
    let (_, parsed) = X509Certificate::from_der(leaf).map_err(|_| Refusal::Unreadable)?;
    match parsed.key_usage() {
        Ok(None) => Ok(()),
        Ok(Some(usage)) if usage.value.digital_signature() => Ok(()),
        Ok(Some(_)) => Err(Refusal::OtherPurpose),
        Err(_) => Err(Refusal::Unreadable),
    }
}

fn borrowed<'a>(certificate: &'a CertificateDer<'_>) -> CertificateDer<'a> {
    CertificateDer::from(certificate.as_ref())
}

/// A peer chooses how many certificates it shows, and each moment costs as much as a handshake.
const MOMENTS: usize = 8;
