//! Facts about an exchange as HTTP/2 error codes (RFC 9113 §7), and h2's errors as facts.

use h2::Reason;

use crate::codec::message::Refused;
use crate::http::{Failure, ResetReason};

/// The code that resets a stream for `failure`.
pub(super) fn reason(failure: &Failure) -> Reason {
    match failure {
        // RFC 9113 §8.1.1: malformed messages are stream errors of type PROTOCOL_ERROR.
        Failure::DownstreamProtocol(_) | Failure::MissingHost | Failure::LowVersion => Reason::PROTOCOL_ERROR,
        Failure::DownstreamClosed | Failure::DownstreamReset => Reason::CANCEL,
        Failure::Closing => Reason::REFUSED_STREAM,
        Failure::RouteNotFound
        | Failure::ClusterNotFound(_)
        | Failure::NoHealthyHost
        | Failure::Overflow
        | Failure::ConnectFailed(_)
        | Failure::ConnectTimeout
        | Failure::UpstreamReset(_)
        | Failure::ResponseTimeout
        | Failure::RequestTimeout
        | Failure::RequestHeadersTimeout
        | Failure::StreamIdle
        | Failure::MaxStreamDuration
        | Failure::HeadersTooLarge(_)
        | Failure::Forbidden(_)
        | Failure::Refused(..)
        | Failure::Misdirected
        | Failure::TooEarly => Reason::INTERNAL_ERROR,
    }
}

/// What h2 says while it reads the body of a client's request.
pub(super) fn from_request_body(error: &h2::Error) -> Failure {
    if error.is_remote() && error.is_reset() {
        return Failure::DownstreamReset;
    }
    if error.is_io() || error.is_go_away() {
        return Failure::DownstreamClosed;
    }
    Failure::DownstreamProtocol("http2.violation.of.messaging.rule".into())
}

/// What `message` does not take.
pub(super) fn refused(refused: Refused) -> Failure {
    match refused {
        Refused::TooLarge => Failure::HeadersTooLarge("http2.headers_too_large"),
        Refused::TooMany => Failure::HeadersTooLarge("http2.too_many_headers"),
        Refused::Malformed(malformed) => Failure::DownstreamProtocol(format!("http2.{malformed}").into()),
    }
}

/// What h2 says while it reads the response of an upstream.
pub(super) fn from_upstream(error: &h2::Error) -> ResetReason {
    if error.is_io() {
        return ResetReason::ConnectionTermination;
    }
    let broke = |details: &str| ResetReason::ProtocolError(details.to_owned());
    match (error.is_remote(), error.is_go_away()) {
        // RFC 9113 §6.8: h2 ends those streams with it that are above the last one, for which nothing was done.
        (true, true) => ResetReason::RemoteRefused,
        // RFC 9113 §8.7: nothing was done for it.
        (true, false) if error.reason() == Some(Reason::REFUSED_STREAM) => ResetReason::RemoteRefused,
        (true, false) => ResetReason::RemoteReset,
        (false, true) => broke("http2.protocol_error"),
        (false, false) => broke("http2.violation.of.messaging.rule"),
    }
}

/// What `message` does not take of an upstream.
pub(super) fn refused_response(refused: Refused) -> ResetReason {
    ResetReason::ProtocolError(match refused {
        Refused::TooLarge => "http2.headers_too_large".to_owned(),
        Refused::TooMany => "http2.too_many_headers".to_owned(),
        Refused::Malformed(malformed) => format!("http2.{malformed}"),
    })
}
