//! What became of the second connection: session resumption and 0-RTT.

use std::fmt;

use serde::Serialize;

/// Whether the first connection's session was resumed (RFC 8446 §2.2).
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "result", rename_all = "snake_case")]
pub(super) enum Resumption {
    /// It was.
    Resumed,
    /// The server made a full handshake all the same.
    FullHandshake,
    /// The server gave no session to resume.
    NoSession,
    /// The second connection failed.
    Failed { error: String },
}

/// What became of the request sent again in 0-RTT data (RFC 9001 §4.6).
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "result", rename_all = "snake_case")]
pub(super) enum EarlyData {
    /// The server's tickets do not allow it.
    NotOffered,
    /// The server refused it; a client would send the request again.
    Rejected,
    /// The server took it, and answered with this status; 425 asks to send the request again (RFC 8470 §5.2).
    Accepted { status: Option<u16> },
    /// The server would take it, but the request is not safe to send twice (RFC 8470 §4).
    Unsafe,
}

impl fmt::Display for Resumption {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Resumed => f.write_str("yes"),
            Self::FullHandshake => f.write_str("no: the server made a full handshake again"),
            Self::NoSession => f.write_str("no: the server gave no session to resume"),
            Self::Failed { error } => write!(f, "no: the second connection failed: {error}"),
        }
    }
}

impl fmt::Display for EarlyData {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotOffered => f.write_str("not offered by the server"),
            Self::Rejected => f.write_str("rejected by the server"),
            Self::Accepted { status: Some(425) } => f.write_str("accepted, then put off with status 425"),
            Self::Accepted { status: Some(status) } => write!(f, "accepted, answered with status {status}"),
            Self::Accepted { status: None } => f.write_str("accepted, but not answered"),
            Self::Unsafe => f.write_str("accepted, but not used: the request is not safe to send twice"),
        }
    }
}
