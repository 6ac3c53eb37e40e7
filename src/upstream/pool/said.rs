//! What the head of a response of HTTP/1 says of its connection.

use http::header::{CONNECTION, CONTENT_LENGTH, TRANSFER_ENCODING};

use crate::http::Response;

/// What is wrong with it, where it may take `max` bytes.
pub(super) fn wrong(response: &Response, max: usize) -> Option<&'static str> {
    if is_framed_twice(response) {
        return Some("content-length beside transfer-encoding");
    }
    (size(response) > max).then_some("http1.headers_too_large")
}

/// Whether the upstream closes its connection after this response (RFC 9112 §9.6).
pub(super) fn closes(response: &Response) -> bool {
    let says = |token: &str| {
        let values = response.headers().get_all(CONNECTION).iter();
        values
            .filter_map(|value| value.to_str().ok())
            .flat_map(|value| value.split(','))
            .any(|item| item.trim().eq_ignore_ascii_case(token))
    };
    says("close") || (response.version() == http::Version::HTTP_10 && !says("keep-alive"))
}

/// RFC 9112 §6.3: a response with both may be an attempt to smuggle another.
fn is_framed_twice(response: &Response) -> bool {
    let headers = response.headers();
    headers.contains_key(CONTENT_LENGTH) && headers.contains_key(TRANSFER_ENCODING)
}

/// Bytes of the names and values of a response's fields.
fn size(response: &Response) -> usize {
    response.headers().iter().map(|(name, value)| name.as_str().len() + value.len()).sum()
}
