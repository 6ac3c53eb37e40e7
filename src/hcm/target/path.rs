//! A path in the form that routes and upstreams are shown: Envoy's `normalize_path`, `merge_slashes` and
//! `path_with_escaped_slashes_action`. Pure.

use std::fmt::Write as _;

/// What is done to paths.
#[derive(Clone, Copy, Debug, Default)]
pub(in crate::hcm) struct Rules {
    /// Dot segments are resolved, and what need not be escaped is not (RFC 3986 §6.2.2).
    pub normalize: bool,
    /// Several slashes become one.
    pub merge_slashes: bool,
    /// What is done about `%2F` and `%5C`.
    pub escaped_slashes: EscapedSlashes,
}

/// What is done about an escaped slash, of either direction.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(in crate::hcm) enum EscapedSlashes {
    /// Nothing.
    #[default]
    Keep,
    /// The request is refused.
    Reject,
    /// The client is sent to the path without escapes.
    Redirect,
    /// The request goes on with the path without escapes.
    Forward,
}

/// What becomes of a path.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::hcm) enum Cleaned {
    /// It stays as it is.
    AsItIs,
    /// This stands for it.
    As(String),
    /// The client is to ask for this.
    Elsewhere(String),
    /// The request is refused; the path as it was read.
    Refused(String),
}

impl Rules {
    /// What becomes of a path with its query, if it has one.
    pub(in crate::hcm) fn clean(self, whole: &str) -> Cleaned {
        if !self.normalize && !self.merge_slashes && self.escaped_slashes == EscapedSlashes::Keep {
            return Cleaned::AsItIs;
        }
        let (path, query) = whole.split_at(whole.find('?').unwrap_or(whole.len()));
        let unescaped = match self.escaped_slashes {
            EscapedSlashes::Keep => None,
            _ => unescaped(path),
        };
        let with_query = |path: &str| format!("{path}{query}");
        if let (EscapedSlashes::Reject, Some(path)) = (self.escaped_slashes, &unescaped) {
            return Cleaned::Refused(with_query(path));
        }
        let redirects = self.escaped_slashes == EscapedSlashes::Redirect && unescaped.is_some();
        let mut clean = unescaped.unwrap_or_else(|| path.to_owned());
        if self.normalize {
            match normalized(&clean) {
                Some(normal) => clean = normal,
                None => return Cleaned::Refused(with_query(&clean)),
            }
        }
        if self.merge_slashes {
            clean = merged(&clean);
        }
        match clean == path {
            _ if redirects => Cleaned::Elsewhere(with_query(&clean)),
            true => Cleaned::AsItIs,
            false => Cleaned::As(with_query(&clean)),
        }
    }
}

/// The path with its escaped slashes as slashes, if it has one.
fn unescaped(path: &str) -> Option<String> {
    let escapes = [("%2F", "/"), ("%2f", "/"), ("%5C", "\\"), ("%5c", "\\")];
    let has = escapes.iter().any(|(escape, _)| path.contains(escape));
    has.then(|| escapes.iter().fold(path.to_owned(), |path, (escape, slash)| path.replace(escape, slash)))
}

/// The path without dot segments (RFC 3986 §5.2.4), with one spelling for each character; a backslash is a slash, as browsers read
/// it. None where a zero byte is escaped in it.
fn normalized(path: &str) -> Option<String> {
    let inner = path.strip_prefix(['/', '\\']).unwrap_or(path);
    let mut kept: Vec<String> = Vec::new();
    let mut segments = inner.split(['/', '\\']).peekable();
    while let Some(segment) = segments.next() {
        let dots = segment.replace("%2e", ".").replace("%2E", ".");
        match dots.as_str() {
            "." => {}
            ".." => drop(kept.pop()),
            _ => {
                kept.push(respelt(segment)?);
                continue;
            }
        }
        if segments.peek().is_none() {
            kept.push(String::new());
        }
    }
    Some(format!("/{}", kept.join("/")))
}

/// A segment with one spelling for each character: what RFC 3986 §2.3 calls unreserved is never escaped, what cannot stand in a
/// path always is. RFC 3986 §2.4: nothing is unescaped twice, so no escape comes of it that was none before.
fn respelt(segment: &str) -> Option<String> {
    let mut out = String::with_capacity(segment.len());
    let mut stray = None;
    let mut rest = segment.as_bytes();
    while let Some((first, after)) = rest.split_first() {
        rest = after;
        let escape = (*first == b'%').then(|| after.get(..2).and_then(hex)).flatten();
        match (first, escape) {
            (_, Some(0)) => return None,
            (_, Some(byte)) => {
                rest = after.get(2..).unwrap_or_default();
                let digits = after.get(..2).and_then(|digits| std::str::from_utf8(digits).ok()).unwrap_or_default();
                match byte {
                    byte if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) => out.push(char::from(byte)),
                    _ => out.extend(["%", digits]),
                }
            }
            (byte, None) if byte.is_ascii_graphic() && !b"\"<>^`{|}".contains(byte) => {
                if *byte == b'%' {
                    stray = Some(out.len());
                }
                out.push(char::from(*byte));
            }
            (byte, None) => drop(write!(out, "%{byte:02X}")),
        }
        if let Some(at) = stray
            && completes(&out, at)
        {
            // It stood for itself, and still does.
            out.insert_str(at + 1, "25");
            stray = None;
        }
    }
    Some(out)
}

