//! A regular expression that matches a whole text, as `safe_regex` does.

use regex::bytes::{Regex as Bytes, RegexBuilder};

use crate::config::proto::envoy::r#type::matcher::v3::RegexMatcher;
use crate::config::{At, Invalid};

use super::re2;

/// A compiled `RegexMatcher`. It never backtracks: the time it takes grows with the text alone.
#[derive(Clone, Debug)]
pub struct Regex(Bytes);

// === impl Regex ===

impl Regex {
    /// Compiles what the matcher says.
    ///
    /// # Errors
    /// When it is not a regular expression.
    pub fn build(at: At<'_>, matcher: &RegexMatcher) -> Result<Self, Invalid> {
        compile(at, matcher, |pattern| format!(r"\A(?:{pattern})\z")).map(Self)
    }

    /// Whether the whole text is one that the expression describes.
    #[must_use]
    pub fn is_match(&self, text: &[u8]) -> bool {
        self.0.is_match(text)
    }
}

/// Compiles an expression in the syntax of RE2, `wrap` being given the part that stands for it.
pub(crate) fn compile(
    at: At<'_>,
    matcher: &RegexMatcher,
    wrap: impl FnOnce(String) -> String,
) -> Result<Bytes, Invalid> {
    let at = at.field("regex");
    let pattern = re2::translate(&matcher.regex).map_err(|error| at.error(error))?;
    RegexBuilder::new(&wrap(pattern)).unicode(false).build().map_err(|error| match error {
        regex::Error::CompiledTooBig(limit) => {
            at.error(format_args!("needs more than {} MiB when compiled: shorten its repetitions", limit >> 20))
        }
        // The last line names the fault; those before it show the pattern.
        error => {
            let text = error.to_string();
            let fault = text.lines().last().unwrap_or_default().trim_start_matches("error: ");
            at.error(format_args!("is not a regular expression: {fault}"))
        }
    })
}
