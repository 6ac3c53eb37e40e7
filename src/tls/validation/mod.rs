//! A `CertificateValidationContext` as it runs: whether the certificate of the other side is believed.
//!
//! The same for clients of a listener and for upstreams: the chain ([`Authorities`], [`Crls`]), then the names ([`Names`]), then
//! the pins ([`Pins`]). Nothing that verifies waits or reads: what is needed was loaded before, and the time is an argument. What
//! was loaded may change ([`Belief`]): a handshake goes by what is believed when it begins. What a context asks for follows Envoy 1.40, checked against the release binary; paths are built by webpki (RFC 5280 §6).

mod authorities;
mod belief;
mod build;
mod chain;
mod client;
mod crl;
mod names;
mod pins;
mod refusal;
mod standing;
mod stats;
mod trust;
mod upstream;

pub(super) use belief::Belief;
pub(super) use client::{ClientVerifier, Clients};
pub(super) use names::text;
pub use refusal::{Cause, cause, in_words};
pub(super) use standing::standing;
pub use stats::VerifyStats;
pub(super) use trust::Trust;
pub(super) use upstream::UpstreamVerifier;

use std::sync::Arc;

use rustls::crypto::WebPkiSupportedAlgorithms;
use rustls::pki_types::{CertificateDer, UnixTime};

use super::sessions::Scope;
use authorities::Authorities;
use crl::Crls;
use names::Names;
use pins::Pins;
use refusal::Refusal;

/// Whom to believe.
#[derive(Debug)]
pub(super) struct Validation {
    authorities: Option<Authorities>,
    crls: Crls,
    names: Names,
    pins: Pins,
    rules: Rules,
    /// What verifies signatures in chains.
    algorithms: WebPkiSupportedAlgorithms,
    /// A digest of all this.
    scope: Scope,
}

/// What else is asked of a chain.
#[derive(Clone, Copy, Debug)]
struct Rules {
    /// `allow_expired_certificate`
    allow_expired: bool,
    /// `trust_chain_verification: ACCEPT_UNTRUSTED`
    accept_untrusted: bool,
    /// `max_verify_depth`: certificates above the leaf, the authority among them.
    max_depth: Option<usize>,
    /// Whether clients are told who is believed: `suppress_client_ca_list` keeps it from them, and the names of all authorities
    /// of a system would fill ten packets (RFC 8446 §4.2.4).
    hints: bool,
}

/// Whose certificate it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Side {
    /// A client of ours.
    Client,
    /// An upstream.
    Server,
}

/// What the other side has shown.
#[derive(Clone, Copy, Debug)]
pub(super) struct Chain<'a> {
    pub(super) leaf: &'a CertificateDer<'a>,
    pub(super) others: &'a [CertificateDer<'a>],
}

impl Validation {
    /// Whether there is anything to hold a certificate against, so that one has to be asked for.
    pub(super) fn asks(&self) -> bool {
        self.authorities.is_some() || self.is_picky() || self.rules.accept_untrusted
    }

    /// Whether anything of a certificate can keep it from being believed.
    pub(super) fn verifies(&self) -> bool {
        (self.authorities.is_some() || self.is_picky()) && !self.rules.accept_untrusted
    }

    /// Whether it says which certificates of those that are trusted: as in Envoy, to show none is no answer then.
    pub(super) fn is_picky(&self) -> bool {
        !self.names.is_empty() || !self.pins.is_empty()
    }

    /// Whether it lets what it does not believe pass.
    pub(super) fn lets_pass(&self) -> bool {
        self.rules.accept_untrusted
    }

    /// Makes sessions depend on all that is asked.
    pub(super) fn bind(&self, scope: &mut Scope) {
        scope.bind("validation", self.scope.digest());
    }

    /// Holds what was shown against all that is asked; `refused` hears of a refusal, even where it is let pass.
    fn verify(
        &self,
        shown: Chain<'_>,
        side: Side,
        now: UnixTime,
        refused: impl FnOnce(&Refusal),
    ) -> Result<(), Refusal> {
        match self.judge(shown, side, now) {
            Ok(()) => Ok(()),
            Err(refusal) => {
                refused(&refusal);
                if self.rules.accept_untrusted { Ok(()) } else { Err(refusal) }
            }
        }
    }

    fn judge(&self, shown: Chain<'_>, side: Side, now: UnixTime) -> Result<(), Refusal> {
        if let Some(authorities) = &self.authorities {
            chain::verify(
                authorities,
                &self.crls,
                &self.rules,
                &self.algorithms,
                chain::Question { shown, side, now },
            )?;
        }
        self.names.verify(shown.leaf)?;
        self.pins.verify(shown.leaf)
    }
}

/// Shared by the verifier of a context and by whoever looks at its sessions.
type Shared = Arc<Validation>;
