//! Conditions on a cookie: Envoy's `CookieMatcher`.

use http::{HeaderMap, header};

use crate::config::proto::envoy::config::route::v3::CookieMatcher;
use crate::config::{At, Invalid};
use crate::matcher::StringMatch;

/// A condition on the value of a cookie, without the quotes around it.
#[derive(Clone, Debug)]
pub(super) struct CookieMatch {
    name: Box<str>,
    value: StringMatch,
    invert: bool,
}

// === impl CookieMatch ===

impl CookieMatch {
    /// The condition that the matcher says.
    ///
    /// # Errors
    /// When its text condition is missing or cannot be built.
    pub(super) fn build(at: At<'_>, matcher: &CookieMatcher) -> Result<Self, Invalid> {
        let value = at.required("string_match", matcher.string_match.as_ref())?;
        Ok(Self {
            name: matcher.name.as_str().into(),
            value: StringMatch::build(at.field("string_match"), value)?,
            invert: matcher.invert_match,
        })
    }

    /// Whether a request meets it. A cookie that is missing meets an inverted condition.
    pub(super) fn is_match(&self, headers: &HeaderMap) -> bool {
        let value = headers.get_all(header::COOKIE).iter().find_map(|line| cookie(line.as_bytes(), &self.name));
        value.is_some_and(|value| self.value.is_match(value)) != self.invert
    }
}

/// The value of a cookie in one line of the `cookie` field.
fn cookie<'l>(line: &'l [u8], name: &str) -> Option<&'l [u8]> {
    line.split(|byte| *byte == b';').find_map(|pair| {
        let value = pair.trim_ascii_start().strip_prefix(name.as_bytes())?.strip_prefix(b"=")?;
        let unquoted = value.strip_prefix(b"\"").and_then(|value| value.strip_suffix(b"\""));
        Some(unquoted.unwrap_or(value))
    })
}
