//! The fields that Envoy keeps in one line: a second one is joined to the first with a comma as it arrives or is added.
//!
//! For a list (`via`, `cache-control`) that changes nothing; for other fields it decides what a condition on them sees.

use http::HeaderName;

/// Whether it does so in requests.
pub(super) fn in_requests(name: &HeaderName) -> bool {
    REQUEST.contains(&name.as_str())
}

/// Whether it does so in responses.
pub(super) fn in_responses(name: &HeaderName) -> bool {
    RESPONSE.contains(&name.as_str())
}

/// Several lines as one; empty ones leave no trace.
pub(super) fn joined<'l>(lines: impl Iterator<Item = &'l [u8]>) -> Vec<u8> {
    let mut joined = Vec::new();
    for line in lines.filter(|line| !line.is_empty()) {
        if !joined.is_empty() {
            joined.push(b',');
        }
        joined.extend_from_slice(line);
    }
    joined
}

const REQUEST: [&str; 30] = [
    "accept",
    "accept-encoding",
    "access-control-request-headers",
    "access-control-request-method",
    "authorization",
    "cache-control",
    "content-encoding",
    "content-type",
    "expect",
    "grpc-accept-encoding",
    "grpc-timeout",
    "if-match",
    "if-modified-since",
    "if-none-match",
    "if-range",
    "if-unmodified-since",
    "origin",
    "pragma",
    "referer",
    "user-agent",
    "via",
    "x-client-trace-id",
    "x-envoy-decorator-operation",
    "x-envoy-downstream-service-cluster",
    "x-envoy-original-path",
    "x-forwarded-for",
    "x-forwarded-host",
    "x-forwarded-port",
    "x-forwarded-proto",
    "x-request-id",
];

const RESPONSE: [&str; 27] = [
    "access-control-allow-credentials",
    "access-control-allow-headers",
    "access-control-allow-methods",
    "access-control-allow-origin",
    "access-control-expose-headers",
    "access-control-max-age",
    "age",
    "cache-control",
    "content-encoding",
    "etag",
    "expires",
    "grpc-message",
    "grpc-status",
    "keep-alive",
    "last-modified",
    "location",
    "proxy-status",
    "vary",
    "via",
    "x-envoy-attempt-count",
    "x-envoy-decorator-operation",
    "x-envoy-degraded",
    "x-envoy-immediate-health-check-fail",
    "x-envoy-ratelimited",
    "x-envoy-upstream-canary",
    "x-envoy-upstream-healthchecked-cluster",
    "x-request-id",
];

#[cfg(test)]
mod tests {
    use super::*;

    /// `facts.txt` tells for many fields how the release binary of Envoy 1.40 keeps two lines.
    #[test]
    fn keeps_lines_as_envoy_does() {
        for fact in include_str!("facts.txt").lines() {
            let mut words = fact.splitn(3, ' ');
            let (message, name, lines) = (words.next(), words.next().unwrap(), words.next());
            let name = HeaderName::from_bytes(name.as_bytes()).unwrap();
            let found = if message == Some("request") { in_requests(&name) } else { in_responses(&name) };
            assert_eq!(found, lines == Some("one line"), "{fact}");
        }
    }
}
