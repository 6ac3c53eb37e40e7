//! What the release binary of Envoy 1.40 matches and refuses, and properties.

use proptest::prelude::*;
use regex::bytes::{Regex, RegexBuilder};

use super::*;

fn full(pattern: &str) -> Result<Regex, String> {
    let translated = translate(pattern).map_err(|error| error.to_string())?;
    RegexBuilder::new(&format!(r"\A(?:{translated})\z"))
        .unicode(false)
        .build()
        .map_err(|error| format!("{translated}: {error}"))
}

#[test]
fn matches_what_envoy_matches() {
    let rows: [(&str, &[u8], bool); 50] = [
        (r"/d/\d+", b"/d/12", true),
        (r"/w/\w+", b"/w/ab_1", true),
        (r"/b/\bx\b.*", b"/b/x/y", true),
        (r"/b/\bx\b.*", b"/b/xy", false),
        (r"/a|/b", b"/a", true),
        (r"/a|/b", b"/b", true),
        (r"/a|/b", b"/bc", false),
        (r"/v{id}/x{2}", b"/v{id}/xx", true),
        (r"(?i)/case/.*", b"/CASE/x", true),
        (r"/q/\Qa.b\E", b"/q/a.b", true),
        (r"/q/\Qa.b\E", b"/q/axb", false),
        (r"/q/\Qa(b", b"/q/a(b", true),
        (r"/esc\/\-\<\>\_", b"/esc/-<>_", true),
        (r"[a&&b]+", b"a&b", true),
        (r"[[a]+", b"[a", true),
        (r"[]a]+", b"]a", true),
        (r"[~~a]+", b"~a", true),
        (r"[[:alpha:]\d]+", b"ab1", true),
        (r"[[:^alpha:]]", b"1", true),
        (r"[\d-z]+", b"1-z", true),
        (r"[\d-z]+", b"y", false),
        (r"a+?", b"aaa", true),
        (r"(?U)a+", b"aaa", true),
        (r"(?P<n>a)(?<n>b)", b"ab", true),
        (r"^/anchor$", b"/anchor", true),
        (r"\101\x42\x{43}", b"ABC", true),
        (r"\08", b"\x008", true),
        (r"a{,2}", b"a{,2}", true),
        (r"[\s\S]", b"x", true),
        (r"\C\C", "é".as_bytes(), true),
        (r"(|a)", b"", true),
        (r"\W", b"-", true),
        (r"#", b"#", true),
        (r"a\sb", b"a b", true),
        (r"a\sb", b"a\x0Bb", false),
        (r"a\Sb", b"a\x0Bb", true),
        // A byte is a character.
        (r".", "é".as_bytes(), false),
        (r"..", "é".as_bytes(), true),
        (r".", b"\xC3", true),
        (r"\d", "١".as_bytes(), false),
        (r"\w", "é".as_bytes(), false),
        (r"\W", "é".as_bytes(), false),
        (r"x\b.*", "xé".as_bytes(), true),
        (r"(?i)k", "\u{212A}".as_bytes(), false),
        (r"(?i)k", b"K", true),
        (r"é", "é".as_bytes(), true),
        (r"[é]{2}", "é".as_bytes(), true),
        (r"\pL\p{^L}\PL", b"a11", true),
        (r"\p{Greek}", "α".as_bytes(), false),
        (r"\P{Greek}{2}", "α".as_bytes(), true),
    ];
    for (pattern, text, matches) in rows {
        let regex = full(pattern).unwrap_or_else(|error| panic!("{pattern}: {error}"));
        assert_eq!(regex.is_match(text), matches, "{pattern} on {:?}", String::from_utf8_lossy(text));
    }
}

#[test]
fn refuses_what_envoy_refuses() {
    let patterns = [
        "(",
        "a)",
        "(?=a)",
        "(?x)a",
        "(?R)a",
        "(?u:a)",
        r"\u0041",
        r"\e",
        r"[\b]",
        r"[a-\d]",
        "a{1001}",
        "a++",
        "a**",
        "a{2}{3}",
        "a{2}??",
        "*a",
        "{2}a",
        "[a",
        "a\\",
        "[a--z]",
        r"(a)\1",
        r"a\Z",
        r"a\h",
        "[z-a]",
        "a{3,2}",
        r"a\Eb",
        r"[\Q^]\E]",
        r"\x4",
        "(?P<a.b>a)",
        r"\x{100}",
        r"\777",
        "[[:nope:]]",
        "[]",
        "[^]",
        "(?i",
        r"\p",
        r"\p{Nope}",
        r"[]-\s]",
        "[^].-&]",
        r"[\]-.]",
        "[]-[:alpha:]]",
        "[^]--]",
    ];
    for pattern in patterns {
        assert!(full(pattern).is_err(), "{pattern}");
    }
}

#[test]
fn accepts_what_envoy_accepts() {
    let patterns = [r"\_", r"a\z", "[[:word:]]", "^*a", r"(?i-s:a)(?m)b(?-i)", r"\12", "a}", "a]", "{", "a{01}"];
    for pattern in patterns {
        full(pattern).unwrap_or_else(|error| panic!("{pattern}: {error}"));
    }
}

#[test]
fn an_error_shows_the_part_it_is_about() {
    let message = |pattern| translate(pattern).unwrap_err().to_string();
    assert_eq!(message(r"a\h"), r"RE2 has no escape `\h`: write `\\` for a backslash");
    assert_eq!(message("x[z-a]"), "the range `z-a` ends before it begins");
    assert_eq!(message("x[a"), "`[a` has no closing `]`");
    assert!(message("(?=a)b").contains("`(?=a)`"));
}

proptest! {
    #[test]
    fn no_pattern_makes_it_panic(pattern in any::<String>()) {
        let _ = translate(&pattern);
    }

    /// What is quoted is found as it stands, whatever bytes it has.
    #[test]
    fn quoted_text_matches_itself(text in "[^\\\\]{0,8}") {
        let regex = full(&format!(r"\Q{text}\E"));
        prop_assert!(regex.is_ok_and(|regex| regex.is_match(text.as_bytes())));
    }

    /// What is translated compiles, but for groups that do not close and repetitions of nothing.
    #[test]
    fn what_is_translated_compiles(pattern in r"([a-z.]|\[[\^]?[]a-z&~\[-]{1,4}\]|\\[dDwWsSbBnx.]|[a-z][*+?]|\{[0-9,]{0,3}\}?){0,6}") {
        if let Ok(translated) = translate(&pattern) {
            let built = RegexBuilder::new(&translated).unicode(false).build();
            let nothing_repeated = built.as_ref().is_err_and(|error| error.to_string().contains("repetition operator missing expression"));
            prop_assert!(built.is_ok() || nothing_repeated, "{} became {}", pattern, translated);
        }
    }
}
