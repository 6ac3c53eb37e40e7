//! Between an upgrade of HTTP/1 and an extended CONNECT (RFC 8441 §4 and §5, RFC 9220 §3), for clients of HTTP/2 and HTTP/3.

use http::header::{CONNECTION, HeaderName, SEC_WEBSOCKET_ACCEPT, SEC_WEBSOCKET_KEY, UPGRADE};
use http::response::Parts;
use http::{HeaderMap, StatusCode};

use super::websocket;
use crate::http::ConnectProtocol;

/// Whether a field of a request is only there to ask for an upgrade over HTTP/1: an extended CONNECT goes without.
pub(super) fn is_of_http1(name: &HeaderName) -> bool {
    [CONNECTION, UPGRADE, SEC_WEBSOCKET_KEY].contains(name)
}

/// Makes a 2xx that grants an extended CONNECT what it is on HTTP/1. A client that has sent a key there awaits its answer.
pub(super) fn granted(head: &mut Parts, request: &HeaderMap, protocol: &ConnectProtocol) {
    head.status = StatusCode::SWITCHING_PROTOCOLS;
    let key = request.get(SEC_WEBSOCKET_KEY).filter(|_| protocol.is("websocket"));
    if let Some(accept) = key.and_then(websocket::accept_value) {
        head.headers.insert(SEC_WEBSOCKET_ACCEPT, accept);
    }
}
