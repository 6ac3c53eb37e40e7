//! Every way in which a message is malformed, each with what is said of it.

mod typed;
mod written;

use bytes::Bytes;
use http::Method;
use proptest::prelude::*;

use super::*;

const LIMITS: SectionLimits = SectionLimits { bytes: 1 << 16, fields: 100 };

fn request(lines: &[(&str, &str)]) -> Result<RequestHead, Refused> {
    let mut section = RequestSection::new(LIMITS);
    for (name, value) in lines {
        section.push(name.as_bytes(), Bytes::copy_from_slice(value.as_bytes()))?;
    }
    section.finish(true).map_err(Refused::Malformed)
}

fn get(more: &[(&str, &str)]) -> Result<RequestHead, Refused> {
    let head = [(":method", "GET"), (":scheme", "https"), (":authority", "a.test"), (":path", "/")];
    request(&[&head, more].concat())
}

fn malformed(result: Result<RequestHead, Refused>) -> Malformed {
    match result {
        Err(Refused::Malformed(malformed)) => malformed,
        other => panic!("{other:?}"),
    }
}

#[test]
fn rfc9114_4_3_1_a_request_has_method_scheme_authority_and_path() {
    let head = get(&[("accept", "*/*"), ("te", "trailers"), ("content-length", "3")]).unwrap();
    assert_eq!((head.method, head.uri.to_string().as_str()), (Method::GET, "https://a.test/"));
    assert_eq!((head.headers.len(), head.content_length.left()), (3, Some(3)));
}

#[test]
fn rfc9114_4_3_pseudo_headers_are_known_once_and_first() {
    let table: &[(&[(&str, &str)], Malformed)] = &[
        (&[(":path", "/b")], Malformed::DuplicatePseudo),
        (&[(":method", "GET")], Malformed::DuplicatePseudo),
        (&[(":status", "200")], Malformed::UnknownPseudo),
        (&[(":other", "x")], Malformed::UnknownPseudo),
        (&[(":", "x")], Malformed::UnknownPseudo),
        (&[(":Path", "/")], Malformed::UnknownPseudo),
        (&[("a", "b"), (":protocol", "websocket")], Malformed::LatePseudo),
        (&[("a", "b"), (":path", "/")], Malformed::LatePseudo),
    ];
    for (more, expected) in table {
        assert_eq!(malformed(get(more)), *expected, "{more:?}");
    }
}

#[test]
fn rfc9114_4_3_1_what_has_to_be_there_is() {
    let whole = [(":method", "GET"), (":scheme", "https"), (":authority", "a.test"), (":path", "/")];
    for missing in 0..whole.len() {
        let rest: Vec<_> = whole.iter().copied().filter(|line| *line != whole[missing]).collect();
        assert_eq!(malformed(request(&rest)), Malformed::MissingPseudo, "{:?}", whole[missing]);
    }
    // `host` stands in for `:authority`, as from a gateway that came from HTTP/1.
    let host = [(":method", "GET"), (":scheme", "https"), (":path", "/"), ("host", "a.test")];
    assert_eq!(request(&host).unwrap().uri.to_string(), "/");
}

#[test]
fn rfc9114_4_3_1_values_of_pseudo_headers_are_what_they_say() {
    let with = |name: &str, value: &str| {
        let mut lines = [(":method", "GET"), (":scheme", "https"), (":authority", "a.test"), (":path", "/")];
        for line in &mut lines {
            if line.0 == name {
                line.1 = value;
            }
        }
        request(&lines)
    };
    let table = [
        (":method", "", Malformed::Method),
        (":method", "G T", Malformed::Method),
        (":method", "G\r\nT", Malformed::Method),
        (":scheme", "", Malformed::Scheme),
        (":scheme", "ht tp", Malformed::Scheme),
        (":authority", "", Malformed::Authority),
        (":authority", "user@a.test", Malformed::Authority),
        (":authority", "a.test/b", Malformed::Authority),
        (":authority", "a test", Malformed::Authority),
        (":path", "", Malformed::Path),
        (":path", "a", Malformed::Path),
        (":path", "*", Malformed::Path),
        (":path", "/a b", Malformed::Path),
        (":path", "/a#b", Malformed::Path),
        (":path", "/a\r\nx: y", Malformed::Path),
        (":path", "http://a.test/", Malformed::Path),
    ];
    for (name, value, expected) in table {
        assert_eq!(malformed(with(name, value)), expected, "{name}: {value:?}");
    }
    for path in ["/", "/a?b=c", "//a", "/%00", "/?"] {
        assert!(with(":path", path).is_ok(), "{path}");
    }
    let options = [(":method", "OPTIONS"), (":scheme", "https"), (":authority", "a.test"), (":path", "*")];
    assert!(request(&options).is_ok());
}

