//! How a probe ended, as an exit code.

use std::process::{ExitCode, Termination};

use serde::Serialize;

/// How a probe ended; the number is the exit code.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
#[repr(u8)]
pub enum Outcome {
    /// A response with a status below 400.
    Ok = 0,
    /// The command line, a file that it names, or the output is at fault.
    Other = 1,
    /// No connection: the name does not resolve, or nobody answers.
    NotConnected = 2,
    /// The TLS handshake failed.
    TlsFailed = 3,
    /// The server broke the protocol, reset the request, or took too long.
    ProtocolFailed = 4,
    /// A response with a status from 400 to 499.
    ClientError = 5,
    /// A response with a status from 500 on.
    ServerError = 6,
}

impl Outcome {
    /// The exit code.
    #[must_use]
    pub fn code(self) -> u8 {
        self as u8
    }

    pub(super) fn of_status(status: u16) -> Self {
        match status {
            0..400 => Self::Ok,
            400..500 => Self::ClientError,
            500.. => Self::ServerError,
        }
    }
}

impl From<Outcome> for ExitCode {
    fn from(outcome: Outcome) -> Self {
        outcome.code().into()
    }
}

impl Termination for Outcome {
    fn report(self) -> ExitCode {
        self.into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_status_decides_the_code() {
        for (status, code) in [(200, 0), (399, 0), (400, 5), (425, 5), (499, 5), (500, 6), (999, 6)] {
            assert_eq!(Outcome::of_status(status).code(), code, "{status}");
        }
    }
}
