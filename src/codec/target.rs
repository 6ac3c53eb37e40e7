//! One form for the target of a request, whatever the version said: the path in the URI, the authority in `host`.

use std::borrow::Cow;

use bytes::Bytes;
use http::header::{CONNECTION, COOKIE, EXPECT, HOST, UPGRADE};
use http::uri::{Authority, PathAndQuery};
use http::{HeaderMap, HeaderValue, Method, Uri};

use super::message::ContentLength;
use crate::http::{ConnectProtocol, Failure};

/// Brings the target of an HTTP/1 request into our form.
///
/// One in absolute form is left as it is where that form is not taken.
///
/// # Errors
/// [`Failure::DownstreamProtocol`] when the authority is missing or said twice, or the scheme is another.
pub(super) fn from_http1(
    version: http::Version,
    method: &Method,
    uri: &mut Uri,
    headers: &mut HeaderMap,
    absolute_form: bool,
) -> Result<(), Failure> {
    let mut hosts = headers.get_all(HOST).iter();
    let host = hosts.next();
    // RFC 9112 §3.2: more than one Host field is answered 400.
    if hosts.next().is_some() {
        return Err(malformed("http1.duplicate_host"));
    }
    // RFC 9112 §3.2: an HTTP/1.1 request without Host is answered 400.
    if host.is_none() && version == http::Version::HTTP_11 {
        return Err(Failure::MissingHost);
    }
    if host.is_some_and(|host| !is_authority(host)) {
        return Err(malformed("http.invalid_authority"));
    }
    // RFC 9112 §3.2: authority-form is for CONNECT only.
    if uri.scheme().is_none() && uri.authority().is_some() && method != Method::CONNECT {
        return Err(malformed("http1.codec_error"));
    }
    if uri.scheme_str().is_some_and(|scheme| !matches!(scheme, "http" | "https")) {
        return Err(malformed("http1.invalid_scheme"));
    }
    if uri.scheme().is_some() && !absolute_form {
        return Ok(());
    }
    // RFC 9112 §3.2.2: with an absolute-form target, Host is replaced by its authority.
    to_origin_form(method, uri, headers)
}

/// Brings the target of an HTTP/2 or HTTP/3 request into our form. `message` has found it well formed.
///
/// # Errors
/// [`Failure::MissingHost`] when there is no authority, or `host` stands for it and is none.
pub(super) fn from_pseudo_fields(method: &Method, uri: &mut Uri, headers: &mut HeaderMap) -> Result<(), Failure> {
    join_cookies(headers);
    ContentLength::say_once(headers);
    to_origin_form(method, uri, headers)?;
    if headers.get(HOST).is_none_or(|host| !is_authority(host)) {
        return Err(Failure::MissingHost);
    }
    Ok(())
}

/// Whether the client waits to be told to go on (RFC 9110 §10.1.1).
pub(super) fn expects_continue(headers: &HeaderMap) -> bool {
    headers.get(EXPECT).is_some_and(|value| value.as_bytes().eq_ignore_ascii_case(b"100-continue"))
}

/// The protocol that a request of HTTP/1 asks to go on in (RFC 9110 §7.8), where it names one. `h2c` is not one: RFC 9113 §3.1 has
/// withdrawn it.
pub(super) fn upgrade(headers: &HeaderMap) -> Option<ConnectProtocol> {
    let mut options = headers.get_all(CONNECTION).iter().flat_map(|value| value.as_bytes().split(|byte| *byte == b','));
    let nominated = options.any(|option| option.trim_ascii().eq_ignore_ascii_case(b"upgrade"));
    let mut protocols = headers.get_all(UPGRADE).iter();
    let (true, Some(protocol), None) = (nominated, protocols.next(), protocols.next()) else { return None };
    let protocol = ConnectProtocol::try_from(Bytes::copy_from_slice(protocol.as_bytes())).ok()?;
    (!protocol.is("h2c")).then_some(protocol)
}

/// Whether the head of a request takes more than `max` bytes.
pub(super) fn is_larger_than(max: usize, uri: &Uri, headers: &HeaderMap) -> bool {
    let path = uri.path_and_query().map_or(0, |path| path.as_str().len());
    let fields = headers.iter().map(|(name, value)| name.as_str().len() + value.len());
    path + fields.sum::<usize>() > max
}

/// RFC 9113 §8.2.3, RFC 9114 §4.2.1: cookie crumbs become one field before they leave for HTTP/1.
fn join_cookies(headers: &mut HeaderMap) {
    let mut crumbs = headers.get_all(COOKIE).iter();
    if crumbs.next().is_none() || crumbs.next().is_none() {
        return;
    }
    let crumbs: Vec<&[u8]> = headers.get_all(COOKIE).iter().map(HeaderValue::as_bytes).collect();
    if let Ok(joined) = HeaderValue::from_bytes(&crumbs.join(&b"; "[..])) {
        headers.insert(COOKIE, joined);
    }
}

