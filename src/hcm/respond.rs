//! Responses of the gateway's own, and the last fields of every response.

use std::borrow::Cow;

use bytes::Bytes;
use http::header::{ALT_SVC, CONNECTION, DATE, LOCATION, SERVER, VIA};
use http::response::Parts;
use http::{HeaderValue, StatusCode};

use super::ServerHeader;
use super::connection::Connection;
use super::reply::Reply;
use super::sanitize::{self, REQUEST_ID};
use crate::http::{Body, Failure, Response};
use crate::router::DirectResponse;

/// The answer to a failure.
pub(super) fn local(reply: &Reply) -> Response {
    // Who left does not read it; the codec drops it.
    let status = reply.status.unwrap_or(StatusCode::SERVICE_UNAVAILABLE);
    text(status, Bytes::from_static(reply.body.as_bytes()))
}

/// The answer of a `direct_response`.
pub(super) fn direct(direct: &DirectResponse, location: Option<HeaderValue>) -> Response {
    let mut response = text(direct.status(), direct.body().clone());
    if let Some(location) = location {
        response.headers_mut().insert(LOCATION, location);
    }
    response
}

/// The answer to who asks for what nobody grants.
pub(super) fn forbidden() -> Response {
    text(StatusCode::FORBIDDEN, Bytes::new())
}

/// The answer of a `redirect`.
///
/// # Errors
/// [`Failure::DownstreamProtocol`] when the request makes a location that cannot stand in a field.
pub(super) fn redirect(status: StatusCode, location: Option<HeaderValue>) -> Result<Response, Failure> {
    let location = location.ok_or(Failure::DownstreamProtocol(Cow::Borrowed("redirect_location_invalid")))?;
    let mut response = Response::new(Body::Empty);
    *response.status_mut() = status;
    response.headers_mut().insert(LOCATION, location);
    Ok(response)
}

/// The fields that every response carries.
pub(super) fn complete(head: &mut Parts, connection: &Connection, request_id: Option<&HeaderValue>) {
    let manager = &connection.manager;
    match &manager.server {
        ServerHeader::Overwrite(name) => {
            head.headers.insert(SERVER, name.clone());
        }
        ServerHeader::AppendIfAbsent(name) => {
            head.headers.entry(SERVER).or_insert_with(|| name.clone());
        }
        ServerHeader::PassThrough => {}
    }
    // RFC 9110 §7.6.3: an intermediary is named in both directions.
    if let Some(via) = &manager.identity.via {
        sanitize::append(&mut head.headers, VIA, via, b", ");
    }
    // RFC 9110 §6.6.1: a gateway adds `date` where the origin has none.
    head.headers.entry(DATE).or_insert_with(|| connection.worker.date(std::time::SystemTime::now()));
    if let Some(alt_svc) = &connection.peer.alt_svc {
        head.headers.entry(ALT_SVC).or_insert_with(|| alt_svc.clone());
    }
    if manager.always_set_request_id
        && let Some(id) = request_id
    {
        head.headers.insert(REQUEST_ID, id.clone());
    }
    if connection.is_last() {
        head.headers.insert(CONNECTION, HeaderValue::from_static("close"));
    }
}

/// What describes the content comes last: see `local_reply`.
fn text(status: StatusCode, body: Bytes) -> Response {
    let mut response = Response::new(Body::from(body));
    *response.status_mut() = status;
    response
}
