//! What is done with one input, by the fuzzer and by the test that replays its corpus.
//!
//! The first byte chooses what the field lines are: a request (two of four; one of them where extended CONNECT is taken),
//! a response, or trailers. Then come lines: a byte that chooses a name that is known or says the length of one that
//! follows, a byte that does the same for the value. What is accepted is held against rules that are stated here once
//! more, and must be the same message after it was written as HTTP/1.1 and parsed by somebody else.

use bytes::Bytes;
use http::{HeaderMap, Request, Response};
use quicgate::codec::message::{
    Content, ContentLength, RequestHead, RequestSection, ResponseSection, SectionLimits, TrailerSection, check_request,
    check_response, check_trailers,
};
use quicgate::http::ConnectProtocol;

/// Reads the lines of an input as a message, and panics when something is not as it must be.
pub(crate) fn drive(data: &[u8]) {
    let Some((kind, rest)) = data.split_first() else { return };
    let lines: Vec<Line<'_>> = Lines(rest).collect();
    match kind % 4 {
        2 => response(&lines),
        3 => trailers(&lines),
        extended => request(&lines, extended == 1),
    }
}

type Line<'a> = (&'a [u8], &'a [u8]);

fn request(lines: &[Line<'_>], extended: bool) {
    let mut section = RequestSection::new(LIMITS);
    if lines.iter().any(|(name, value)| section.push(name, Bytes::copy_from_slice(value)).is_err()) {
        return;
    }
    let Ok(head) = section.finish(extended) else { return };
    well_formed(lines, &head.headers, &[":method", ":scheme", ":authority", ":path", ":protocol"]);
    let pseudo = |name: &str| only(lines, name);
    let tunnel = head.method == "CONNECT" && head.protocol.is_none();
    assert_eq!(pseudo(":method"), Some(head.method.as_str().as_bytes()));
    assert_eq!(pseudo(":protocol"), head.protocol.as_ref().map(ConnectProtocol::as_bytes));
    assert_eq!(pseudo(":authority"), head.uri.authority().map(|authority| authority.as_str().as_bytes()));
    assert!(pseudo(":protocol").is_none() || extended && head.method == "CONNECT");
    assert_eq!((pseudo(":scheme").is_none(), pseudo(":path").is_none()), (tunnel, tunnel));
    if !tunnel {
        let path = head.uri.path_and_query().expect("a path").as_str();
        assert_eq!(pseudo(":path"), Some(path.as_bytes()));
        assert!(path.starts_with('/') || path == "*" && head.method == "OPTIONS");
        assert!(!path.contains('#'));
    }
    if let Some(authority) = pseudo(":authority") {
        assert!(!authority.is_empty() && !authority.contains(&b'@'));
        assert!(only(lines, "host").is_none_or(|host| host.eq_ignore_ascii_case(authority)));
    }
    if head.method == "CONNECT" {
        assert_eq!(head.content_length, ContentLength::UNKNOWN);
    } else {
        content(lines, head.content_length);
    }
    // A scheme that needs no authority is not in a URI without one.
    if head.uri.authority().is_some() || head.headers.contains_key("host") {
        as_typed(&head);
    }
    as_http1(&head, tunnel);
}

/// The same message, typed by another parser, is accepted too, and says the same.
fn as_typed(head: &RequestHead) {
    let mut request = Request::new(());
    request.method_mut().clone_from(&head.method);
    request.uri_mut().clone_from(&head.uri);
    request.headers_mut().clone_from(&head.headers);
    let (parts, ()) = request.into_parts();
    // A scheme without an authority is not in a URI: it is taken for the longest that is common, which may be too large.
    let limits = SectionLimits { bytes: LIMITS.bytes + 5, ..LIMITS };
    assert_eq!(check_request(&parts, head.protocol.is_some(), limits), Ok(head.content_length));
}

/// Another parser reads the head as HTTP/1.1 as what it is, to its last byte.
fn as_http1(head: &RequestHead, tunnel: bool) {
    let target = if tunnel {
        head.uri.authority().expect("where to").as_str()
    } else {
        head.uri.path_and_query().expect("a path").as_str()
    };
    let mut text = format!("{} {target} HTTP/1.1\r\n", head.method).into_bytes();
    fields(&mut text, &head.headers);
    let mut parsed = [httparse::EMPTY_HEADER; LIMITS.fields];
    let mut request = httparse::Request::new(&mut parsed);
    assert_eq!(request.parse(&text), Ok(httparse::Status::Complete(text.len())), "{}", text.escape_ascii());
    assert_eq!((request.method, request.path), (Some(head.method.as_str()), Some(target)));
    same(request.headers, &head.headers);
}

fn response(lines: &[Line<'_>]) {
    let mut section = ResponseSection::new(LIMITS);
    if lines.iter().any(|(name, value)| section.push(name, Bytes::copy_from_slice(value)).is_err()) {
        return;
    }
    let Ok(head) = section.finish() else { return };
    well_formed(lines, &head.headers, &[":status"]);
    assert_eq!(only(lines, ":status"), Some(head.status.as_str().as_bytes()));
    assert_ne!(head.status, 101);
    content(lines, head.content_length);
    let mut typed = Response::new(());
    *typed.status_mut() = head.status;
    typed.headers_mut().clone_from(&head.headers);
    assert_eq!(check_response(&typed.into_parts().0, LIMITS), Ok(head.content_length));
    let mut text = format!("HTTP/1.1 {} \r\n", head.status.as_str()).into_bytes();
    fields(&mut text, &head.headers);
    let mut parsed = [httparse::EMPTY_HEADER; LIMITS.fields];
    let mut response = httparse::Response::new(&mut parsed);
    assert_eq!(response.parse(&text), Ok(httparse::Status::Complete(text.len())), "{}", text.escape_ascii());
    assert_eq!(response.code, Some(head.status.as_u16()));
    same(response.headers, &head.headers);
}

fn trailers(lines: &[Line<'_>]) {
    let mut section = TrailerSection::new(LIMITS);
    if lines.iter().any(|(name, value)| section.push(name, Bytes::copy_from_slice(value)).is_err()) {
        return;
    }
    let trailers = section.finish();
    well_formed(lines, &trailers, &[]);
    assert_eq!(check_trailers(&trailers, LIMITS), Ok(()));
    let mut text = Vec::new();
    fields(&mut text, &trailers);
    let mut parsed = [httparse::EMPTY_HEADER; LIMITS.fields];
    let (length, parsed) = httparse::parse_headers(&text, &mut parsed).expect("fields").unwrap();
    assert_eq!(length, text.len());
    same(parsed, &trailers);
}

/// The rules of every section, of the lines as they came; and all of them are there.
fn well_formed(lines: &[Line<'_>], headers: &HeaderMap, pseudo: &[&str]) {
    let size: usize = lines.iter().map(|(name, value)| name.len() + value.len() + 32).sum();
    assert!(size <= LIMITS.bytes && lines.len() <= LIMITS.fields);
    let first = lines.iter().take_while(|(name, _)| name.starts_with(b":")).count();
    let (before, fields) = lines.split_at(first);
    for (at, (name, _)) in before.iter().enumerate() {
        assert!(pseudo.iter().any(|known| known.as_bytes() == *name));
        assert!(before[..at].iter().all(|(other, _)| other != name), "twice");
    }
    assert_eq!(fields.len(), headers.len());
    for (name, value) in fields {
        let is_token =
            |byte: &u8| b"!#$%&'*+-.^_`|~".contains(byte) || byte.is_ascii_digit() || byte.is_ascii_lowercase();
        assert!(!name.is_empty() && name.iter().all(is_token));
        assert!(!value.iter().any(|byte| *byte == 0x7f || *byte < b' ' && *byte != b'\t'));
        assert!(![value.first(), value.last()].iter().any(|end| matches!(end, Some(b' ' | b'\t'))));
        let name = std::str::from_utf8(name).expect("a token");
        assert!(!["connection", "keep-alive", "proxy-connection", "transfer-encoding", "upgrade"].contains(&name));
        assert!(name != "te" || value.eq_ignore_ascii_case(b"trailers"));
        // Those of one name in their order.
        let mut of_name = fields.iter().filter(|(other, _)| *other == name.as_bytes()).map(|(_, value)| *value);
        assert!(headers.get_all(name).iter().all(|value| of_name.next() == Some(value.as_bytes())));
        assert_eq!(of_name.next(), None);
    }
}

/// Each `content-length` is digits, and all say the same; content that is as long is whole, and no other is.
fn content(lines: &[Line<'_>], length: ContentLength) {
    let mut said = lines.iter().filter(|(name, _)| name == b"content-length").map(|(_, value)| *value);
    let number = |value: &[u8]| {
        assert!(!value.is_empty() && value.iter().all(u8::is_ascii_digit));
        value.iter().fold(0_u64, |number, digit| number * 10 + u64::from(digit - b'0'))
    };
    let first = said.next().map(number);
    assert!(said.all(|value| Some(number(value)) == first));
    assert_eq!(length.left(), first);
    let whole = first.filter(|length| *length < 1000).map(|length| vec![0; usize::try_from(length).expect("small")]);
    let Some(whole) = whole else { return };
    let read = |bytes: &[u8]| {
        let mut content = Content::new(length);
        let mut came = 0;
        for part in bytes.chunks(7) {
            came += content.data(Bytes::copy_from_slice(part)).ok()?.map_or(0, |part| part.len());
        }
        assert!(came < whole.len() || whole.is_empty(), "whole before the end");
        content.end().ok()?;
        came += content.take_held().and_then(|frame| frame.into_data().ok()).map_or(0, |part| part.len());
        assert!(content.is_over());
        Some(came)
    };
    assert_eq!(read(&whole), Some(whole.len()));
    assert_eq!(read(&[&whole[..], &[0]].concat()), None);
    assert!(whole.is_empty() || read(&whole[1..]).is_none());
}

/// The value of the only line of a name.
fn only<'a>(lines: &[Line<'a>], name: &str) -> Option<&'a [u8]> {
    let mut values = lines.iter().filter(|(other, _)| *other == name.as_bytes()).map(|(_, value)| *value);
    let value = values.next();
    assert_eq!(values.next(), None, "{name} twice");
    value
}

fn fields(text: &mut Vec<u8>, headers: &HeaderMap) {
    for (name, value) in headers {
        text.extend_from_slice(name.as_str().as_bytes());
        text.extend_from_slice(b": ");
        text.extend_from_slice(value.as_bytes());
        text.extend_from_slice(b"\r\n");
    }
    text.extend_from_slice(b"\r\n");
}

fn same(parsed: &[httparse::Header<'_>], headers: &HeaderMap) {
    assert_eq!(parsed.len(), headers.len());
    for (parsed, (name, value)) in parsed.iter().zip(headers) {
        assert_eq!((parsed.name, parsed.value), (name.as_str(), value.as_bytes()));
    }
}

struct Lines<'a>(&'a [u8]);

impl<'a> Iterator for Lines<'a> {
    type Item = Line<'a>;

    fn next(&mut self) -> Option<Line<'a>> {
        let (&[name, value], rest) = self.0.split_first_chunk()?;
        self.0 = rest;
        Some((self.word(name, NAMES), self.word(value, VALUES)))
    }
}

impl<'a> Lines<'a> {
    /// One of the words that are known, or as many bytes as are said.
    fn word(&mut self, which: u8, known: &[&'static [u8]]) -> &'a [u8] {
        if let Some(word) = usize::from(which).checked_sub(128).and_then(|which| known.get(which)) {
            return word;
        }
        let (word, rest) = self.0.split_at(usize::from(which % 64).min(self.0.len()));
        self.0 = rest;
        word
    }
}

const LIMITS: SectionLimits = SectionLimits { bytes: 700, fields: 12 };

const NAMES: &[&[u8]] = &[
    b":method",
    b":scheme",
    b":authority",
    b":path",
    b":protocol",
    b":status",
    b"host",
    b"content-length",
    b"te",
    b"cookie",
    b"x-a",
    b"transfer-encoding",
    b"connection",
];

const VALUES: &[&[u8]] = &[
    b"GET",
    b"OPTIONS",
    b"CONNECT",
    b"https",
    b"a.test",
    b"a.test:443",
    b"A.TEST",
    b"/",
    b"/a?b=c",
    b"*",
    b"websocket",
    b"200",
    b"trailers",
    b"7",
    b"0",
    b"a=b",
    b"chunked",
    b"/a\r\nhost: b",
    b"",
];
