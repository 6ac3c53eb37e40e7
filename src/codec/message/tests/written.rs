//! Sections that are well formed, written here: all of them are taken, and come out as they were.

use super::*;

/// RFC 9110 §5.6.2, in lower case.
fn token() -> impl Strategy<Value = String> {
    "[a-z0-9!#$%&'*+.^_`|~-]{1,12}"
}

/// A name that means nothing here.
fn name() -> impl Strategy<Value = String> {
    token().prop_map(|token| format!("x-{token}"))
}

/// RFC 9110 §5.5: visible characters of any kind, with white space between them only.
fn value() -> impl Strategy<Value = Vec<u8>> {
    let visible = prop_oneof![0x21_u8..0x7f, 0x80_u8..=0xff];
    let inner = prop_oneof![4 => visible.clone(), 1 => Just(b' '), 1 => Just(b'\t')];
    let some = (visible.clone(), prop::collection::vec(inner, 0..20), visible);
    let some = some.prop_map(|(first, inner, last)| [&[first], &inner[..], &[last]].concat());
    prop_oneof![4 => some, 1 => Just(Vec::new())]
}

/// RFC 3986 §3.2.2, §3.3 and §3.4.
fn authority() -> impl Strategy<Value = String> {
    ("[a-zA-Z0-9]([a-zA-Z0-9.-]{0,10}[a-z0-9])?|\\[::1\\]", prop::option::of(1_u16..)).prop_map(|(host, port)| {
        match port {
            Some(port) => format!("{host}:{port}"),
            None => host,
        }
    })
}

fn path() -> impl Strategy<Value = String> {
    ("(/([a-zA-Z0-9._~!$&'()*+,;=:@-]|%[0-9A-F]{2}){0,6}){1,4}", "(\\?[a-z=&/?%]{0,8})?")
        .prop_map(|(path, query)| path + &query)
}

/// Lines of a request, those of pseudo-header fields in any order, and how many these are.
fn section() -> impl Strategy<Value = (Vec<(String, Vec<u8>)>, usize)> {
    let fields = prop::collection::vec((name(), value()), 0..12);
    let method = "[A-Z]{1,7}|m-search".prop_filter("a tunnel has no path", |method| method != "CONNECT");
    (method, "https?", authority(), path(), fields, any::<(bool, u64)>()).prop_flat_map(
        |(method, scheme, authority, path, mut fields, (has_host, length))| {
            let pseudo =
                vec![(":method", method), (":scheme", scheme), (":authority", authority.clone()), (":path", path)];
            if has_host {
                fields.push(("host".into(), authority.to_ascii_uppercase().into()));
                fields.push(("content-length".into(), length.to_string().into()));
                fields.push(("te".into(), b"trailers".to_vec()));
            }
            (Just(pseudo).prop_shuffle(), Just(fields)).prop_map(|(pseudo, fields)| {
                let pseudo: Vec<_> = pseudo.into_iter().map(|(name, value)| (name.into(), value.into())).collect();
                let count = pseudo.len();
                ([pseudo, fields].concat(), count)
            })
        },
    )
}

fn read(lines: &[(String, Vec<u8>)]) -> Result<RequestHead, Refused> {
    let mut section = RequestSection::new(LIMITS);
    for (name, value) in lines {
        section.push(name.as_bytes(), Bytes::copy_from_slice(value))?;
    }
    section.finish(false).map_err(Refused::Malformed)
}

fn line(lines: &[(String, Vec<u8>)], name: &str) -> String {
    let found = lines.iter().find(|line| line.0 == name).unwrap();
    String::from_utf8(found.1.clone()).unwrap()
}

fn values<'a>(lines: &'a [(String, Vec<u8>)], name: &str) -> Vec<&'a [u8]> {
    lines.iter().filter(|line| line.0 == name).map(|line| &line.1[..]).collect()
}

proptest! {
    #[test]
    fn a_well_formed_request_comes_out_as_it_was_written((lines, pseudo) in section()) {
        let head = read(&lines).unwrap();
        prop_assert_eq!(head.method.as_str(), line(&lines, ":method"));
        prop_assert_eq!(head.uri.scheme_str().unwrap(), line(&lines, ":scheme"));
        prop_assert_eq!(head.uri.authority().unwrap().as_str(), line(&lines, ":authority"));
        prop_assert_eq!(head.uri.path_and_query().unwrap().as_str(), line(&lines, ":path"));
        let fields = &lines[pseudo..];
        prop_assert_eq!(head.headers.len(), fields.len());
        for (name, _) in fields {
            let came: Vec<_> = head.headers.get_all(name).iter().map(http::HeaderValue::as_bytes).collect();
            prop_assert_eq!(came, values(fields, name));
        }
        let length = values(fields, "content-length").first().map(|digits| String::from_utf8(digits.to_vec()).unwrap());
        prop_assert_eq!(head.content_length.left(), length.map(|digits| digits.parse().unwrap()));
    }

    #[test]
    fn a_request_that_is_cut_lacks_only_what_was_cut((lines, pseudo) in section(), at in any::<prop::sample::Index>()) {
        let at = at.index(lines.len());
        let cut = read(&lines[..at]);
        if at < pseudo {
            prop_assert_eq!(cut.unwrap_err(), Refused::Malformed(Malformed::MissingPseudo));
        } else {
            prop_assert_eq!(cut.unwrap().headers.len(), at - pseudo);
        }
    }

    #[test]
    fn well_formed_trailers_come_out_as_they_were_written(fields in prop::collection::vec((name(), value()), 0..12)) {
        let mut section = TrailerSection::new(LIMITS);
        for (name, value) in &fields {
            section.push(name.as_bytes(), Bytes::copy_from_slice(value)).unwrap();
        }
        let trailers = section.finish();
        prop_assert_eq!(trailers.len(), fields.len());
        for (name, _) in &fields {
            let came: Vec<_> = trailers.get_all(name).iter().map(http::HeaderValue::as_bytes).collect();
            prop_assert_eq!(came, values(&fields, name));
        }
    }

    #[test]
    fn a_well_formed_response_comes_out_as_it_was_written(
        status in (100_u16..1000).prop_filter("there is no 101", |status| *status != 101),
        fields in prop::collection::vec((name(), value()), 0..12),
    ) {
        let mut section = ResponseSection::new(LIMITS);
        section.push(b":status", status.to_string().into()).unwrap();
        for (name, value) in &fields {
            section.push(name.as_bytes(), Bytes::copy_from_slice(value)).unwrap();
        }
        let head = section.finish().unwrap();
        prop_assert_eq!((head.status.as_u16(), head.headers.len()), (status, fields.len()));
        for (name, _) in &fields {
            let came: Vec<_> = head.headers.get_all(name).iter().map(http::HeaderValue::as_bytes).collect();
            prop_assert_eq!(came, values(&fields, name));
        }
    }
}
