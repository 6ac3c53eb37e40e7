//! Floor 6: which route?
//!
//! A [`RouteTable`] is built from a `RouteConfiguration` and searched by `hcm` once per request: [`RouteTable::find`]
//! takes the request as it stands after it was made safe and gives the [`Route`], which knows how to change header
//! fields, path and authority, where to redirect or what to answer. What a route forwards to is not known here: the
//! floors above attach it through [`Attach`]. Conditions ([`StringMatch`], [`HeaderMatch`], [`RouteMatch`]) and
//! [`HeaderMutations`] serve filters as well.
//!
//! Nothing here waits, asks for the time or draws a random number. What it does follows Envoy 1.40, checked against
//! the release binary.

mod attach;
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
mod redirect;
mod request;
mod rewrite;
mod route;
mod route_match;
mod substitution;
mod table;
mod unreachable;
mod virtual_host;

pub use crate::matcher::{Regex, Search, StringMatch, Text};
pub use attach::{Attach, Scope};
pub use direct_response::DirectResponse;
pub use fraction::Fraction;
pub use header_match::HeaderMatch;
pub use header_mutation::{Direction, HeaderMutations};
pub use redirect::{Redirect, over_tls};
pub use request::{Request, Target};
pub use rewrite::{Authority, Rewrite};
pub use route::{Action, Forward, Route};
pub use route_match::RouteMatch;
pub use substitution::Substitution;
pub use table::{Outcome, RouteTable};
pub use virtual_host::{RequireTls, VirtualHost};
