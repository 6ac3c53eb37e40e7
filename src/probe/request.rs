//! The request that a probe sends, and its form in each HTTP version.

use bytes::Bytes;
use http::{
    HeaderMap, HeaderName, HeaderValue, Method, Uri,
    header::{ACCEPT, CONNECTION, CONTENT_LENGTH, HOST, TE, TRANSFER_ENCODING, UPGRADE, USER_AGENT},
    uri::{Authority, PathAndQuery},
};

use super::{
    target::{Scheme, Target},
    usage::UsageError,
};

/// A request of no particular version.
#[derive(Clone, Debug)]
pub(super) struct Request {
    pub(super) method: Method,
    scheme: Scheme,
    authority: Authority,
    path: PathAndQuery,
    headers: HeaderMap,
    pub(super) body: Bytes,
}

impl Request {
    pub(super) fn new(
        target: &Target,
        method: Option<&str>,
        fields: &[String],
        body: Option<Bytes>,
    ) -> Result<Self, UsageError> {
        let method = match method {
            Some(name) => name.parse().map_err(|_| UsageError::Method { method: name.to_owned() })?,
            None if body.is_some() => Method::POST,
            None => Method::GET,
        };
        if method == Method::CONNECT {
            return Err(UsageError::Method { method: method.to_string() });
        }
        let mut headers = HeaderMap::new();
        for field in fields {
            let (name, value) = parse_field(field)?;
            headers.append(name, value);
        }
        let authority = match headers.remove(HOST) {
            Some(host) => Authority::try_from(host.as_bytes()).map_err(|_| UsageError::Header {
                field: format!("host: {}", String::from_utf8_lossy(host.as_bytes())),
            })?,
            None => target.authority.clone(),
        };
        let mut with_default = |name, value| {
            headers.entry(name).or_insert(HeaderValue::from_static(value));
        };
        with_default(USER_AGENT, concat!("quicgate-probe/", env!("CARGO_PKG_VERSION")));
        with_default(ACCEPT, "*/*");
        // RFC 9110 §10.1.4: without it a server may leave the trailers out.
        with_default(TE, "trailers");
        if let Some(body) = &body {
            headers.insert(CONTENT_LENGTH, HeaderValue::from(body.len()));
        }
        let (scheme, path) = (target.scheme, target.path.clone());
        Ok(Self { method, scheme, authority, path, headers, body: body.unwrap_or_default() })
    }

    /// For HTTP/1.1: origin form (RFC 9112 §3.2.1), the authority in `host`.
    pub(super) fn http1(&self) -> http::Request<()> {
        let mut request = http::Request::new(());
        self.method.clone_into(request.method_mut());
        *request.uri_mut() = Uri::from(self.path.clone());
        *request.headers_mut() = self.headers.clone();
        // An authority is made of visible ASCII, so it is always a header value.
        if let Ok(host) = HeaderValue::from_str(self.authority.as_str()) {
            request.headers_mut().insert(HOST, host);
        }
        // RFC 9110 §10.1.4: in HTTP/1.1 `te` is named by `connection`.
        request.headers_mut().insert(CONNECTION, HeaderValue::from_static("te"));
        request
    }

    /// For HTTP/2 and HTTP/3: scheme, authority and path become pseudo-header fields (RFC 9113 §8.3.1, RFC 9114 §4.3.1).
    pub(super) fn multiplexed(&self) -> http::Request<()> {
        let mut request = http::Request::new(());
        self.method.clone_into(request.method_mut());
        let uri = Uri::builder().scheme(self.scheme.as_str()).authority(self.authority.clone());
        // All three parts are there and parsed, so they always make a URI.
        *request.uri_mut() = uri.path_and_query(self.path.clone()).build().unwrap_or_default();
        *request.headers_mut() = self.headers.clone();
        request
    }
}

/// `name: value`. Fields that belong to the connection or to the body's framing are the probe's to set.
fn parse_field(field: &str) -> Result<(HeaderName, HeaderValue), UsageError> {
    let at_fault = || UsageError::Header { field: field.to_owned() };
    let (name, value) = field.split_once(':').ok_or_else(at_fault)?;
    let name: HeaderName = name.trim().parse().map_err(|_| at_fault())?;
    let value = HeaderValue::from_bytes(value.trim().as_bytes()).map_err(|_| at_fault())?;
    // RFC 9113 §8.2.2, RFC 9114 §4.2: connection-specific fields.
    let reserved = [CONNECTION, TRANSFER_ENCODING, UPGRADE, CONTENT_LENGTH].contains(&name)
        || ["keep-alive", "proxy-connection"].contains(&name.as_str());
    if reserved { Err(UsageError::ReservedHeader { name }) } else { Ok((name, value)) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn request(fields: &[&str], body: Option<&'static str>) -> Result<Request, UsageError> {
        let fields: Vec<String> = fields.iter().map(|field| (*field).to_owned()).collect();
        Request::new(&"https://localhost:1/p?q".parse().unwrap(), None, &fields, body.map(Bytes::from))
    }

    #[test]
    fn rfc9112_3_2_1_http1_is_in_origin_form() {
        let request = request(&[], None).unwrap().http1();
        assert_eq!((request.method(), request.uri().to_string().as_str()), (&Method::GET, "/p?q"));
        assert_eq!(request.headers()["host"], "localhost:1");
        assert_eq!(
            (&request.headers()["te"], &request.headers()["connection"]),
            (&"trailers".parse().unwrap(), &"te".parse().unwrap())
        );
    }

    #[test]
    fn rfc9114_4_2_http3_has_no_connection_specific_fields() {
        let request = request(&[], Some("data")).unwrap().multiplexed();
        assert_eq!((request.method(), request.uri().to_string().as_str()), (&Method::POST, "https://localhost:1/p?q"));
        assert!(!request.headers().contains_key("connection") && !request.headers().contains_key("host"));
        assert_eq!(request.headers()["content-length"], "4");
    }

    #[test]
    fn a_host_field_becomes_the_authority() {
        let request = request(&["Host: a.example", "x: 1", "x:2", "user-agent: me"], None).unwrap();
        assert_eq!(request.http1().headers()["host"], "a.example");
        let multiplexed = request.multiplexed();
        assert_eq!(multiplexed.uri().authority().unwrap(), "a.example");
        assert_eq!(multiplexed.headers().get_all("x").iter().collect::<Vec<_>>(), ["1", "2"]);
        assert_eq!(multiplexed.headers()["user-agent"], "me");
    }

    #[test]
    fn fields_that_are_none_or_not_the_callers_are_refused() {
        for field in ["no colon", "bad name: x", "x: a\nb", ": x", "host: a b"] {
            assert!(matches!(request(&[field], None), Err(UsageError::Header { .. })), "{field}");
        }
        for field in ["Connection: close", "transfer-encoding: chunked", "content-length: 3", "Keep-Alive: 1"] {
            assert!(matches!(request(&[field], None), Err(UsageError::ReservedHeader { .. })), "{field}");
        }
    }
}
