//! hyper's errors as facts about the peer that caused them.

use crate::http::{Failure, ResetReason};

/// What hyper says while it reads the body of a client's request.
#[must_use]
#[expect(clippy::needless_pass_by_value, reason = "it is handed to `map_err`")]
pub fn from_request_body(error: hyper::Error) -> Failure {
    if error.is_parse() || error.is_user() {
        return Failure::DownstreamProtocol("http1.codec_error".into());
    }
    // hyper reports a bad chunk as a body error; what the transport says has an I/O error below it.
    match std::error::Error::source(&error).and_then(|source| source.downcast_ref::<std::io::Error>()) {
        Some(io) if io.kind() == std::io::ErrorKind::InvalidInput || io.kind() == std::io::ErrorKind::InvalidData => {
            Failure::DownstreamProtocol("http1.codec_error".into())
        }
        _ => Failure::DownstreamClosed,
    }
}

/// What hyper says while it waits for, or reads, an upstream's response.
#[must_use]
#[expect(clippy::needless_pass_by_value, reason = "it is handed to `map_err`")]
pub fn from_response(error: hyper::Error) -> Failure {
    let reason = if error.is_parse() || is_bad_framing(&error) {
        ResetReason::ProtocolError(error.to_string())
    } else {
        ResetReason::ConnectionTermination
    };
    Failure::UpstreamReset(reason)
}

fn is_bad_framing(error: &hyper::Error) -> bool {
    std::error::Error::source(error)
        .and_then(|source| source.downcast_ref::<std::io::Error>())
        .is_some_and(|io| matches!(io.kind(), std::io::ErrorKind::InvalidInput | std::io::ErrorKind::InvalidData))
}
