//! Conditions on a field of a request: Envoy's `HeaderMatcher`.
//!
//! As Envoy does it, a field with several lines meets a condition when one of its lines does; only the fields that
//! Envoy itself keeps in one line are joined with a comma first.

use std::ops::Range;

use http::{HeaderMap, HeaderName, HeaderValue};

use crate::config::proto::envoy::config::route::v3::HeaderMatcher;
use crate::config::proto::envoy::config::route::v3::header_matcher::HeaderMatchSpecifier;
use crate::config::{At, Invalid};
use crate::matcher::{Regex, Search, StringMatch, Text};

use super::one_line;
use super::request::Request;

/// A condition on a field or a pseudo-header field.
#[derive(Clone, Debug)]
pub struct HeaderMatch {
    source: Source,
    condition: Condition,
    invert: bool,
    missing_is_empty: bool,
}

/// What is looked at.
#[derive(Clone, Debug)]
enum Source {
    Method,
    Scheme,
    Authority,
    Path,
    Field {
        name: HeaderName,
        one_line: bool,
    },
    /// A pseudo-header field that no request has by the time it is routed.
    Nothing,
}

#[derive(Clone, Debug)]
enum Condition {
    Present(bool),
    /// A whole number, the end not included.
    Range(Range<i64>),
    Text(StringMatch),
}

// === impl HeaderMatch ===

impl HeaderMatch {
    /// The condition that the matcher says.
    ///
    /// # Errors
    /// When no field can have the name, or the text condition cannot be built.
    pub fn build(at: At<'_>, matcher: &HeaderMatcher) -> Result<Self, Invalid> {
        let source = Source::build(at, &matcher.name);
        let condition = Condition::build(at, matcher.header_match_specifier.as_ref());
        Ok(Self {
            source: source?,
            condition: condition?,
            invert: matcher.invert_match,
            missing_is_empty: matcher.treat_missing_header_as_empty,
        })
    }

    /// Whether a request meets it. A field that is missing meets no condition on its value, not even an inverted one.
    #[must_use]
    pub fn is_match(&self, request: &Request<'_>) -> bool {
        self.judge(Some(request))
    }

    /// Whether a message meets it that never became a request, and has no field at all.
    #[must_use]
    pub fn is_met_by_nothing(&self) -> bool {
        self.judge(None)
    }

    fn judge(&self, request: Option<&Request<'_>>) -> bool {
        let found = match &self.condition {
            Condition::Present(expected) => {
                let value = request.and_then(|request| self.source.any(request, |_| true));
                return ((value.is_some() || self.missing_is_empty) == *expected) != self.invert;
            }
            Condition::Range(range) => self.any(request, |value| in_range(range, value)),
            Condition::Text(condition) => self.any(request, |value| condition.is_match(value)),
        };
        found.is_some_and(|found| found != self.invert)
    }

    fn any(&self, request: Option<&Request<'_>>, condition: impl Fn(&[u8]) -> bool) -> Option<bool> {
        let found = request.and_then(|request| self.source.any(request, &condition));
        found.or_else(|| self.missing_is_empty.then(|| condition(b"")))
    }
}

// === impl Source ===

impl Source {
    fn build(at: At<'_>, name: &str) -> Result<Self, Invalid> {
        if name.starts_with(':') || name.eq_ignore_ascii_case("host") {
            return Ok(match name.to_ascii_lowercase().as_str() {
                ":method" => Self::Method,
                ":scheme" => Self::Scheme,
                ":authority" | "host" => Self::Authority,
                ":path" => Self::Path,
                _ => Self::Nothing,
            });
        }
        let Ok(name) = HeaderName::from_bytes(name.as_bytes()) else {
            return Err(at.field("name").error(format_args!("no header field can have the name `{name}`")));
        };
        Ok(Self::Field { one_line: one_line::in_requests(&name), name })
    }

    /// Whether one of its values meets the condition; none when it has no value.
    fn any(&self, request: &Request<'_>, condition: impl Fn(&[u8]) -> bool) -> Option<bool> {
        let value = match self {
            Self::Method => request.method.as_str(),
            Self::Scheme => request.scheme,
            Self::Authority => request.authority,
            Self::Path => request.target.as_str(),
            Self::Field { name, one_line } => return any_line(request.headers, name, *one_line, condition),
            Self::Nothing => "",
        };
        (!value.is_empty()).then(|| condition(value.as_bytes()))
    }
}

fn any_line(headers: &HeaderMap, name: &HeaderName, one_line: bool, condition: impl Fn(&[u8]) -> bool) -> Option<bool> {
    let lines = headers.get_all(name);
    if one_line && lines.iter().nth(1).is_some() {
        return Some(condition(&one_line::joined(lines.iter().map(HeaderValue::as_bytes))));
    }
    let mut lines = lines.iter().map(HeaderValue::as_bytes);
    let first = lines.next()?;
    Some(condition(first) || lines.any(condition))
}

// === impl Condition ===

impl Condition {
    fn build(at: At<'_>, specifier: Option<&HeaderMatchSpecifier>) -> Result<Self, Invalid> {
        let text = |text: &str| Text::new(text, false);
        let condition = match specifier {
            None => return Ok(Self::Present(true)),
            Some(HeaderMatchSpecifier::PresentMatch(present)) => return Ok(Self::Present(*present)),
            Some(HeaderMatchSpecifier::RangeMatch(range)) => {
                if range.start >= range.end {
                    at.field("range_match").lint("matches nothing: the end is not part of the range");
                }
                return Ok(Self::Range(range.start..range.end));
            }
            // The empty text stands for any here, other than in `string_match`.
            Some(HeaderMatchSpecifier::ExactMatch(exact)) if exact.is_empty() => StringMatch::Any,
            Some(HeaderMatchSpecifier::ExactMatch(exact)) => StringMatch::Exact(text(exact)),
            Some(HeaderMatchSpecifier::PrefixMatch(prefix)) => StringMatch::Prefix(text(prefix)),
            Some(HeaderMatchSpecifier::SuffixMatch(suffix)) => StringMatch::Suffix(text(suffix)),
            Some(HeaderMatchSpecifier::ContainsMatch(part)) => {
                StringMatch::Contains(Search::build(at.field("contains_match"), part, false)?)
            }
            Some(HeaderMatchSpecifier::SafeRegexMatch(regex)) => {
                StringMatch::Regex(Regex::build(at.field("safe_regex_match"), regex)?)
            }
            Some(HeaderMatchSpecifier::StringMatch(matcher)) => StringMatch::build(at.field("string_match"), matcher)?,
        };
        Ok(Self::Text(condition))
    }
}

fn in_range(range: &Range<i64>, value: &[u8]) -> bool {
    std::str::from_utf8(value).ok().and_then(|text| text.parse().ok()).is_some_and(|number| range.contains(&number))
}
