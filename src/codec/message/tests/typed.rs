//! Messages that another parser has typed, and content on its way.

use http::{HeaderMap, HeaderName, HeaderValue, Request, Response, StatusCode, Uri};

use super::*;

/// A request as the h2 crate hands it over.
fn parts(method: &str, uri: Uri, fields: &[(&'static str, &'static str)]) -> http::request::Parts {
    let mut request = Request::new(());
    *request.method_mut() = method.parse().unwrap();
    *request.uri_mut() = uri;
    *request.headers_mut() = map(fields);
    request.into_parts().0
}

fn map(fields: &[(&'static str, &'static str)]) -> HeaderMap {
    let mut map = HeaderMap::new();
    for (name, value) in fields {
        map.append(HeaderName::from_lowercase(name.as_bytes()).unwrap(), HeaderValue::from_static(value));
    }
    map
}

fn uri(scheme: &str, authority: &str, path: &str) -> Uri {
    Uri::builder().scheme(scheme).authority(authority).path_and_query(path).build().unwrap()
}

/// Only these pseudo-header fields came, which no builder makes a URI of.
fn bare(authority: Option<&str>, path: Option<&str>) -> Uri {
    let mut parts = http::uri::Parts::default();
    parts.authority = authority.map(|authority| authority.parse().unwrap());
    parts.path_and_query = path.map(|path| path.parse().unwrap());
    Uri::from_parts(parts).unwrap()
}

#[test]
fn rfc9113_8_3_1_a_request_that_is_typed_keeps_the_same_rules() {
    let at = |path: &str| uri("https", "a.test", path);
    let table: Vec<(http::request::Parts, Result<Option<u64>, Malformed>)> = vec![
        (parts("GET", at("/"), &[]), Ok(None)),
        (parts("POST", at("/a?b"), &[("content-length", "3"), ("te", "trailers")]), Ok(Some(3))),
        (parts("OPTIONS", at("*"), &[]), Ok(None)),
        (parts("GET", bare(None, Some("/")), &[("host", "a.test")]), Ok(None)),
        (parts("CONNECT", bare(Some("a.test:443"), None), &[]), Ok(None)),
        (parts("GET", at("*"), &[]), Err(Malformed::Path)),
        (parts("GET", at("?a"), &[]), Err(Malformed::Path)),
        (parts("GET", bare(None, Some("?a")), &[("host", "a.test")]), Err(Malformed::Path)),
        (parts("GET", bare(None, None), &[("host", "a.test")]), Err(Malformed::MissingPseudo)),
        (parts("GET", bare(None, Some("/")), &[]), Err(Malformed::MissingPseudo)),
        (parts("GET", uri("1http", "a.test", "/"), &[]), Err(Malformed::Scheme)),
        (parts("GET", uri("https", "me@a.test", "/"), &[]), Err(Malformed::Authority)),
        (parts("GET", at("/"), &[("host", "b.test")]), Err(Malformed::AuthorityAndHost)),
        (parts("GET", at("/"), &[("host", "a.test"), ("host", "b.test")]), Err(Malformed::Authority)),
        (parts("GET", bare(None, Some("/")), &[("host", "a"), ("host", "a")]), Err(Malformed::Authority)),
        (parts("GET", bare(None, Some("/")), &[("host", "")]), Err(Malformed::Authority)),
        (parts("CONNECT", bare(None, None), &[("host", "a.test:443")]), Err(Malformed::MissingPseudo)),
        (parts("CONNECT", bare(Some("a.test"), None), &[]), Err(Malformed::Authority)),
        (parts("CONNECT", at("/"), &[]), Err(Malformed::ForbiddenPseudo)),
        (parts("GET", at("/"), &[("connection", "close")]), Err(Malformed::ConnectionSpecific)),
        (parts("GET", at("/"), &[("te", "gzip")]), Err(Malformed::Te)),
        (parts("GET", at("/"), &[("a", " b")]), Err(Malformed::FieldValue)),
        (parts("GET", at("/"), &[("a\"b", "c")]), Err(Malformed::FieldName)),
        (parts("POST", at("/"), &[("content-length", "")]), Err(Malformed::ContentLength)),
    ];
    for (parts, expected) in table {
        let checked = check_request(&parts, false, LIMITS).map(ContentLength::left);
        assert_eq!(checked, expected.map_err(Refused::Malformed), "{parts:?}");
    }
}

