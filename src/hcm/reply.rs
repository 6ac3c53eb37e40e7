//! The one table from what went wrong to what is said of it: status and body to the client, flag and details to the log.
//!
//! Statuses, texts, flags and details are Envoy's, so that dashboards and runbooks read the same.

use std::borrow::Cow;

use http::StatusCode;

use crate::http::{Failure, Protocol, ResetReason};
use crate::observe::access_log::Flag;

/// What is said of a failure.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Reply {
    /// What the client is answered; `None` where nobody is there to read it.
    pub status: Option<StatusCode>,
    /// The text that goes with it.
    pub body: &'static str,
    /// `%RESPONSE_FLAGS%`
    pub flag: Option<Flag>,
    /// `%RESPONSE_CODE_DETAILS%`
    pub details: Cow<'static, str>,
}

/// What is said of `failure` before the response began. `complete` tells whether the whole request had come;
/// `transport` is why the upstream transport failed, in Envoy's words; `protocol` is what the client speaks.
pub(super) fn before_response(failure: &Failure, protocol: Protocol, complete: bool, transport: Option<&str>) -> Reply {
    match failure {
        Failure::RouteNotFound => reply(StatusCode::NOT_FOUND, "", Flag::NoRouteFound, "route_not_found"),
        Failure::ClusterNotFound(status) => reply(*status, "", Flag::NoClusterFound, "cluster_not_found"),
        Failure::NoHealthyHost => reply(
            StatusCode::SERVICE_UNAVAILABLE,
            "no healthy upstream",
            Flag::NoHealthyUpstream,
            "no_healthy_upstream",
        ),
        Failure::Overflow => {
            reset(StatusCode::SERVICE_UNAVAILABLE, OVERFLOW, Flag::UpstreamOverflow, "overflow", transport)
        }
        Failure::ConnectFailed(_) => reset(
            StatusCode::SERVICE_UNAVAILABLE,
            CONNECTION_FAILURE,
            Flag::UpstreamConnectionFailure,
            "remote_connection_failure",
            transport,
        ),
        Failure::ConnectTimeout => reset(
            StatusCode::SERVICE_UNAVAILABLE,
            CONNECTION_TIMEOUT,
            Flag::UpstreamConnectionFailure,
            "connection_timeout",
            transport,
        ),
        Failure::UpstreamReset(reason) => upstream_reset(reason, transport),
        Failure::ResponseTimeout => reply(
            StatusCode::GATEWAY_TIMEOUT,
            "upstream request timeout",
            Flag::UpstreamRequestTimeout,
            "response_timeout",
        ),
        Failure::StreamIdle => {
            let status = if complete { StatusCode::GATEWAY_TIMEOUT } else { StatusCode::REQUEST_TIMEOUT };
            reply(status, "stream timeout", Flag::StreamIdleTimeout, "stream_idle_timeout")
        }
        Failure::RequestTimeout => plain(StatusCode::REQUEST_TIMEOUT, "request timeout", "request_overall_timeout"),
        Failure::RequestHeadersTimeout => {
            plain(StatusCode::REQUEST_TIMEOUT, "request header timeout", "request_header_timeout")
        }
        Failure::MaxStreamDuration => {
            plain(StatusCode::GATEWAY_TIMEOUT, "downstream duration timeout", "max_duration_timeout")
        }
        Failure::MissingHost => plain(StatusCode::BAD_REQUEST, "", "missing_host_header"),
        // RFC 9110 §15.5.20: the client may send it again over another connection.
        Failure::Misdirected => plain(StatusCode::MISDIRECTED_REQUEST, "Misdirected Request", "misdirected_request"),
        // RFC 8470 §5.2: the client sends it again by itself.
        Failure::TooEarly => plain(StatusCode::TOO_EARLY, "Too Early", "too_early"),
        Failure::Refused(status, details) => plain(*status, "", details),
        Failure::Forbidden(details) => plain(StatusCode::FORBIDDEN, "", details),
        Failure::Closing => plain(StatusCode::SERVICE_UNAVAILABLE, "", "server_closing"),
        Failure::LowVersion => {
            reply(StatusCode::UPGRADE_REQUIRED, "Upgrade Required", Flag::DownstreamProtocolError, "low_version")
        }
        Failure::HeadersTooLarge(details) => reply(
            StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE,
            "Request Header Fields Too Large",
            Flag::DownstreamProtocolError,
            details,
        ),
        Failure::DownstreamProtocol(details) => Reply {
            status: Some(StatusCode::BAD_REQUEST),
            body: "Bad Request",
            flag: Some(Flag::DownstreamProtocolError),
            details: details.clone(),
        },
        Failure::DownstreamClosed => unheard(Flag::DownstreamConnectionTermination, "downstream_remote_disconnect"),
        // Envoy 1.40 says nothing at all of a reset over HTTP/3; the word is the one that it has for it.
        Failure::DownstreamReset if protocol == Protocol::Http3 => {
            unheard(Flag::DownstreamRemoteReset, "http3.remote_reset")
        }
        Failure::DownstreamReset => unheard(Flag::DownstreamRemoteReset, "http2.remote_reset"),
    }
}

