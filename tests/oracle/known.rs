//! Where Quicgate differs from Envoy on purpose, and why.
//!
//! An entry that no longer occurs fails the comparison as an unexpected difference does.

use crate::support::client::Version::{self, Http1, Http2, Http3};

/// A difference that is meant to be.
pub(crate) struct Known {
    /// The scenario's name, or `*` for any.
    pub(crate) scenario: &'static str,
    pub(crate) versions: &'static [Version],
    /// The fact's name; with a `*` at its end, all that begin so.
    pub(crate) fact: &'static str,
    pub(crate) reason: &'static str,
    /// Whether it depends on who is faster, so that it may be absent.
    pub(crate) by_chance: bool,
}

impl Known {
    /// Whether it should have been seen and was not.
    pub(crate) fn is_stale(&self, seen: usize) -> bool {
        seen == 0 && !self.by_chance
    }

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
    any(EVERY, "header server", "the product says its own name; `server_name` changes it"),
    any(EVERY, "log server", "the product says its own name; `server_name` changes it"),
    any(&[Http2], "log server name", "rustls tells the name asked for; no listener filter is needed for it"),
    any(&[Http3], "counter listener.127.0.0.1_0.http3.*", "Envoy counts by the error names of its QUIC library"),
    any(&[Http3], "counter listener.127.0.0.1_0.quic_stats.*", "Envoy counts packets where that visitor is configured"),
    any(&[Http3], "counter listener.127.0.0.1_0.quic.*", "Envoy does not count datagrams and losses"),
    any(&[Http2], "counter listener.127.0.0.1_0.ssl.ocsp_staple_*", "certificates are not stapled yet"),
    any(&[Http3], "counter listener.127.0.0.1_0.ssl.handshake", "handshakes count on every transport"),
    any(&[Http3], "counter listener.127.0.0.1_0.ssl.no_certificate", "handshakes count on every transport"),
    any(&[Http3], "counter listener.127.0.0.1_0.ssl.versions.*", "handshakes count on every transport"),
    any(&[Http3], "counter listener.127.0.0.1_0.downstream_cx_destroy", "ends count on every transport"),
    any(&[Http2], "counter http2.*", "the codecs of HTTP/2 and HTTP/3 have no counters of their own yet"),
    any(&[Http3], "counter http3.*", "the codecs of HTTP/2 and HTTP/3 have no counters of their own yet"),
    any(EVERY, "received x-forwarded-for", "a peer on loopback is named as it is, not by an interface of this host"),
    any(EVERY, "counter cluster.backend.upstream_cx_destroy_*", "who was first is not seen through hyper"),
    any(&[Http1], "counter http.plain.downstream_cx_destroy_*", "who was first is not seen through hyper"),
    any(&[Http1], "counter http.plain.downstream_cx_delayed_close_timeout", "hyper closes without waiting"),
    any(&[Http3], "end", "Envoy resets with H3_REQUEST_REJECTED, which invites a retry of what was processed"),
    any(&[Http1], "counter http.plain.downstream_rq_rx_reset", HYPERS_ANSWER),
    any(&[Http1], "counter http.plain.downstream_rq_response_before_rq_complete", HYPERS_ANSWER),
    any(EVERY, "counter cluster.http2.http2.*", "the codecs of HTTP/2 and HTTP/3 have no counters of their own yet"),
    one("a backend that agrees on HTTP/1.1", &[Http1], "counter cluster.agreed.upstream_cx_total", AGREED),
    one("a backend that agrees on HTTP/2", &[Http1], "counter cluster.agreed-http2.upstream_cx_total", AGREED),
    chance(
        "a bad chunk in a request",
        &[Http1],
        "log upstream protocol",
        "the upstream connection stands by then, or not yet",
    ),
    one("no route for HEAD", &[Http1], "header transfer-encoding", "there is nothing to be coded"),
    one("redirect with another prefix", EVERY, "log path", "a redirect does not rewrite what was asked for"),
    one("an interim reply", EVERY, "interim 103", EARLY_HINTS),
    one("an interim reply", EVERY, "counter *", EARLY_HINTS),
    chance("a reply before the end of the request", &[Http1], "header connection", "hyper says it by closing"),
    one("trailers pass when enabled", &[Http1], "trailer *", "hyper sends trailers to who says `te: trailers`"),
    one("request trailers pass when enabled", EVERY, "received body", "hyper sends trailers that `trailer` announces"),
    one("fields added, replaced and removed", &[Http1], "header *", "a length that is known is said"),
    chance("a reply before the end of the request", EVERY, "log bytes received", "what nobody reads is not counted"),
    one("a head that takes too long", &[Http1], "*", "the answer is written past hyper, without a date"),
    one("plain HTTP on a TLS port", &[Http2], "*", NO_HTTP_YET),
    one("a connection without a word", &[Http2], "counter *", NO_HTTP_YET),
    one("a client that does not trust the certificate", &[Http2], "*", NO_HTTP_YET),
    one("a QUIC client that does not trust the certificate", &[Http3], "counter *", NO_HTTP_YET),
    one("a QUIC client that speaks another protocol", &[Http3], "counter *", NO_HTTP_YET),
    chance(
        "a bad chunk in a request",
        EVERY,
        "counter cluster.*",
        "the upstream connection stands by then, or not yet",
    ),
    one("a backend under TLS of another name", EVERY, "log details", WORDS_OF_TLS),
    one("a backend under TLS of another name", EVERY, "log upstream failure", WORDS_OF_TLS),
    one("a backend under TLS of another authority", EVERY, "log details", WORDS_OF_TLS),
    one("a backend under TLS of another authority", EVERY, "log upstream failure", WORDS_OF_TLS),
    one("a backend under TLS that wants a certificate and gets none", EVERY, "log details", WORDS_OF_TLS),
    one("a backend under TLS that wants a certificate and gets none", EVERY, "log upstream failure", WORDS_OF_TLS),
    one("the client leaves before a reply", &[Http3], "log *", "a client that leaves is told from one that stays"),
    one("the client leaves in a reply", &[Http3], "log *", "a client that leaves is told from one that stays"),
    one("HTTP/1.0", &[Http1], "log *", "the version is the one that was spoken"),
    one("a method that is no token", &[Http1], "*", HYPERS_ANSWER),
    one("no HTTP at all", &[Http1], "*", HYPERS_ANSWER),
    one("a space in the target", &[Http1], "*", HYPERS_ANSWER),
    one("one header too many", &[Http1], "*", HYPERS_ANSWER),
    one("two lengths", &[Http1], "*", HYPERS_ANSWER),
    one("a length that is no number", &[Http1], "*", HYPERS_ANSWER),
    one("a coding other than chunked", &[Http1], "*", HYPERS_ANSWER),
    one("a header name with a space", &[Http1], "*", HYPERS_ANSWER),
    one("a space before the colon", &[Http1], "*", HYPERS_ANSWER),
    one("NUL in a value", &[Http1], "*", HYPERS_ANSWER),
    one("a fragment in the target", &[Http1], "*", "a fragment is dropped: it never belongs to the target"),
    one("content-length and chunked", &[Http1], "*", "hyper goes by the coding; the length is not passed on"),
    one("a name with an underscore that is refused", &[Http2, Http3], "*", "a 400 says why, where Envoy resets"),
    one("CONNECT without a route for it", &[Http1], "*", "the target is logged; hyper says by closing that it closes"),
    one("an upgrade that is not enabled", &[Http1], "*", "the answer is the same, 403; it never reached a cluster"),
    one("an upgrade", &[Http1], "log *", "that an upstream ends a tunnel is no failure of it"),
    one("an upgrade", &[Http1], "counter *", "that an upstream ends a tunnel is no failure of it"),
    one(
        "an upgrade that is ignored",
        &[Http1],
        "*",
        "an answer passes that grants nothing; Envoy cuts its content off",
    ),
    one("an upgrade of another kind", &[Http1], "*", "the answer is the same, 403; it never reached a cluster"),
    one(
        "an upgrade with content",
        &[Http1],
        "*",
        "403: where the content ends and the tunnel begins is not known to all",
    ),
    one("idle within a head", &[Http1], "*", "a head has a limit of its own, `request_headers_timeout`"),
    one("a head that does not end in time", &[Http1], "*", "a head has a limit of its own, `request_headers_timeout`"),
];

const EARLY_HINTS: &str = "early hints pass without `proxy_100_continue`";
const AGREED: &str = "Envoy counts a connection once more when its version is agreed on";

const HYPERS_ANSWER: &str = "hyper answers what is not HTTP/1 by itself, with the same kind of status";

const WORDS_OF_TLS: &str = "what TLS says of a failure are the words of its library, within the same frame";

const NO_HTTP_YET: &str = "TLS has its own words here, and what never spoke HTTP is no connection of the manager";

const fn any(versions: &'static [Version], fact: &'static str, reason: &'static str) -> Known {
    one("*", versions, fact, reason)
}

const fn one(scenario: &'static str, versions: &'static [Version], fact: &'static str, reason: &'static str) -> Known {
    Known { scenario, versions, fact, reason, by_chance: false }
}

/// One that depends on who is faster.
const fn chance(
    scenario: &'static str,
    versions: &'static [Version],
    fact: &'static str,
    reason: &'static str,
) -> Known {
    Known { by_chance: true, ..one(scenario, versions, fact, reason) }
}

const EVERY: &[Version] = &Version::ALL;
