//! Conditions on a parameter of the query: Envoy's `QueryParameterMatcher`.
//!
//! Names and values are compared as they were sent, without percent-decoding; the first parameter of a name counts.

use crate::config::proto::envoy::config::route::v3::QueryParameterMatcher;
use crate::config::proto::envoy::config::route::v3::query_parameter_matcher::QueryParameterMatchSpecifier;
use crate::config::{At, Invalid};
use crate::matcher::StringMatch;

/// A condition on a parameter.
#[derive(Clone, Debug)]
pub(super) struct QueryMatch {
    name: Box<str>,
    condition: Condition,
}

#[derive(Clone, Debug)]
enum Condition {
    Present(bool),
    Text(StringMatch),
}

// === impl QueryMatch ===

impl QueryMatch {
    /// The condition that the matcher says.
    ///
    /// # Errors
    /// When its text condition cannot be built.
    pub(super) fn build(at: At<'_>, matcher: &QueryParameterMatcher) -> Result<Self, Invalid> {
        let condition = match &matcher.query_parameter_match_specifier {
            None => Condition::Present(true),
            Some(QueryParameterMatchSpecifier::PresentMatch(present)) => Condition::Present(*present),
            Some(QueryParameterMatchSpecifier::StringMatch(matcher)) => {
                Condition::Text(StringMatch::build(at.field("string_match"), matcher)?)
            }
        };
        Ok(Self { name: matcher.name.as_str().into(), condition })
    }

    /// Whether a query, given without its question mark, meets it.
    pub(super) fn is_match(&self, query: Option<&str>) -> bool {
        let value = query.and_then(|query| parameter(query, &self.name));
        match &self.condition {
            Condition::Present(expected) => value.is_some() == *expected,
            Condition::Text(condition) => value.is_some_and(|value| condition.is_match(value.as_bytes())),
        }
    }
}

/// The value of a parameter, which is empty when there is no equals sign.
fn parameter<'q>(query: &'q str, name: &str) -> Option<&'q str> {
    let parameters = query.split('&').map(|parameter| parameter.split_once('=').unwrap_or((parameter, "")));
    parameters.into_iter().find(|(key, _)| *key == name).map(|(_, value)| value)
}
