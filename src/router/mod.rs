//! Floor 6: which route?

mod re2;
mod regex;
mod string_match;
mod substitution;

pub use self::regex::Regex;
pub use string_match::{Search, StringMatch, Text};
pub use substitution::Substitution;