#[test]
fn rfc9114_4_3_1_authority_and_host_agree() {
    assert!(get(&[("host", "A.test")]).is_ok());
    assert_eq!(malformed(get(&[("host", "b.test")])), Malformed::AuthorityAndHost);
    assert_eq!(malformed(get(&[("host", "")])), Malformed::Authority);
    assert_eq!(malformed(get(&[("host", "a.test"), ("host", "a.test")])), Malformed::Authority);
}

#[test]
fn rfc9114_4_4_connect_has_an_authority_and_nothing_else() {
    assert!(request(&[(":method", "CONNECT"), (":authority", "a.test:443")]).is_ok());
    assert_eq!(malformed(request(&[(":method", "CONNECT")])), Malformed::MissingPseudo);
    assert_eq!(malformed(request(&[(":method", "CONNECT"), (":authority", "a.test")])), Malformed::Authority);
    for more in [(":path", "/"), (":scheme", "https")] {
        let lines = [(":method", "CONNECT"), (":authority", "a.test:443"), more];
        assert_eq!(malformed(request(&lines)), Malformed::ForbiddenPseudo, "{more:?}");
    }
}

#[test]
fn rfc9220_3_extended_connect_has_everything_where_it_is_allowed() {
    let lines = [
        (":method", "CONNECT"),
        (":protocol", "websocket"),
        (":scheme", "https"),
        (":authority", "a.test"),
        (":path", "/chat"),
    ];
    let head = request(&lines).unwrap();
    assert_eq!(head.protocol.unwrap().as_bytes(), b"websocket");
    assert_eq!(head.uri.path(), "/chat");
    let mut section = RequestSection::new(LIMITS);
    for (name, value) in lines {
        section.push(name.as_bytes(), Bytes::from_static(value.as_bytes())).unwrap();
    }
    assert_eq!(section.finish(false).unwrap_err(), Malformed::ForbiddenPseudo);
    assert_eq!(malformed(request(&lines[..4])), Malformed::MissingPseudo);
    let with_line_break = [lines[0], (":protocol", "a\r\nb"), lines[2], lines[3], lines[4]];
    assert_eq!(malformed(request(&with_line_break)), Malformed::Protocol);
    let with_get = [(":method", "GET"), lines[1], lines[2], lines[3], lines[4]];
    assert_eq!(malformed(request(&with_get)), Malformed::ForbiddenPseudo);
}

#[test]
fn rfc9114_4_2_fields_are_lower_case_and_not_about_a_connection() {
    let table = [
        ("Accept", "x", Malformed::FieldName),
        ("a b", "x", Malformed::FieldName),
        ("", "x", Malformed::FieldName),
        ("a\n", "x", Malformed::FieldName),
        ("é", "x", Malformed::FieldName),
        ("a\"b", "x", Malformed::FieldName),
        ("connection", "close", Malformed::ConnectionSpecific),
        ("keep-alive", "x", Malformed::ConnectionSpecific),
        ("proxy-connection", "x", Malformed::ConnectionSpecific),
        ("transfer-encoding", "chunked", Malformed::ConnectionSpecific),
        ("upgrade", "x", Malformed::ConnectionSpecific),
        ("te", "gzip", Malformed::Te),
        ("te", "trailers, gzip", Malformed::Te),
        ("te", "", Malformed::Te),
        ("a", "b\r\nc", Malformed::FieldValue),
        ("a", "b\nc", Malformed::FieldValue),
        ("a", "b\0c", Malformed::FieldValue),
        ("a", " b", Malformed::FieldValue),
        ("a", "b\t", Malformed::FieldValue),
        ("a", "\u{7f}", Malformed::FieldValue),
    ];
    for (name, value, expected) in table {
        assert_eq!(malformed(get(&[(name, value)])), expected, "{name:?}: {value:?}");
    }
    for value in ["", "a b", "a\tb", "é"] {
        assert!(get(&[("a", value)]).is_ok(), "{value:?}");
    }
}

#[test]
fn rfc9110_8_6_content_length_is_one_number() {
    for bad in ["", "x", "-1", "+1", "1.5", "0x1", "1, 1", "99999999999999999999"] {
        assert_eq!(malformed(get(&[("content-length", bad)])), Malformed::ContentLength, "{bad:?}");
    }
    assert_eq!(malformed(get(&[("content-length", "1"), ("content-length", "2")])), Malformed::ContentLength);
    let twice = get(&[("content-length", "2"), ("content-length", "2")]).unwrap();
    assert_eq!(twice.content_length.left(), Some(2));
}