/// What is said of `failure` when the head of the response had already gone out: only the log hears it.
pub(super) fn after_response(failure: &Failure, protocol: Protocol) -> Reply {
    match failure {
        // Envoy calls an upstream that ends in the middle of a message a protocol error.
        Failure::UpstreamReset(ResetReason::ConnectionTermination | ResetReason::ProtocolError(_)) => {
            unheard(Flag::UpstreamProtocolError, "upstream_reset_after_response_started{protocol_error}")
        }
        Failure::UpstreamReset(ResetReason::RemoteReset) => {
            unheard(Flag::UpstreamRemoteReset, "upstream_reset_after_response_started{remote_reset}")
        }
        Failure::UpstreamReset(ResetReason::RemoteRefused) => {
            unheard(Flag::UpstreamRemoteReset, "upstream_reset_after_response_started{remote_refused_stream_reset}")
        }
        other => Reply { status: None, ..before_response(other, protocol, true, None) },
    }
}

fn upstream_reset(reason: &ResetReason, transport: Option<&str>) -> Reply {
    match reason {
        ResetReason::ConnectionTermination => reset(
            StatusCode::SERVICE_UNAVAILABLE,
            TERMINATION,
            Flag::UpstreamConnectionTermination,
            "connection_termination",
            transport,
        ),
        ResetReason::ProtocolError(_) => {
            reset(StatusCode::BAD_GATEWAY, PROTOCOL_ERROR, Flag::UpstreamProtocolError, "protocol_error", transport)
        }
        ResetReason::RemoteReset => {
            reset(StatusCode::SERVICE_UNAVAILABLE, REMOTE_RESET, Flag::UpstreamRemoteReset, "remote_reset", transport)
        }
        ResetReason::RemoteRefused => reset(
            StatusCode::SERVICE_UNAVAILABLE,
            REMOTE_REFUSED,
            Flag::UpstreamRemoteReset,
            "remote_refused_stream_reset",
            transport,
        ),
    }
}

fn reply(status: StatusCode, body: &'static str, flag: Flag, details: &'static str) -> Reply {
    Reply { status: Some(status), body, flag: Some(flag), details: Cow::Borrowed(details) }
}

fn plain(status: StatusCode, body: &'static str, details: &'static str) -> Reply {
    Reply { status: Some(status), body, flag: None, details: Cow::Borrowed(details) }
}

fn unheard(flag: Flag, details: &'static str) -> Reply {
    Reply { status: None, body: "", flag: Some(flag), details: Cow::Borrowed(details) }
}

fn reset(status: StatusCode, body: &'static str, flag: Flag, reason: &'static str, transport: Option<&str>) -> Reply {
    let transport = transport.map(|words| format!("|{words}")).unwrap_or_default();
    let details = format!("upstream_reset_before_response_started{{{reason}{transport}}}");
    Reply { status: Some(status), body, flag: Some(flag), details: Cow::Owned(details) }
}

macro_rules! reset_text {
    ($reason:literal) => {
        concat!("upstream connect error or disconnect/reset before headers. reset reason: ", $reason)
    };
}

const OVERFLOW: &str = reset_text!("overflow");
const CONNECTION_FAILURE: &str = reset_text!("remote connection failure");
const CONNECTION_TIMEOUT: &str = reset_text!("connection timeout");
const TERMINATION: &str = reset_text!("connection termination");
const PROTOCOL_ERROR: &str = reset_text!("protocol error");
const REMOTE_RESET: &str = reset_text!("remote reset");
const REMOTE_REFUSED: &str = reset_text!("remote refused stream reset");

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refused_connection_reads_as_envoys() {
        let failure = Failure::ConnectFailed(std::io::ErrorKind::ConnectionRefused.into());
        let reply =
            before_response(&failure, Protocol::Http11, true, Some("delayed_connect_error:_Connection_refused"));
        assert_eq!(reply.status, Some(StatusCode::SERVICE_UNAVAILABLE));
        assert_eq!(reply.body.len(), 98);
        assert_eq!(reply.flag, Some(Flag::UpstreamConnectionFailure));
        assert_eq!(
            reply.details,
            "upstream_reset_before_response_started{remote_connection_failure|delayed_connect_error:_Connection_refused}"
        );
    }

    #[test]
    fn an_idle_stream_is_408_while_the_request_is_open_and_504_after() {
        assert_eq!(
            before_response(&Failure::StreamIdle, Protocol::Http2, false, None).status,
            Some(StatusCode::REQUEST_TIMEOUT)
        );
        assert_eq!(
            before_response(&Failure::StreamIdle, Protocol::Http2, true, None).status,
            Some(StatusCode::GATEWAY_TIMEOUT)
        );
    }

    #[test]
    fn nobody_is_answered_after_the_response_began() {
        for failure in [Failure::ResponseTimeout, Failure::StreamIdle, Failure::UpstreamReset(ResetReason::RemoteReset)]
        {
            assert_eq!(after_response(&failure, Protocol::Http2).status, None);
        }
    }
}