/// Whether the percent sign there has become the beginning of an escape: what was unescaped behind it were digits.
fn completes(out: &str, at: usize) -> bool {
    out.as_bytes().get(at + 1..at + 3).and_then(hex).is_some()
}

fn hex(digits: &[u8]) -> Option<u8> {
    let is_hex = digits.iter().all(u8::is_ascii_hexdigit);
    is_hex.then(|| std::str::from_utf8(digits).ok().and_then(|text| u8::from_str_radix(text, 16).ok())).flatten()
}

/// The path with one slash wherever there were several.
fn merged(path: &str) -> String {
    let mut merged = String::with_capacity(path.len());
    for letter in path.chars() {
        if letter != '/' || !merged.ends_with('/') {
            merged.push(letter);
        }
    }
    merged
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const ALL: Rules = Rules { normalize: true, merge_slashes: true, escaped_slashes: EscapedSlashes::Forward };

    fn cleaned(rules: Rules, path: &str) -> String {
        match rules.clean(path) {
            Cleaned::AsItIs => path.to_owned(),
            Cleaned::As(path) => path,
            Cleaned::Elsewhere(path) => format!("to {path}"),
            Cleaned::Refused(path) => format!("no {path}"),
        }
    }

    /// As the release binary of Envoy 1.40 sent them upstream.
    #[test]
    fn paths_are_normalized_as_by_envoy() {
        let rules = Rules { normalize: true, ..Rules::default() };
        for (path, expected) in [
            ("/a/../b/./c?x=/../y", "/b/c?x=/../y"),
            ("//a///b", "//a///b"),
            ("/a%2Fb", "/a%2Fb"),
            ("/a%5cb", "/a%5cb"),
            ("/a%2fb%2F..%2fc", "/a%2fb%2F..%2fc"),
            ("/../../x", "/x"),
            ("/a\\b", "/a/b"),
            ("/%61%7e%2e%2E/b", "/a~../b"),
            ("/a/%2e%2e/b", "/b"),
            ("/a?q=%2F//..", "/a?q=%2F//.."),
            ("/a/..", "/"),
            ("/a/.", "/a/"),
            ("/a/...", "/a/..."),
            ("/a%00b", "no /a%00b"),
            ("/%zz", "/%zz"),
            ("/a%c3%a9", "/a%c3%a9"),
            ("/a;b=c/../d", "/d"),
            ("/a|b{c}\"^`", "/a%7Cb%7Bc%7D%22%5E%60"),
            ("/x/%%32e%%32e/admin", "/x/%252e%252e/admin"),
            ("/x/%2%65%2%65/admin", "/x/%252e%252e/admin"),
            ("/a%2%46b", "/a%252Fb"),
            ("/a%%30%30b", "/a%2500b"),
            ("/%%2%35", "/%%2525"),
            ("/%%%32e", "/%%252e"),
            ("/%%61b", "/%25ab"),
            ("/%%41", "/%A"),
            ("/%%2e", "/%."),
            ("/%2%2e2e", "/%2.2e"),
            ("/%%ff", "/%%ff"),
            ("/%%00", "no /%%00"),
            ("/%%%", "/%%%"),
            ("/a%2/fb", "/a%2/fb"),
            ("/.%2e/x", "/x"),
            ("/a//../b", "/a/b"),
            ("/a/..//", "//"),
            ("/%2525", "/%2525"),
            ("/%25%32%66", "/%252f"),
            ("/a%3Fb%23c", "/a%3Fb%23c"),
            ("/", "/"),
        ] {
            assert_eq!(cleaned(rules, path), expected, "{path}");
        }
    }

    #[test]
    fn slashes_are_merged_as_by_envoy() {
        let rules = Rules { merge_slashes: true, ..Rules::default() };
        for (path, expected) in [("//a///b", "/a/b"), ("/a?q=%2F//..", "/a?q=%2F//.."), ("/a/..//", "/a/../")] {
            assert_eq!(cleaned(rules, path), expected, "{path}");
        }
        // Envoy leaves two slashes where there is nothing else.
        assert_eq!(cleaned(rules, "///"), "/");
    }

    #[test]
    fn escaped_slashes_are_treated_as_by_envoy() {
        use EscapedSlashes::{Forward, Keep, Redirect, Reject};
        for (action, normalize, path, expected) in [
            (Keep, false, "/a%2Fb", "/a%2Fb"),
            (Reject, false, "/a%2Fb", "no /a/b"),
            (Reject, true, "/a%2fb%2F..%2fc", "no /a/b/../c"),
            (Reject, false, "/a?b=%2f", "/a?b=%2f"),
            (Redirect, false, "/a%5cb", "to /a\\b"),
            (Redirect, true, "/a%5cb", "to /a/b"),
            (Redirect, true, "/a%2fb%2F..%2fc", "to /a/c"),
            (Redirect, false, "/a%2Fb?x=%2f", "to /a/b?x=%2f"),
            (Redirect, true, "/.%2e/x", "/x"),
            (Forward, false, "/x%2f%2F/y", "/x///y"),
            (Forward, true, "/x%2f%2F/y", "/x/y"),
        ] {
            let rules = Rules { normalize, merge_slashes: normalize, escaped_slashes: action };
            assert_eq!(cleaned(rules, path), expected, "{action:?} {path}");
        }
    }

    /// What makes escapes, and what could make new ones of them.
    const SEGMENT: &str = "([a-f0-9xZ^|]|%|%2|%3|%32|%25|%3[0-9]|%4[1-6]|%6[1-6]|%[0-9a-fA-F]{2}){0,20}";

    /// What an upstream makes of it that reads each escape as its character.
    fn read_once(text: &str) -> Vec<u8> {
        let mut read = Vec::new();
        let mut rest = text.as_bytes();
        while let Some((first, after)) = rest.split_first() {
            let escape = after.get(..2).filter(|_| *first == b'%').and_then(hex);
            read.push(escape.unwrap_or(*first));
            rest = if escape.is_some() { &after[2..] } else { after };
        }
        read
    }

    fn escapes(text: &str) -> Vec<String> {
        let mut found = Vec::new();
        let mut rest = text;
        while let Some((_, after)) = rest.split_once('%') {
            rest = after;
            if let Some(digits) = after.get(..2).filter(|digits| hex(digits.as_bytes()).is_some()) {
                found.push(format!("%{digits}"));
                rest = &after[2..];
            }
        }
        found
    }

    proptest! {
        #[test]
        fn what_is_clean_stays(
            path in "/([a-z0-9./\\\\]|%2[EefF]|%5[cC]|%3[0-9]|%4[1-6]|%6[1-6]|%|%[0-9a-f]{1,2}|[|{}^é]){0,30}(\\?[a-z/.%]{0,9})?"
        ) {
            let once = cleaned(ALL, &path);
            if !once.starts_with("no ") {
                prop_assert_eq!(cleaned(ALL, &once), once);
            }
        }

        #[test]
        fn a_segment_says_the_same_when_it_is_read_once(segment in SEGMENT) {
            if let Some(clean) = respelt(&segment) {
                prop_assert_eq!(read_once(&clean), read_once(&segment), "{}", clean);
            }
        }

        #[test]
        fn every_escape_was_one_before(segment in SEGMENT) {
            let before = escapes(&segment);
            for escape in respelt(&segment).iter().flat_map(|clean| escapes(clean)) {
                // A percent sign that stood for itself, and what cannot stand in a path.
                let is_written = matches!(escape.as_str(), "%25" | "%5E" | "%7C");
                prop_assert!(is_written || before.contains(&escape), "{}", escape);
            }
        }

        #[test]
        fn nothing_climbs_out_of_a_clean_path(path in "/([ab2eE./\\\\]|%2[EefF]|%5[cC]|%|%2|%3|%32|%45|%65){0,40}") {
            let clean = cleaned(ALL, &path);
            let climbs = |segment: &str| matches!(segment.to_ascii_lowercase().replace("%2e", ".").as_str(), "." | "..");
            prop_assert!(clean.starts_with('/'));
            prop_assert!(!clean.contains("//") && !clean.contains('\\'));
            prop_assert!(!clean.split('/').any(climbs), "{}", clean);
        }

        #[test]
        fn without_a_rule_nothing_changes(path in "/\\PC{0,30}") {
            prop_assert_eq!(Rules::default().clean(&path), Cleaned::AsItIs);
        }

        #[test]
        fn the_query_is_left_alone(path in "/[a-z%./]{0,12}", query in "\\?\\PC{0,20}") {
            let clean = cleaned(ALL, &format!("{path}{query}"));
            prop_assert!(clean.ends_with(&query));
        }
    }
}
