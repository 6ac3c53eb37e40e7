//! Conditions on a text: Envoy's `StringMatcher`.

use regex::bytes::{Regex as Bytes, RegexBuilder};

use crate::config::proto::envoy::r#type::matcher::v3::StringMatcher;
use crate::config::proto::envoy::r#type::matcher::v3::string_matcher::MatchPattern;
use crate::config::{At, Invalid};

use super::re2;
use super::regex::Regex;

/// A condition on a text. Case means ASCII case.
#[derive(Clone, Debug)]
pub enum StringMatch {
    /// Any text.
    Any,
    /// This text.
    Exact(Text),
    /// A text that begins with this.
    Prefix(Text),
    /// A text that ends with this.
    Suffix(Text),
    /// A text that this stands in.
    Contains(Search),
    /// A text that as a whole is what the expression describes.
    Regex(Regex),
}

/// A text to compare with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Text {
    text: Box<str>,
    ignore_case: bool,
}

/// A text to look for, compiled so that looking takes time in proportion to the text searched.
#[derive(Clone, Debug)]
pub struct Search(Bytes);

// === impl StringMatch ===

impl StringMatch {
    /// The condition that the matcher says.
    ///
    /// # Errors
    /// When a regular expression is none, or when nothing is to be compared.
    pub fn build(at: At<'_>, matcher: &StringMatcher) -> Result<Self, Invalid> {
        let text = |text: &str| Text::new(text, matcher.ignore_case);
        match &matcher.match_pattern {
            Some(MatchPattern::Exact(exact)) => Ok(Self::Exact(text(exact))),
            Some(MatchPattern::Prefix(prefix)) => Ok(Self::Prefix(text(prefix))),
            Some(MatchPattern::Suffix(suffix)) => Ok(Self::Suffix(text(suffix))),
            Some(MatchPattern::Contains(part)) => {
                Search::build(at.field("contains"), part, matcher.ignore_case).map(Self::Contains)
            }
            Some(MatchPattern::SafeRegex(_)) if matcher.ignore_case => Err(at
                .field("ignore_case")
                .error_with_hint("has no effect on `safe_regex`", "begin the expression with `(?i)`")),
            Some(MatchPattern::SafeRegex(regex)) => Regex::build(at.field("safe_regex"), regex).map(Self::Regex),
            Some(MatchPattern::Custom(_)) => Err(at.field("custom").not_implemented()),
            None => Err(at.error("needs one of exact, prefix, suffix, contains and safe_regex")),
        }
    }

    /// Whether a text meets it.
    #[must_use]
    pub fn is_match(&self, text: &[u8]) -> bool {
        match self {
            Self::Any => true,
            Self::Exact(exact) => exact.equals(text),
            Self::Prefix(prefix) => text.get(..prefix.len()).is_some_and(|start| prefix.equals(start)),
            Self::Suffix(suffix) => {
                let start = text.len().checked_sub(suffix.len());
                start.and_then(|start| text.get(start..)).is_some_and(|end| suffix.equals(end))
            }
            Self::Contains(search) => search.0.is_match(text),
            Self::Regex(regex) => regex.is_match(text),
        }
    }
}

// === impl Text ===

impl Text {
    /// A text to compare with.
    #[must_use]
    pub fn new(text: &str, ignore_case: bool) -> Self {
        Self { text: text.into(), ignore_case }
    }

    /// Its length in bytes.
    pub(crate) fn len(&self) -> usize {
        self.text.len()
    }

    /// Whether another text is the same.
    pub(crate) fn equals(&self, other: &[u8]) -> bool {
        let text = self.text.as_bytes();
        if self.ignore_case { text.eq_ignore_ascii_case(other) } else { text == other }
    }
}

// === impl Search ===

impl Search {
    pub(crate) fn build(at: At<'_>, text: &str, ignore_case: bool) -> Result<Self, Invalid> {
        let regex = RegexBuilder::new(&re2::quote(text)).unicode(false).case_insensitive(ignore_case).build();
        regex.map(Self).map_err(|_| at.error("is too long to look for"))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use crate::config::Report;

    use super::*;

    fn built(pattern: MatchPattern, ignore_case: bool) -> StringMatch {
        let report = Report::new("test");
        let matcher = StringMatcher { ignore_case, match_pattern: Some(pattern) };
        StringMatch::build(report.at(), &matcher).unwrap_or_else(|_| panic!("{report}"))
    }

    proptest! {
        #[test]
        fn compares_as_the_standard_library_does(part in "[aAbBé]{1,3}", text in "[aAbBé]{0,6}") {
            for ignore_case in [false, true] {
                let fold = |text: &str| if ignore_case { text.to_ascii_lowercase() } else { text.to_owned() };
                let (folded_part, folded) = (fold(&part), fold(&text));
                let is_match = |pattern| built(pattern, ignore_case).is_match(text.as_bytes());
                prop_assert_eq!(is_match(MatchPattern::Exact(part.clone())), folded == folded_part);
                prop_assert_eq!(is_match(MatchPattern::Prefix(part.clone())), folded.starts_with(&folded_part));
                prop_assert_eq!(is_match(MatchPattern::Suffix(part.clone())), folded.ends_with(&folded_part));
                prop_assert_eq!(is_match(MatchPattern::Contains(part.clone())), folded.contains(&folded_part));
            }
        }
    }
}
