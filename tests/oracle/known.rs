//! Where Quicgate differs from Envoy on purpose, and why.
//!
//! An entry that no longer occurs fails the comparison as an unexpected difference does.

use crate::support::client::Version;

/// A difference that is meant to be.
pub(crate) struct Known {
    /// Names of scenarios; none at all stands for any.
    pub(crate) scenarios: &'static [&'static str],
    pub(crate) versions: &'static [Version],
    /// The fact's name; with a `*` at its end, all that begin so.
    pub(crate) fact: &'static str,
    pub(crate) reason: &'static str,
}

impl Known {
    pub(crate) fn covers(&self, scenario: &str, version: Version, fact: &str) -> bool {
        (self.scenarios.is_empty() || self.scenarios.contains(&scenario))
            && self.versions.contains(&version)
            && match self.fact.strip_suffix('*') {
                Some(beginning) => fact.starts_with(beginning),
                None => fact == self.fact,
            }
    }
}

/// The differences of Quicgate.
pub(crate) const KNOWN: &[Known] = &[
    any(ALL, "header server", "the product says its own name; `server_name` changes it"),
    any(ALL, "log server", "the product says its own name; `server_name` changes it"),
    any(HTTP2, "log server name", "rustls tells the name asked for; no listener filter is needed for it"),
    any(HTTP3, "counter listener.127.0.0.1_0.http3.*", "Envoy counts by the error names of its QUIC library"),
    any(HTTP2, "counter listener.127.0.0.1_0.ssl.ocsp_staple_*", "certificates are not stapled yet"),
    any(HTTP3, "counter listener.127.0.0.1_0.ssl.handshake", "handshakes count on every transport"),
    any(HTTP3, "counter listener.127.0.0.1_0.downstream_cx_destroy", "ends count on every transport"),
    // RFC 9114 §8.1: H3_REQUEST_REJECTED says that nothing was done.
    these(CUT_SHORT, HTTP3, "end", "Envoy's code invites to send again what may have been done"),
    these(FROM_OUTSIDE, ALL, "received x-forwarded-for", "Envoy gives an address of the host for a peer on loopback"),
    these(FAILED_HANDSHAKES, HTTP2, "connection tls failure", "the words are those of the TLS library"),
    // RFC 8446 §6.2: an error is told by an alert.
    these(&["plain HTTP on a TLS port"], HTTP2, "body", "Envoy closes without an alert"),
];

const fn any(versions: &'static [Version], fact: &'static str, reason: &'static str) -> Known {
    these(&[], versions, fact, reason)
}

const fn these(
    scenarios: &'static [&'static str],
    versions: &'static [Version],
    fact: &'static str,
    reason: &'static str,
) -> Known {
    Known { scenarios, versions, fact, reason }
}

const ALL: &[Version] = &Version::ALL;

const HTTP2: &[Version] = &[Version::Http2];

const HTTP3: &[Version] = &[Version::Http3];

/// Replies that end before their body does.
const CUT_SHORT: &[&str] = &[
    "no end of the reply in time",
    "the backend closes within a body of known length",
    "the backend resets within a body",
    "the backend closes within a chunk",
    "the backend sends no chunk size",
    "idle within a reply",
];

/// The scenarios of the edge.
const FROM_OUTSIDE: &[&str] = &[
    "a request from outside",
    "a claim to be forwarded",
    "a claim to a scheme",
    "a claim to an id",
    "a claim to be internal",
];

/// Handshakes that fail under TLS over TCP.
const FAILED_HANDSHAKES: &[&str] =
    &["plain HTTP on a TLS port", "a connection without a word", "a client that does not trust the certificate"];
