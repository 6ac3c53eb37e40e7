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

#[cfg(test)]
mod tests {
    use bytes::Bytes;

    use super::*;
    use crate::http::ConnectProtocol;

    fn upgrade(protocol: &'static str) -> AskedTunnel {
        AskedTunnel::Upgrade(ConnectProtocol::try_from(Bytes::from(protocol)).unwrap())
    }

    fn answer(asked: Option<&AskedTunnel>, status: u16, fields: &[(&str, &str)], key: Option<&str>) -> &'static str {
        let mut response = http::Response::builder().status(status);
        for (name, value) in fields {
            response = response.header(*name, *value);
        }
        match granted(asked, key, &response.body(()).unwrap()) {
            Granted::No => "no",
            Granted::Tunnel => "tunnel",
            Granted::Unasked(_) => "unasked",
        }
    }

    #[test]
    fn rfc9110_7_8_only_what_was_asked_for_is_switched_to() {
        let (asked, named) = (upgrade("WebSocket"), ("upgrade", "websocket"));
        assert_eq!(answer(Some(&asked), 101, &[named], None), "tunnel");
        assert_eq!(answer(Some(&asked), 101, &[], None), "unasked");
        assert_eq!(answer(Some(&asked), 101, &[("upgrade", "other")], None), "unasked");
        assert_eq!(answer(Some(&asked), 101, &[named, ("upgrade", "other")], None), "unasked");
        assert_eq!(answer(Some(&asked), 200, &[named], None), "no");
        assert_eq!(answer(Some(&AskedTunnel::Connect), 101, &[named], None), "unasked");
        assert_eq!(answer(Some(&AskedTunnel::Connect), 200, &[], None), "tunnel");
        assert_eq!(answer(Some(&AskedTunnel::Connect), 407, &[], None), "no");
        assert_eq!(answer(None, 101, &[named], None), "unasked");
    }

    #[test]
    fn rfc6455_4_1_the_answer_to_a_key_is_checked() {
        let (asked, key, named) = (upgrade("websocket"), Some("dGhlIHNhbXBsZSBub25jZQ=="), ("upgrade", "websocket"));
        let accept = |value| answer(Some(&asked), 101, &[named, ("sec-websocket-accept", value)], key);
        assert_eq!(accept("s3pPLMBiTxaQ9kYGzzhZRbK+xOo="), "tunnel");
        assert_eq!([accept("s3pPLMBiTxaQ9kYGzzhZRbK+xOO="), answer(Some(&asked), 101, &[named], key)], ["unasked"; 2]);
    }

    #[test]
    fn a_key_is_made_for_versions_that_have_none() {
        let made = |version, protocol| {
            let mut request = Request::default();
            *request.version_mut() = version;
            // What a client of such a version says of a key is not believed.
            request.headers_mut().insert(SEC_WEBSOCKET_KEY, HeaderValue::from_static("theirs"));
            let key = prepare(&upgrade(protocol), &mut request);
            assert_eq!(request.headers().get(CONNECTION).unwrap(), "upgrade");
            (key.is_some(), request.headers().get(SEC_WEBSOCKET_KEY).unwrap() != "theirs")
        };
        assert_eq!(made(http::Version::HTTP_2, "websocket"), (true, true));
        assert_eq!(made(http::Version::HTTP_3, "WEBSOCKET"), (true, true));
        assert_eq!(made(http::Version::HTTP_3, "other"), (false, false));
        assert_eq!(made(http::Version::HTTP_11, "websocket"), (false, false));
    }
}
