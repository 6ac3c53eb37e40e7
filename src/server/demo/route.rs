//! Which of the demo backend's answers a path asks for. Pure.

use http::StatusCode;

/// What to answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Route {
    /// What the backend saw of the request, and on `/` the list of paths.
    Report,
    /// The list of paths.
    Help,
    /// The header fields only.
    Headers,
    /// The request's body, as it comes.
    Echo,
    /// So many bytes of the pattern.
    Bytes(u64),
    /// The report, after so many milliseconds.
    Delay(u64),
    /// A body with trailers.
    Trailers,
    /// An answer of this status.
    Status(StatusCode),
    /// So many chunks, so many milliseconds apart.
    Drip { chunks: u64, pause_ms: u64 },
    /// Half of what `content-length` says, then the connection closes.
    Close(u64),
}

/// Why a path that names one of the answers asks for none.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum RouteError {
    /// A segment that must be a number in these bounds is not.
    NotBetween { what: &'static str, least: u64, most: u64 },
    /// A segment is missing, or there is one too many.
    Form { expected: &'static str },
}

impl Route {
    /// Reads `path` (without the query). A path of no other meaning is reported as it is.
    pub(super) fn of(path: &str) -> Result<Self, RouteError> {
        let mut segments = path.trim_start_matches('/').split('/');
        let name = segments.next().unwrap_or_default();
        let arguments: Vec<&str> = segments.collect();
        match (name, arguments.as_slice()) {
            ("help", []) => Ok(Self::Help),
            ("headers", []) => Ok(Self::Headers),
            ("echo", []) => Ok(Self::Echo),
            ("trailers", []) => Ok(Self::Trailers),
            ("bytes", [n]) => number("N of /bytes/N", n, 0, MAX_BYTES).map(Self::Bytes),
            ("delay", [ms]) => number("MS of /delay/MS", ms, 0, MAX_DELAY_MS).map(Self::Delay),
            ("status", [code]) => status(code).map(Self::Status),
            ("close", [n]) => number("N of /close/N", n, 0, MAX_BYTES / 2).map(Self::Close),
            ("drip", [n, ms]) => Ok(Self::Drip {
                chunks: number("N of /drip/N/MS", n, 0, MAX_DRIPS)?,
                pause_ms: number("MS of /drip/N/MS", ms, 0, MAX_DELAY_MS)?,
            }),
            ("bytes", _) => Err(RouteError::Form { expected: "/bytes/N" }),
            ("delay", _) => Err(RouteError::Form { expected: "/delay/MS" }),
            ("status", _) => Err(RouteError::Form { expected: "/status/NNN" }),
            ("close", _) => Err(RouteError::Form { expected: "/close/N" }),
            ("drip", _) => Err(RouteError::Form { expected: "/drip/N/MS" }),
            _ => Ok(Self::Report),
        }
    }
}

impl std::fmt::Display for RouteError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::NotBetween { what, least, most } => write!(f, "{what} must be a number from {least} to {most}"),
            Self::Form { expected } => write!(f, "the path must be of the form {expected}"),
        }
    }
}

impl std::error::Error for RouteError {}

fn number(what: &'static str, text: &str, least: u64, most: u64) -> Result<u64, RouteError> {
    text.parse().ok().filter(|number| (least..=most).contains(number)).ok_or(RouteError::NotBetween {
        what,
        least,
        most,
    })
}

/// Only final statuses: an interim one cannot be the answer (RFC 9110 §15.2).
fn status(text: &str) -> Result<StatusCode, RouteError> {
    let bounds = RouteError::NotBetween { what: "NNN of /status/NNN", least: 200, most: 599 };
    let code = text.parse().ok().filter(|code| (200..=599).contains(code)).ok_or(bounds)?;
    StatusCode::from_u16(code).map_err(|_| bounds)
}

/// The longest body of `/bytes/N`: 16 GiB.
pub const MAX_BYTES: u64 = 16 << 30;
/// The longest wait of `/delay/MS` and between chunks of `/drip/N/MS`: five minutes, in milliseconds.
pub const MAX_DELAY_MS: u64 = 300_000;
/// The most chunks of `/drip/N/MS`.
pub const MAX_DRIPS: u64 = 100_000;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_path_names_its_answer() {
        let drip = Route::Drip { chunks: 3, pause_ms: 20 };
        let table = [
            ("/", Route::Report),
            ("/any/thing", Route::Report),
            ("/help", Route::Help),
            ("/headers", Route::Headers),
            ("/echo", Route::Echo),
            ("/trailers", Route::Trailers),
            ("/bytes/0", Route::Bytes(0)),
            ("/bytes/17179869184", Route::Bytes(MAX_BYTES)),
            ("/delay/250", Route::Delay(250)),
            ("/status/204", Route::Status(StatusCode::NO_CONTENT)),
            ("/status/599", Route::Status(StatusCode::from_u16(599).unwrap())),
            ("/close/10", Route::Close(10)),
            ("/drip/3/20", drip),
        ];
        for (path, route) in table {
            assert_eq!(Route::of(path), Ok(route), "{path}");
        }
    }

    #[test]
    fn a_number_out_of_bounds_is_named_with_its_bounds() {
        let table = [
            ("/bytes/17179869185", "N of /bytes/N must be a number from 0 to 17179869184"),
            ("/bytes/-1", "N of /bytes/N must be a number from 0 to 17179869184"),
            ("/delay/300001", "MS of /delay/MS must be a number from 0 to 300000"),
            ("/status/100", "NNN of /status/NNN must be a number from 200 to 599"),
            ("/status/600", "NNN of /status/NNN must be a number from 200 to 599"),
            ("/status/ok", "NNN of /status/NNN must be a number from 200 to 599"),
            ("/drip/100001/0", "N of /drip/N/MS must be a number from 0 to 100000"),
        ];
        for (path, message) in table {
            assert_eq!(Route::of(path).unwrap_err().to_string(), message, "{path}");
        }
    }

    #[test]
    fn a_missing_or_extra_segment_is_told_with_the_form() {
        for (path, form) in [("/bytes", "/bytes/N"), ("/bytes/1/2", "/bytes/N"), ("/drip/3", "/drip/N/MS")] {
            assert_eq!(Route::of(path), Err(RouteError::Form { expected: form }), "{path}");
        }
    }
}
