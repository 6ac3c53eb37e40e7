//! Facts about an exchange as HTTP/3 error codes (RFC 9114 §8.1).

use h3::error::Code;

use crate::http::Failure;

/// The code that resets a stream for `failure`.
pub(super) fn code(failure: &Failure) -> Code {
    match failure {
        // RFC 9114 §4.1.2: malformed messages are stream errors of type H3_MESSAGE_ERROR.
        Failure::DownstreamProtocol(_) | Failure::MissingHost | Failure::LowVersion => Code::H3_MESSAGE_ERROR,
        Failure::DownstreamClosed | Failure::DownstreamReset => Code::H3_REQUEST_CANCELLED,
        Failure::Closing => Code::H3_REQUEST_REJECTED,
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
        | Failure::Forbidden(_) => Code::H3_INTERNAL_ERROR,
    }
}