fn to_origin_form(method: &Method, uri: &mut Uri, headers: &mut HeaderMap) -> Result<(), Failure> {
    if uri.authority().is_none() && uri.scheme().is_none() {
        return Ok(());
    }
    if let Some(authority) = uri.authority() {
        // RFC 9110 §4.2.4: userinfo in a request target is an error.
        if authority.as_str().contains('@') {
            return Err(malformed("http.invalid_authority"));
        }
        headers.insert(HOST, value(authority)?);
    }
    // CONNECT keeps authority form: there is no path. RFC 8441 §4: an extended one has scheme and path.
    if method == Method::CONNECT && uri.scheme().is_none() {
        return Ok(());
    }
    let mut parts = http::uri::Parts::default();
    parts.path_and_query = Some(uri.path_and_query().cloned().unwrap_or(PathAndQuery::from_static("/")));
    *uri = Uri::from_parts(parts).map_err(|_| malformed("http.invalid_path"))?;
    Ok(())
}

fn value(authority: &Authority) -> Result<HeaderValue, Failure> {
    HeaderValue::from_str(authority.as_str()).map_err(|_| malformed("http.invalid_authority"))
}

fn is_authority(host: &HeaderValue) -> bool {
    let host = host.as_bytes();
    !host.is_empty() && host.iter().all(|byte| byte.is_ascii_graphic() && !b"/?#@\\,".contains(byte))
}

fn malformed(details: &'static str) -> Failure {
    Failure::DownstreamProtocol(Cow::Borrowed(details))
}

#[cfg(test)]
mod tests {
    use http::header::CONTENT_LENGTH;

    use super::*;

    fn http1(target: &str, hosts: &[&'static str]) -> Result<(String, String), Failure> {
        let mut uri: Uri = target.parse().unwrap();
        let mut headers = HeaderMap::new();
        for host in hosts {
            headers.append(HOST, HeaderValue::from_static(host));
        }
        from_http1(http::Version::HTTP_11, &Method::GET, &mut uri, &mut headers, true)?;
        let host = headers.get(HOST).unwrap().to_str().unwrap().to_owned();
        Ok((uri.to_string(), host))
    }

    #[test]
    fn rfc9112_3_2_one_host_and_only_one() {
        assert!(http1("/", &[]).is_err());
        assert!(http1("/", &["a", "a"]).is_err());
        assert!(http1("/", &["a, b"]).is_err());
        assert!(http1("/", &[""]).is_err());
        assert_eq!(http1("/x?y", &["a:80"]).unwrap(), ("/x?y".into(), "a:80".into()));
    }

    #[test]
    fn rfc9112_3_2_authority_form_is_for_connect() {
        assert!(http1("a.test", &["a.test"]).is_err());
    }

    #[test]
    fn rfc9113_8_2_3_cookie_crumbs_become_one_field() {
        let mut headers = HeaderMap::new();
        for crumb in ["a=1", "b=2"] {
            headers.append(COOKIE, HeaderValue::from_static(crumb));
        }
        join_cookies(&mut headers);
        assert_eq!(headers.get_all(COOKIE).iter().collect::<Vec<_>>(), ["a=1; b=2"]);
    }

    #[test]
    fn rfc9110_8_6_a_length_that_was_said_twice_goes_on_once() {
        let mut headers = HeaderMap::new();
        headers.insert(HOST, HeaderValue::from_static("a"));
        for _ in 0..2 {
            headers.append(CONTENT_LENGTH, HeaderValue::from_static("2"));
        }
        from_pseudo_fields(&Method::POST, &mut "/".parse().unwrap(), &mut headers).unwrap();
        assert_eq!(headers.get_all(CONTENT_LENGTH).iter().collect::<Vec<_>>(), ["2"]);
    }

    #[test]
    fn rfc9112_3_2_2_absolute_form_replaces_host() {
        assert_eq!(http1("http://b/x", &["a"]).unwrap(), ("/x".into(), "b".into()));
        assert_eq!(http1("http://b", &["a"]).unwrap(), ("/".into(), "b".into()));
        assert!(http1("http://me@b/x", &["a"]).is_err());
        assert!(http1("ftp://b/x", &["a"]).is_err());
    }

    fn pseudo(uri: &str, host: Option<&'static str>) -> Result<(String, String), Failure> {
        let mut uri: Uri = uri.parse().unwrap();
        let mut headers = HeaderMap::new();
        if let Some(host) = host {
            headers.insert(HOST, HeaderValue::from_static(host));
        }
        from_pseudo_fields(&Method::GET, &mut uri, &mut headers)?;
        Ok((uri.to_string(), headers.get(HOST).unwrap().to_str().unwrap().to_owned()))
    }

    #[test]
    fn rfc9114_4_3_1_the_authority_becomes_host() {
        assert_eq!(pseudo("https://a:1/x?y", None).unwrap(), ("/x?y".into(), "a:1".into()));
        assert_eq!(pseudo("https://a/x", Some("A")).unwrap(), ("/x".into(), "a".into()));
        assert_eq!(pseudo("/x", Some("a")).unwrap(), ("/x".into(), "a".into()));
        assert!(pseudo("/x", None).is_err());
        assert!(pseudo("/x", Some("a, b")).is_err());
    }

    #[test]
    fn rfc8441_4_only_an_extended_connect_has_a_path() {
        for (uri, expected) in [("a:1", "a:1"), ("https://a:1/x?y", "/x?y")] {
            let (mut uri, mut headers) = (uri.parse::<Uri>().unwrap(), HeaderMap::new());
            from_pseudo_fields(&Method::CONNECT, &mut uri, &mut headers).unwrap();
            assert_eq!((uri.to_string().as_str(), headers.get(HOST).unwrap().to_str().unwrap()), (expected, "a:1"));
        }
    }
}
