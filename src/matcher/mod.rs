//! Floor 2: conditions on texts, as `StringMatcher` and `RegexMatcher` say them.
//!
//! `router` holds them against requests, `tls` against the names in certificates. Nothing here knows of either. Regular
//! expressions have the syntax of RE2, as in Envoy, and take time in proportion to the text.

mod re2;
mod regex;
mod string_match;

pub use self::regex::Regex;
pub use string_match::{Search, StringMatch, Text};

pub(crate) use self::regex::compile;