#[test]
fn rfc8441_4_a_typed_protocol_comes_with_connect() {
    let at = uri("https", "a.test", "/chat");
    assert!(check_request(&parts("CONNECT", at.clone(), &[]), true, LIMITS).is_ok());
    let with_get = check_request(&parts("GET", at, &[]), true, LIMITS);
    assert_eq!(with_get, Err(Malformed::ForbiddenPseudo.into()));
    let without_path = check_request(&parts("CONNECT", bare(Some("a.test:443"), None), &[]), true, LIMITS);
    assert_eq!(without_path, Err(Malformed::MissingPseudo.into()));
}

#[test]
fn rfc9113_6_5_2_every_line_of_a_typed_section_counts() {
    // 7 + 3, 7 + 5, 10 + 6, 5 + 1, 1 + 2, and 32 with each.
    let request = parts("GET", uri("https", "a.test", "/"), &[("a", "bc")]);
    let check = |bytes, fields| check_request(&request, false, SectionLimits { bytes, fields });
    assert!(check(207, 5).is_ok());
    assert_eq!(check(206, 5), Err(Refused::TooLarge));
    assert_eq!(check(207, 4), Err(Refused::TooMany));
    let trailers = map(&[("a", "b"), ("a", "b")]);
    assert_eq!(check_trailers(&trailers, SectionLimits { bytes: 68, fields: 2 }), Ok(()));
    assert_eq!(check_trailers(&trailers, SectionLimits { bytes: 67, fields: 2 }), Err(Refused::TooLarge));
    assert_eq!(check_trailers(&trailers, SectionLimits { bytes: 68, fields: 1 }), Err(Refused::TooMany));
    assert_eq!(check_trailers(&map(&[("te", "x")]), LIMITS), Err(Malformed::Te.into()));
}

#[test]
fn rfc9113_8_3_2_a_response_that_is_typed_keeps_the_same_rules() {
    let check = |status: u16, fields: &[(&'static str, &'static str)]| {
        let mut response = Response::new(());
        *response.status_mut() = StatusCode::from_u16(status).unwrap();
        *response.headers_mut() = map(fields);
        check_response(&response.into_parts().0, LIMITS).map(ContentLength::left)
    };
    assert_eq!(check(200, &[("content-length", "3")]), Ok(Some(3)));
    assert_eq!(check(103, &[]), Ok(None));
    assert_eq!(check(101, &[]), Err(Malformed::Status.into()));
    assert_eq!(check(200, &[("upgrade", "x")]), Err(Malformed::ConnectionSpecific.into()));
    assert_eq!(check(200, &[("content-length", "x")]), Err(Malformed::ContentLength.into()));
}

fn content(length: &'static str) -> Content {
    Content::new(ContentLength::of(&map(&[("content-length", length)])).unwrap())
}

#[test]
fn rfc9113_8_1_1_what_makes_a_message_whole_waits_for_its_end() {
    let mut content = content("3");
    assert_eq!(content.data("a".into()), Ok(Some("a".into())));
    assert_eq!(content.size_hint().exact(), Some(2));
    assert_eq!(content.data("bc".into()), Ok(None));
    // What is empty drives out nothing that is held.
    assert_eq!(content.data(Bytes::new()), Ok(None));
    assert_eq!(content.size_hint().exact(), Some(2));
    assert!(content.take_held().is_none() && !content.is_over());
    content.trailers(map(&[("x-sum", "1")])).unwrap();
    content.end().unwrap();
    assert_eq!(content.take_held().unwrap().into_data().unwrap(), "bc");
    assert!(!content.is_over());
    assert_eq!(content.take_held().unwrap().into_trailers().unwrap()["x-sum"], "1");
    assert!(content.is_over() && content.take_held().is_none());
}

#[test]
fn rfc9113_8_1_1_nothing_that_is_held_goes_on_when_the_message_is_malformed() {
    let mismatch = Err(Malformed::ContentLengthMismatch);
    let mut more = content("1");
    assert_eq!(more.data("a".into()), Ok(None));
    assert_eq!(more.data("b".into()).map(|_| ()), mismatch);
    assert!(more.is_over() && more.take_held().is_none());
    let mut less = content("2");
    less.data("a".into()).unwrap();
    assert_eq!(less.end(), mismatch);
    let mut trailers = content("2");
    trailers.data("a".into()).unwrap();
    assert_eq!(trailers.trailers(HeaderMap::new()), mismatch);
    let mut broken = content("1");
    broken.data("a".into()).unwrap();
    broken.give_up();
    assert!(broken.is_over() && broken.take_held().is_none());
    // Of unknown length, everything goes on at once.
    let mut unknown = Content::new(ContentLength::UNKNOWN);
    assert_eq!(unknown.data("a".into()), Ok(Some("a".into())));
    assert_eq!((unknown.size_hint().exact(), unknown.end()), (None, Ok(())));
    assert!(unknown.is_over());
}
