//! Responses of the admin interface, with the fields that Envoy's carry.

use bytes::Bytes;
use http::header::{CACHE_CONTROL, CONNECTION, CONTENT_TYPE, DATE, SERVER, X_CONTENT_TYPE_OPTIONS};
use http::{HeaderValue, StatusCode};

use crate::http::{Body, Response};

/// Text.
pub(super) fn text(status: StatusCode, body: impl Into<Bytes>) -> Response {
    respond(status, "text/plain; charset=UTF-8", body.into())
}

/// `OK`, for what was done.
pub(super) fn done() -> Response {
    text(StatusCode::OK, "OK\n")
}

/// JSON.
pub(super) fn json(body: impl Into<Bytes>) -> Response {
    respond(StatusCode::OK, "application/json", body.into())
}

/// A page.
pub(super) fn html(body: impl Into<Bytes>) -> Response {
    respond(StatusCode::OK, "text/html; charset=UTF-8", body.into())
}

/// An error in the form in which Envoy tells those that its handlers do not tell themselves.
pub(super) fn plain(status: StatusCode, body: impl Into<Bytes>) -> Response {
    respond(status, "text/plain", body.into())
}

/// The answer to a request that never became one; the connection ends with it.
pub(super) fn refused(status: StatusCode) -> Response {
    let mut response = plain(status, status.canonical_reason().unwrap_or_default());
    response.headers_mut().insert(CONNECTION, HeaderValue::from_static("close"));
    response
}

fn respond(status: StatusCode, kind: &'static str, body: Bytes) -> Response {
    let mut response = Response::new(Body::from(body));
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(kind));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-cache, max-age=0"));
    headers.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    // RFC 9110 §6.6.1: an origin server with a clock says when it answered.
    if let Ok(date) = HeaderValue::from_str(&httpdate::fmt_http_date(std::time::SystemTime::now())) {
        headers.insert(DATE, date);
    }
    headers.insert(SERVER, HeaderValue::from_static(env!("CARGO_PKG_NAME")));
    response
}
