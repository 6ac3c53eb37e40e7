//! The head of a request as HTTP/2 says it (RFC 9113 §8.3.1).

use http::header::{CONNECTION, HOST, HeaderName, SEC_WEBSOCKET_KEY, TE, TRANSFER_ENCODING, UPGRADE};
use http::request::Parts;
use http::uri::{Authority, PathAndQuery, Scheme};
use http::{HeaderMap, HeaderValue, Method, Uri, Version};

use crate::http::ConnectProtocol;

/// Our request, in the form that the h2 crate takes; `secured` tells whether the connection is under TLS. `protocol` makes it an
/// extended CONNECT (RFC 8441 §4).
pub(super) fn head(request: &Parts, protocol: Option<&ConnectProtocol>, secured: bool) -> http::Request<()> {
    let mut fields = request.headers.clone();
    let mut uri = http::uri::Parts::default();
    // RFC 9113 §8.5: CONNECT has neither scheme nor path.
    let is_target = protocol.is_some() || request.method != Method::CONNECT;
    if is_target {
        let path = request.uri.path_and_query().cloned();
        uri.path_and_query = Some(path.unwrap_or(PathAndQuery::from_static("/")));
    }
    uri.authority = fields.get(HOST).and_then(|host| Authority::try_from(host.as_bytes()).ok());
    let mut head = http::Request::new(());
    *head.method_mut() = request.method.clone();
    if let Some(protocol) = protocol {
        *head.method_mut() = Method::CONNECT;
        head.extensions_mut().insert(h2::ext::Protocol::from(protocol.as_str()));
        // RFC 8441 §5: the others go with what is about one connection.
        fields.remove(SEC_WEBSOCKET_KEY);
    }
    if uri.authority.is_some() {
        *head.version_mut() = Version::HTTP_2;
        uri.scheme = is_target.then(|| scheme(&fields, secured));
        // RFC 9113 §8.3.1: the authority is said once.
        fields.remove(HOST);
    }
    // Of another version h2 leaves `host` as it is: what is no authority for it may be one for the upstream.
    *head.uri_mut() = Uri::from_parts(uri).unwrap_or_else(|_| request.uri.clone());
    remove_connection_specific(&mut fields);
    *head.headers_mut() = fields;
    head
}

/// As Envoy: the scheme of the client's request, where that is known.
fn scheme(fields: &HeaderMap, secured: bool) -> Scheme {
    match fields.get(FORWARDED_PROTO).map(HeaderValue::as_bytes) {
        Some(b"http") => Scheme::HTTP,
        Some(b"https") => Scheme::HTTPS,
        _ if secured => Scheme::HTTPS,
        _ => Scheme::HTTP,
    }
}

/// RFC 9113 §8.2.2: a route may have added what has no place here.
fn remove_connection_specific(fields: &mut HeaderMap) {
    for name in [CONNECTION, TRANSFER_ENCODING, UPGRADE, KEEP_ALIVE, PROXY_CONNECTION] {
        fields.remove(name);
    }
    if fields.get(TE).is_some_and(|te| te != "trailers") {
        fields.remove(TE);
    }
}

const FORWARDED_PROTO: HeaderName = HeaderName::from_static("x-forwarded-proto");
const KEEP_ALIVE: HeaderName = HeaderName::from_static("keep-alive");
const PROXY_CONNECTION: HeaderName = HeaderName::from_static("proxy-connection");

#[cfg(test)]
mod tests {
    use super::*;

    fn told(method: &str, uri: &'static str, fields: &[(&'static str, &'static str)]) -> http::Request<()> {
        let mut request = http::Request::builder().method(method).uri(uri);
        for (name, value) in fields {
            request = request.header(*name, *value);
        }
        head(&request.body(()).unwrap().into_parts().0, None, false)
    }

    #[test]
    fn rfc9113_8_3_1_the_authority_is_said_once() {
        let head = told("GET", "/a?b=c", &[("host", "a.test:81"), ("x-one", "1")]);
        assert_eq!(head.uri(), "http://a.test:81/a?b=c");
        assert_eq!((head.version(), head.headers().len()), (Version::HTTP_2, 1));
    }

    #[test]
    fn the_scheme_is_that_of_the_client() {
        let head = told("OPTIONS", "*", &[("host", "a.test"), ("x-forwarded-proto", "https")]);
        assert_eq!((head.uri().scheme_str(), head.uri().path()), (Some("https"), "*"));
        let head = told("GET", "/", &[("host", "a.test"), ("x-forwarded-proto", "gopher")]);
        assert_eq!(head.uri().scheme_str(), Some("http"));
    }

    #[test]
    fn rfc9113_8_5_connect_has_an_authority_alone() {
        let head = told("CONNECT", "a.test:443", &[("host", "a.test:443")]);
        assert_eq!((head.uri().scheme(), head.uri().path(), head.uri().to_string().as_str()), (None, "", "a.test:443"));
    }

    #[test]
    fn what_is_no_authority_stays_a_field() {
        let head = told("GET", "/", &[("host", "a:b:c")]);
        assert_eq!((head.version(), head.headers().len()), (Version::HTTP_11, 1));
    }

    #[test]
    fn rfc9113_8_2_2_nothing_is_said_of_a_connection() {
        let said = [("host", "a.test"), ("connection", "x"), ("upgrade", "x"), ("keep-alive", "x"), ("te", "gzip")];
        assert!(told("GET", "/", &said).headers().is_empty());
        assert_eq!(told("GET", "/", &[("host", "a.test"), ("te", "trailers")]).headers().len(), 1);
    }
}