#[test]
fn rfc9114_4_1_2_content_is_as_long_as_announced() {
    let announced = get(&[("content-length", "5")]).unwrap().content_length;
    let mut exact = announced;
    assert_eq!((exact.take(2), exact.take(3), exact.end()), (Ok(()), Ok(()), Ok(())));
    let mut more = announced;
    assert_eq!(more.take(6), Err(Malformed::ContentLengthMismatch));
    let mut less = announced;
    assert_eq!((less.take(4), less.end()), (Ok(()), Err(Malformed::ContentLengthMismatch)));
    let mut unknown = ContentLength::UNKNOWN;
    assert_eq!((unknown.take(usize::MAX), unknown.end()), (Ok(()), Ok(())));
}

#[test]
fn rfc9114_4_2_2_every_field_line_counts() {
    let limits = SectionLimits { bytes: 100, fields: 2 };
    let mut section = TrailerSection::new(limits);
    // 1 + 2 + 32, then 1 + 32 + 32: exactly the limit.
    section.push(b"a", Bytes::from_static(b"bc")).unwrap();
    section.push(b"b", Bytes::from(vec![b'x'; 32])).unwrap();
    assert_eq!(section.push(b"c", Bytes::new()), Err(Refused::TooLarge));
    let mut section = TrailerSection::new(SectionLimits { bytes: 1000, fields: 2 });
    section.push(b"cookie", Bytes::from_static(b"a=b")).unwrap();
    section.push(b"cookie", Bytes::from_static(b"c=d")).unwrap();
    assert_eq!(section.push(b"cookie", Bytes::from_static(b"e=f")), Err(Refused::TooMany));
}

#[test]
fn rfc9114_4_3_trailers_have_no_pseudo_headers() {
    let mut section = TrailerSection::new(LIMITS);
    section.push(b"a", Bytes::from_static(b"b")).unwrap();
    assert_eq!(section.push(b":path", Bytes::from_static(b"/")), Err(Malformed::ForbiddenPseudo.into()));
}

#[test]
fn rfc9114_4_3_2_a_response_has_a_status() {
    let response = |lines: &[(&str, &str)]| {
        let mut section = ResponseSection::new(LIMITS);
        for (name, value) in lines {
            section.push(name.as_bytes(), Bytes::copy_from_slice(value.as_bytes()))?;
        }
        section.finish().map_err(Refused::Malformed)
    };
    assert_eq!(response(&[(":status", "204"), ("a", "b")]).unwrap().status, 204);
    let table: &[(&[(&str, &str)], Malformed)] = &[
        (&[], Malformed::MissingPseudo),
        (&[("a", "b")], Malformed::MissingPseudo),
        (&[(":status", "")], Malformed::Status),
        (&[(":status", "20")], Malformed::Status),
        (&[(":status", "2000")], Malformed::Status),
        (&[(":status", "099")], Malformed::Status),
        (&[(":status", "abc")], Malformed::Status),
        (&[(":status", "101")], Malformed::Status),
        (&[(":status", "200"), (":status", "200")], Malformed::DuplicatePseudo),
        (&[("a", "b"), (":status", "200")], Malformed::LatePseudo),
        (&[(":status", "200"), (":path", "/")], Malformed::UnknownPseudo),
        (&[(":status", "200"), ("connection", "close")], Malformed::ConnectionSpecific),
        (&[(":status", "200"), ("content-length", "a")], Malformed::ContentLength),
    ];
    for (lines, expected) in table {
        assert_eq!(response(lines).unwrap_err(), Refused::Malformed(*expected), "{lines:?}");
    }
}

const NAMES: &[&[u8]] =
    &[b":method", b":scheme", b":authority", b":path", b":protocol", b"host", b"te", b"content-length", b"a"];
const VALUES: &[&[u8]] = &[b"GET", b"CONNECT", b"https", b"a.test", b"/", b"*", b"trailers", b"1"];

/// One of these, or any bytes.
fn words(known: &'static [&'static [u8]]) -> impl Strategy<Value = Vec<u8>> {
    let any_bytes = prop::collection::vec(any::<u8>(), 0..8);
    prop_oneof![3 => prop::sample::select(known).prop_map(<[u8]>::to_vec), 1 => any_bytes]
}

proptest! {
    #[test]
    fn any_lines_give_a_head_that_can_be_written_as_http1_or_a_refusal(
        lines in prop::collection::vec((words(NAMES), words(VALUES)), 0..8),
        extended in any::<bool>(),
    ) {
        let mut section = RequestSection::new(LIMITS);
        let pushed = lines.iter().try_for_each(|(name, value)| section.push(name, Bytes::copy_from_slice(value)));
        if pushed.is_ok() && let Ok(head) = section.finish(extended) {
            let target = head.uri.to_string();
            prop_assert!(!target.contains([' ', '\r', '\n', '\0']), "{target:?}");
            for (name, value) in &head.headers {
                prop_assert!(!name.as_str().contains([' ', ':', '\r', '\n', '\0']));
                prop_assert!(!value.as_bytes().iter().any(|byte| b"\r\n\0".contains(byte)));
            }
        }
    }
}
