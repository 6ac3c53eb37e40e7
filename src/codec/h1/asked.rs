//! Tunnels that an HTTP/1 upstream is asked for: the fields that ask (RFC 9110 §7.8, RFC 6455 §4.1), and whether it granted one.

use http::header::{CONNECTION, HOST, SEC_WEBSOCKET_ACCEPT, SEC_WEBSOCKET_KEY, UPGRADE};
use http::{HeaderValue, StatusCode, Uri};

use crate::codec::websocket;
use crate::http::{AskedTunnel, Protocol, Request};

/// What an answer means.
pub(super) enum Granted {
    /// It is a response like any other.
    No,
    /// What follows it is the tunnel.
    Tunnel,
    /// It switches to what nobody asked for: the text names it.
    Unasked(&'static str),
}

/// Gives a request the target, or the fields, that ask for its tunnel. Returns the key that was made for it, where its version has
/// none.
pub(super) fn prepare(asked: &AskedTunnel, request: &mut Request) -> Option<String> {
    let AskedTunnel::Upgrade(protocol) = asked else {
        // RFC 9112 §3.2.3: the target is whom the request is for, also after a rewrite.
        let host = request.headers().get(HOST).and_then(|host| Uri::try_from(host.as_bytes()).ok());
        if let Some(host) = host {
            *request.uri_mut() = host;
        }
        return None;
    };
    let has_keys = !Protocol::from(request.version()).is_multiplexed();
    let headers = request.headers_mut();
    // A protocol is a token.
    let token = HeaderValue::from_bytes(protocol.as_bytes()).ok()?;
    headers.insert(CONNECTION, HeaderValue::from_static("upgrade"));
    headers.insert(UPGRADE, token);
    if has_keys || !protocol.is("websocket") {
        return None;
    }
    let key = websocket::key();
    headers.insert(SEC_WEBSOCKET_KEY, HeaderValue::from_str(&key).ok()?);
    Some(key)
}

/// Whether this response opens the tunnel that was asked for. `key` is the one that was made here.
pub(super) fn granted<B>(asked: Option<&AskedTunnel>, key: Option<&str>, response: &http::Response<B>) -> Granted {
    let switches = response.status() == StatusCode::SWITCHING_PROTOCOLS;
    match asked {
        Some(AskedTunnel::Connect) if response.status().is_success() => Granted::Tunnel,
        Some(AskedTunnel::Upgrade(protocol)) if switches => {
            let mut named = response.headers().get_all(UPGRADE).iter();
            let same = named.next().is_some_and(|named| named.as_bytes().eq_ignore_ascii_case(protocol.as_bytes()));
            let proof = response.headers().get(SEC_WEBSOCKET_ACCEPT).map(HeaderValue::as_bytes);
            match key {
                _ if !same || named.next().is_some() => Granted::Unasked("http1.upgrade_to_another_protocol"),
                // RFC 6455 §4.1: it has to show that it read the key.
                Some(key) if proof != Some(websocket::accept(key.as_bytes()).as_bytes()) => {
                    Granted::Unasked("http1.invalid_websocket_accept")
                }
                _ => Granted::Tunnel,
            }
        }
        _ if switches => Granted::Unasked("http1.unexpected_upgrade"),
        _ => Granted::No,
    }
}
