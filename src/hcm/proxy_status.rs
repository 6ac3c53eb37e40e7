//! The `proxy-status` of responses (RFC 9209): which proxy answers for want of a better one, and why.

use http::response::Parts;
use http::{HeaderName, HeaderValue, StatusCode};

use super::sanitize;
use crate::observe::access_log::{Flag, Record};

/// Envoy's `ProxyStatusConfig`.
#[derive(Clone, Debug)]
pub(super) struct ProxyStatus {
    /// What this proxy is called.
    pub name: HeaderValue,
    /// What stands in `details`; none where there are to be none.
    pub details: Option<Details>,
    /// Whether the status becomes the one that goes with the error.
    pub sets_status: bool,
}

/// What stands in `details`.
#[derive(Clone, Copy, Debug)]
pub(super) struct Details {
    /// Why the connection was ended from this side.
    pub termination: bool,
    /// The response flags.
    pub flags: bool,
}

/// A proxy error type (RFC 9209 §2.3), with the status that is recommended for it.
type ErrorType = (&'static str, StatusCode);

impl ProxyStatus {
    /// Adds the field to a response that went wrong.
    pub(super) fn tell(&self, head: &mut Parts, record: &Record) {
        let Some((error, status)) = record.flags.iter().find_map(error_type) else { return };
        let mut value = self.name.as_bytes().to_vec();
        value.extend_from_slice(format!("; error={error}").as_bytes());
        if let Some(details) = self.details.map(|details| details.of(record)).filter(|details| !details.is_empty()) {
            value.extend_from_slice(format!("; details={}", quoted(&details)).as_bytes());
        }
        if let Ok(value) = HeaderValue::from_bytes(&value) {
            // RFC 9209 §2: who is nearer to the client comes later.
            sanitize::append(&mut head.headers, PROXY_STATUS, &value, b", ");
        }
        if self.sets_status {
            head.status = status;
        }
    }
}

impl Details {
    fn of(self, record: &Record) -> String {
        let termination = record.termination_details.as_deref().filter(|_| self.termination);
        let flags: Vec<_> = record.flags.iter().map(Flag::short).collect();
        let flags = Some(flags.join(",")).filter(|flags| self.flags && !flags.is_empty());
        let parts = [record.details.as_deref(), termination, flags.as_deref()];
        parts.into_iter().flatten().collect::<Vec<_>>().join("; ")
    }
}

/// A name as RFC 8941 §3.3 writes it: as it is, or in quotes where it is no token.
pub(super) fn named(name: &str) -> String {
    let mut letters = name.chars();
    let first = letters.next().is_some_and(|first| first.is_ascii_alphabetic() || first == '*');
    let is_token = |letter: char| letter.is_ascii_alphanumeric() || "!#$%&'*+-.^_`|~:/".contains(letter);
    if first && letters.all(is_token) { name.to_owned() } else { quoted(name) }
}

/// RFC 8941 §3.3.3: a String.
fn quoted(text: &str) -> String {
    format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\""))
}

/// As Envoy reads the flags; the statuses are those of RFC 9209 §2.3.
fn error_type(flag: Flag) -> Option<ErrorType> {
    Some(match flag {
        Flag::FailedLocalHealthCheck
        | Flag::NoHealthyUpstream
        | Flag::UpstreamRetryLimitExceeded
        | Flag::NoClusterFound => ("destination_unavailable", StatusCode::SERVICE_UNAVAILABLE),
        Flag::UpstreamRequestTimeout | Flag::StreamIdleTimeout | Flag::UpstreamMaxStreamDurationReached => {
            ("http_response_timeout", StatusCode::GATEWAY_TIMEOUT)
        }
        Flag::LocalReset => ("connection_timeout", StatusCode::GATEWAY_TIMEOUT),
        Flag::UpstreamConnectionFailure => ("connection_refused", StatusCode::BAD_GATEWAY),
        Flag::UpstreamRemoteReset | Flag::UpstreamConnectionTermination => {
            ("connection_terminated", StatusCode::BAD_GATEWAY)
        }
        Flag::UpstreamOverflow | Flag::RateLimited | Flag::RateLimitServiceError => {
            ("connection_limit_reached", StatusCode::SERVICE_UNAVAILABLE)
        }
        Flag::NoRouteFound => ("destination_not_found", StatusCode::INTERNAL_SERVER_ERROR),
        Flag::InvalidEnvoyRequestHeaders => ("http_request_error", StatusCode::BAD_REQUEST),
        Flag::NoFilterConfigFound => ("proxy_configuration_error", StatusCode::INTERNAL_SERVER_ERROR),
        Flag::UpstreamProtocolError => ("http_protocol_error", StatusCode::BAD_GATEWAY),
        Flag::DnsResolutionFailed => ("dns_error", StatusCode::BAD_GATEWAY),
        _ => return None,
    })
}

const PROXY_STATUS: HeaderName = HeaderName::from_static("proxy-status");

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::time::SystemTime;

    use super::*;

    fn told(details: Option<Details>, record: &Record) -> Option<String> {
        let proxy_status = ProxyStatus { name: HeaderValue::from_static("edge"), details, sets_status: true };
        let (mut head, ()) = http::Response::new(()).into_parts();
        proxy_status.tell(&mut head, record);
        head.headers.get("proxy-status").map(|value| value.to_str().unwrap().to_owned())
    }

    #[test]
    fn details_say_what_the_log_says() {
        let mut record = Record::new(SystemTime::UNIX_EPOCH, Arc::default());
        assert_eq!(told(None, &record), None);
        record.flags.insert(Flag::UpstreamConnectionFailure);
        record.details = Some("said \"no\"".into());
        record.termination_details = Some("over".into());
        let all = Details { termination: true, flags: true };
        let error = "edge; error=connection_refused";
        for (details, expected) in [
            (None, String::new()),
            (Some(all), r#"; details="said \"no\"; over; UF""#.to_owned()),
            (Some(Details { termination: false, ..all }), r#"; details="said \"no\"; UF""#.to_owned()),
            (Some(Details { flags: false, ..all }), r#"; details="said \"no\"; over""#.to_owned()),
        ] {
            assert_eq!(told(details, &record), Some(format!("{error}{expected}")));
        }
    }

    #[test]
    fn rfc8941_3_3_4_a_name_is_a_token_or_a_string() {
        assert_eq!(named("edge-1.a.test"), "edge-1.a.test");
        assert_eq!(named("my edge"), "\"my edge\"");
        assert_eq!(named("1"), "\"1\"");
        assert_eq!(named("a\"b"), r#""a\"b""#);
    }
}
