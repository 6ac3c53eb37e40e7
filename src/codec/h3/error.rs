//! Facts about an exchange as HTTP/3 error codes (RFC 9114 §8.1), and failed reads as facts about an exchange.

use h3::error::Code;

use super::shared::Side;
use crate::codec::message::Refused;
use crate::http::{Failure, ResetReason};

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
        | Failure::Forbidden(_)
        | Failure::Refused(..)
        | Failure::Misdirected
        | Failure::TooEarly => Code::H3_INTERNAL_ERROR,
    }
}

/// Why nothing more can be read.
#[derive(Clone, Copy, Debug)]
pub(super) enum ReadFailure {
    /// The peer reset the stream, with this code.
    Reset(u64),
    /// The connection is no more.
    Lost,
    /// The peer broke the protocol, and the connection was ended for it.
    Broken(&'static str),
    /// The message is refused; the stream alone ends.
    Refused(Refused),
    /// A field section holds what cannot be decoded; the stream alone ends.
    Undecodable,
    /// The stream ended before its head was whole (RFC 9114 §4.1.1).
    Incomplete,
}

impl Side {
    /// The code of one who needs no more of a message. RFC 9114 §4.1: a server that has what it needs says `H3_NO_ERROR`;
    /// RFC 9114 §4.1.1: a client that gives up cancels.
    pub(super) fn no_more(self) -> Code {
        match self {
            Self::Server => Code::H3_NO_ERROR,
            Self::Client => Code::H3_REQUEST_CANCELLED,
        }
    }
}

/// What a failed read of a request means for the exchange.
pub(super) fn of_client(failure: ReadFailure) -> Failure {
    match failure {
        ReadFailure::Reset(_) => Failure::DownstreamReset,
        ReadFailure::Lost => Failure::DownstreamClosed,
        ReadFailure::Undecodable => Failure::DownstreamProtocol("http3.qpack_error".into()),
        ReadFailure::Broken(details) => Failure::DownstreamProtocol(details.into()),
        ReadFailure::Incomplete => Failure::DownstreamProtocol("http3.incomplete_request".into()),
        ReadFailure::Refused(Refused::TooLarge) => Failure::HeadersTooLarge("http3.headers_too_large"),
        ReadFailure::Refused(Refused::TooMany) => Failure::HeadersTooLarge("http3.too_many_headers"),
        ReadFailure::Refused(Refused::Malformed(malformed)) => {
            Failure::DownstreamProtocol(format!("http3.{malformed}").into())
        }
    }
}

/// What a failed read of a response means for the exchange.
pub(super) fn of_upstream(failure: ReadFailure) -> ResetReason {
    let broke = |details: &str| ResetReason::ProtocolError(details.to_owned());
    match failure {
        // RFC 9114 §4.1.1: nothing was done for it.
        ReadFailure::Reset(code) if code == Code::H3_REQUEST_REJECTED.value() => ResetReason::RemoteRefused,
        ReadFailure::Reset(_) => ResetReason::RemoteReset,
        ReadFailure::Lost => ResetReason::ConnectionTermination,
        ReadFailure::Undecodable => broke("http3.qpack_error"),
        ReadFailure::Broken(details) => broke(details),
        ReadFailure::Incomplete => broke("http3.incomplete_response"),
        ReadFailure::Refused(Refused::TooLarge) => broke("http3.headers_too_large"),
        ReadFailure::Refused(Refused::TooMany) => broke("http3.too_many_headers"),
        ReadFailure::Refused(Refused::Malformed(malformed)) => broke(&format!("http3.{malformed}")),
    }
}
