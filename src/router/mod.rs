//! Floor 6: which route?

mod cookie_match;
mod data_source;
mod direct_response;
mod domains;
mod fraction;
mod header_levels;
mod header_match;
mod header_mutation;
mod literal;
mod one_line;
mod path_match;
mod query_match;
mod re2;
mod redirect;
mod regex;
mod request;
mod rewrite;
mod route_match;
mod string_match;
mod substitution;

pub use self::regex::Regex;
pub use direct_response::DirectResponse;
pub use fraction::Fraction;
pub use header_match::HeaderMatch;
pub use header_mutation::{Direction, HeaderMutations};
pub use redirect::{Redirect, over_tls};
pub use request::{Request, Target};
pub use rewrite::{Authority, Rewrite};
pub use route_match::RouteMatch;
pub use string_match::{Search, StringMatch, Text};
pub use substitution::Substitution;
