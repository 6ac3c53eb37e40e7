//! Facts about an exchange as HTTP/2 error codes (RFC 9113 §7), and h2's errors as facts.

use h2::Reason;

use crate::codec::message::Refused;
use crate::http::Failure;

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
