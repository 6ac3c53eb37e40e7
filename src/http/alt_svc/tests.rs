//! The form of the field, good and bad.

use proptest::prelude::*;

use super::*;

fn alternative(protocol: &str, host: Option<&str>, port: u16, max_age_s: u64) -> Alternative {
    Alternative { protocol: protocol.into(), host: host.map(Into::into), port, max_age_s, persist: false }
}

#[test]
fn rfc7838_3_alternatives_are_read_in_order() {
    let parsed = AltSvc::parse(r#"h3=":443"; ma=60, w%3Dx%3Ay="a.example:8443"; x="a,b;c"; persist=1"#);
    let second = Alternative { persist: true, ..alternative("w=x:y", Some("a.example"), 8443, 86_400) };
    assert_eq!(parsed, AltSvc::Alternatives(vec![alternative("h3", None, 443, 60), second]));
}

#[test]
fn rfc9111_1_2_2_an_age_beyond_all_numbers_is_as_long_as_can_be() {
    let parsed = AltSvc::parse(r#"h3=":1"; ma=99999999999999999999999"#);
    assert_eq!(parsed, AltSvc::Alternatives(vec![alternative("h3", None, 1, u64::MAX)]));
}

#[test]
fn rfc7838_3_what_is_not_known_spoils_nothing() {
    let parsed = AltSvc::parse(r#"%fa%fA=":1"; ma="5"; x="\",;"; persist=2, h3=":2""#);
    let first = alternative("\u{fffd}\u{fffd}", None, 1, 5);
    assert_eq!(parsed, AltSvc::Alternatives(vec![first, alternative("h3", None, 2, 86_400)]));
}

#[test]
fn several_lines_are_one_list() {
    let both = vec![alternative("h3", None, 1, 86_400), alternative("h2", None, 2, 86_400)];
    let lines = [r#"h3=":1""#, r#"h2=":2""#];
    assert_eq!(AltSvc::of_lines(lines.into_iter()), Some(AltSvc::Alternatives(both)));
    assert_eq!(AltSvc::of_lines([].into_iter()), None);
}

#[test]
fn an_address_in_brackets_keeps_its_colons() {
    let expected = vec![alternative("h3", Some("[::1]"), 9, 86_400)];
    assert_eq!(AltSvc::parse(r#"h3="[::1]:9""#), AltSvc::Alternatives(expected));
}

#[test]
fn clear_is_clear_and_the_rest_is_malformed() {
    assert_eq!(AltSvc::parse(" clear "), AltSvc::Clear);
    for text in [
        "",
        ",",
        "h3",
        "h3=:443",
        r#"h3="443""#,
        r#"h3=":x""#,
        r#"=":1""#,
        r#"h3=":1"; ma=x"#,
        r#"h3=":1"; ma=+1"#,
        r#"h%3=":1""#,
        r#"h%+3=":1""#,
        "clear, clear",
    ] {
        assert_eq!(AltSvc::parse(text), AltSvc::Malformed(text.to_owned()), "{text}");
    }
}

proptest! {
    #[test]
    fn any_text_is_read_without_panic(text in any::<String>()) {
        let _ = AltSvc::parse(&text);
    }

    #[test]
    fn what_is_written_is_read(
        list in proptest::collection::vec(("[a-z0-9-]{1,8}", proptest::option::of("[a-z.]{1,9}"), any::<u16>(), any::<u64>()), 1..5)
    ) {
        let expected: Vec<_> = list
            .iter()
            .map(|(protocol, host, port, age)| alternative(protocol, host.as_deref(), *port, *age))
            .collect();
        let text: Vec<_> = expected
            .iter()
            .map(|a| format!("{}=\"{}:{}\";ma={}", a.protocol, a.host.as_deref().unwrap_or_default(), a.port, a.max_age_s))
            .collect();
        prop_assert_eq!(AltSvc::parse(&text.join(" , ")), AltSvc::Alternatives(expected));
    }
}
