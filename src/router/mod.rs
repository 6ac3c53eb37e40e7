//! Floor 6: which route?

mod cookie_match;
mod domains;
mod fraction;
mod header_match;
mod one_line;
mod path_match;
mod query_match;
mod re2;
mod regex;
mod request;
mod route_match;
mod string_match;
mod substitution;

pub use self::regex::Regex;
pub use fraction::Fraction;
pub use header_match::HeaderMatch;
pub use request::{Request, Target};
pub use route_match::RouteMatch;
pub use string_match::{Search, StringMatch, Text};
pub use substitution::Substitution;
