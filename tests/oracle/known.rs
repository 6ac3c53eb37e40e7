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
    any(Version::ALL.as_slice(), "header server", "the product says its own name; `server_name` changes it"),
    any(Version::ALL.as_slice(), "log server", "the product says its own name; `server_name` changes it"),
    any(&[Version::Http2], "log server name", "rustls tells the name asked for; no listener filter is needed for it"),
    any(
        &[Version::Http3],
        "counter listener.127.0.0.1_0.http3.*",
        "Envoy counts by the error names of the QUIC library it is built on",
    ),
    any(&[Version::Http2], "counter listener.127.0.0.1_0.ssl.ocsp_staple_*", "certificates are not stapled yet"),
    any(&[Version::Http3], "counter listener.127.0.0.1_0.ssl.handshake", "handshakes count on every transport"),
    any(&[Version::Http3], "counter listener.127.0.0.1_0.downstream_cx_destroy", "ends count on every transport"),
];

const fn any(versions: &'static [Version], fact: &'static str, reason: &'static str) -> Known {
    Known { scenario: "*", versions, fact, reason }
}
