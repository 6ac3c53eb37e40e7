//! Where Quicgate differs from Envoy on purpose, and why.
//!
//! An entry that no longer occurs fails the comparison as an unexpected difference does.

use crate::support::client::Version;

/// A difference that is meant to be.
pub(crate) struct Known {
    /// The scenario's name, or `*` for any.
    pub(crate) scenario: &'static str,
    pub(crate) versions: &'static [Version],
    /// The fact's name; with a `*` at its end, all that begin so.
    pub(crate) fact: &'static str,
    pub(crate) reason: &'static str,
}

impl Known {
    pub(crate) fn covers(&self, scenario: &str, version: Version, fact: &str) -> bool {
        (self.scenario == "*" || self.scenario == scenario)
            && self.versions.contains(&version)
            && match self.fact.strip_suffix('*') {
                Some(beginning) => fact.starts_with(beginning),
                None => fact == self.fact,
            }
    }
}

/// The differences of Quicgate.
pub(crate) const KNOWN: &[Known] = &[
    Known {
        scenario: "*",
        versions: &[Version::Http3],
        fact: "counter listener.127.0.0.1_0.http3.*",
        reason: "Envoy counts by the error names of the QUIC library it is built on",
    },
    Known {
        scenario: "*",
        versions: &[Version::Http2],
        fact: "counter listener.127.0.0.1_0.ssl.ocsp_staple_*",
        reason: "certificates are not stapled yet",
    },
];
