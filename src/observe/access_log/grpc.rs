//! gRPC statuses: their names, and what an HTTP status means as one.

use http::HeaderValue;

/// The status of a gRPC response: a code of the protocol, another number, or none that can be read (-1).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct GrpcStatus(i128);

/// How `%GRPC_STATUS(...)%` prints.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Spelling {
    /// `NotFound`
    Camel,
    /// `NOT_FOUND`
    Snake,
    /// `5`
    Number,
}

// === impl GrpcStatus ===

impl GrpcStatus {
    /// The value of `grpc-status`.
    pub(super) fn parse(value: &HeaderValue) -> Self {
        let number = value.to_str().ok().and_then(|text| text.parse::<u64>().ok());
        Self(number.map_or(-1, i128::from))
    }

    /// What an HTTP status without a `grpc-status` means.
    #[must_use]
    pub fn of_http(status: u16) -> Self {
        Self(match status {
            400 => 13,
            401 => 16,
            403 => 7,
            404 => 12,
            429 | 502 | 503 | 504 => 14,
            _ => 2,
        })
    }

    /// Its number.
    #[must_use]
    pub fn number(self) -> i128 {
        self.0
    }

    /// Its name; none for a number without one.
    pub(super) fn name(self, spelling: Spelling) -> Option<&'static str> {
        let (camel, snake) = NAMES.get(usize::try_from(self.0).ok()?)?;
        match spelling {
            Spelling::Camel => Some(camel),
            Spelling::Snake => Some(snake),
            Spelling::Number => None,
        }
    }
}

/// Whether a request is gRPC, by its content type.
#[must_use]
pub fn is_grpc(content_type: &HeaderValue) -> bool {
    let kind = content_type.as_bytes().strip_prefix(b"application/grpc");
    kind.is_some_and(|rest| matches!(rest, [] | [b'+', ..]))
}

const NAMES: [(&str, &str); 17] = [
    ("OK", "OK"),
    ("Canceled", "CANCELLED"),
    ("Unknown", "UNKNOWN"),
    ("InvalidArgument", "INVALID_ARGUMENT"),
    ("DeadlineExceeded", "DEADLINE_EXCEEDED"),
    ("NotFound", "NOT_FOUND"),
    ("AlreadyExists", "ALREADY_EXISTS"),
    ("PermissionDenied", "PERMISSION_DENIED"),
    ("ResourceExhausted", "RESOURCE_EXHAUSTED"),
    ("FailedPrecondition", "FAILED_PRECONDITION"),
    ("Aborted", "ABORTED"),
    ("OutOfRange", "OUT_OF_RANGE"),
    ("Unimplemented", "UNIMPLEMENTED"),
    ("Internal", "INTERNAL"),
    ("Unavailable", "UNAVAILABLE"),
    ("DataLoss", "DATA_LOSS"),
    ("Unauthenticated", "UNAUTHENTICATED"),
];

#[cfg(test)]
mod tests {
    use super::*;

    /// As Envoy 1.40 printed them.
    #[test]
    fn a_status_is_named_or_its_number() {
        let of = |text: &'static str| {
            let status = GrpcStatus::parse(&HeaderValue::from_static(text));
            (status.name(Spelling::Camel), status.name(Spelling::Snake), status.number())
        };
        assert_eq!(of("0"), (Some("OK"), Some("OK"), 0));
        assert_eq!(of("01"), (Some("Canceled"), Some("CANCELLED"), 1));
        assert_eq!(of("16"), (Some("Unauthenticated"), Some("UNAUTHENTICATED"), 16));
        assert_eq!(of("17"), (None, None, 17));
        assert_eq!(of("99999999999"), (None, None, 99_999_999_999));
        assert_eq!(of("abc"), (None, None, -1));
        assert_eq!(of("-1"), (None, None, -1));
    }

    #[test]
    fn an_http_status_stands_in() {
        let codes = [200, 400, 401, 403, 404, 408, 429, 500, 502, 503, 504].map(|status| GrpcStatus::of_http(status).0);
        assert_eq!(codes, [2, 13, 16, 7, 12, 2, 14, 2, 14, 14, 14]);
    }

    #[test]
    fn grpc_is_known_by_its_content_type() {
        let is = |text: &'static str| is_grpc(&HeaderValue::from_static(text));
        assert!(is("application/grpc") && is("application/grpc+proto"));
        assert!(!is("application/grpc-web") && !is("application/grpc;x") && !is("application/json"));
    }
}
