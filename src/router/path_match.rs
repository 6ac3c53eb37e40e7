//! Conditions on the path of a request.

use std::borrow::Cow;

use http::Method;

use crate::config::proto::envoy::config::route::v3::RouteMatch as Proto;
use crate::config::proto::envoy::config::route::v3::route_match::PathSpecifier;
use crate::config::{At, Invalid};
use crate::matcher::{Regex, Text};

/// A condition on the path, without the query.
#[derive(Clone, Debug)]
pub(super) enum PathMatch {
    /// A path that is or begins with this text.
    Text(PathText),
    /// A path that as a whole is what the expression describes.
    Regex(Regex),
    /// A CONNECT, which need not have a path.
    Connect,
}

/// A text that a path is or begins with.
#[derive(Clone, Debug)]
pub(super) struct PathText {
    text: Text,
    extent: Extent,
}

/// How much of a path a text has to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Extent {
    Whole,
    Prefix,
    /// A prefix that ends where a segment does.
    Segments,
}

// === impl PathMatch ===

impl PathMatch {
    /// The condition that the match says.
    ///
    /// # Errors
    /// When there is none, or an expression cannot be compiled.
    pub(super) fn build(at: At<'_>, proto: &Proto) -> Result<Self, Invalid> {
        let text = |field, text: &str, extent| {
            if text.contains(['?', '#']) {
                at.field(field).lint("matches nothing: the path is compared without its query");
            }
            Ok(Self::Text(PathText { text: Text::new(text, !proto.case_sensitive.unwrap_or(true)), extent }))
        };
        match &proto.path_specifier {
            Some(PathSpecifier::Prefix(prefix)) => text("prefix", prefix, Extent::Prefix),
            Some(PathSpecifier::Path(path)) => text("path", path, Extent::Whole),
            Some(PathSpecifier::PathSeparatedPrefix(prefix)) => text("path_separated_prefix", prefix, Extent::Segments),
            Some(PathSpecifier::SafeRegex(regex)) => Regex::build(at.field("safe_regex"), regex).map(Self::Regex),
            Some(PathSpecifier::ConnectMatcher(_)) => Ok(Self::Connect),
            Some(PathSpecifier::PathMatchPolicy(_)) => Err(at.field("path_match_policy").not_implemented()),
            None => Err(at.error("needs one of prefix, path, safe_regex, path_separated_prefix and connect_matcher")),
        }
    }

    /// Whether a request meets it. `path` is empty when the request has none.
    pub(super) fn is_match(&self, method: &Method, path: &str) -> bool {
        match self {
            Self::Connect => method == Method::CONNECT,
            _ if path.is_empty() => false,
            Self::Regex(regex) => regex.is_match(path.as_bytes()),
            Self::Text(text) => text.after(path).is_some_and(|rest| match text.extent {
                Extent::Whole => rest.is_empty(),
                Extent::Prefix => true,
                Extent::Segments => rest.is_empty() || rest.starts_with('/'),
            }),
        }
    }
}

// === impl PathText ===

impl PathText {
    /// What follows the text in a path that begins with it.
    pub(super) fn after<'p>(&self, path: &'p str) -> Option<&'p str> {
        let (start, rest) = path.split_at_checked(self.text.len())?;
        self.text.equals(start.as_bytes()).then_some(rest)
    }
}

/// A path without the parameters of its segments: `/a/b` for `/a;v=1/b;w`.
pub(super) fn without_parameters(path: &str) -> Cow<'_, str> {
    if !path.contains(';') {
        return Cow::Borrowed(path);
    }
    let mut bare = String::with_capacity(path.len());
    for (index, segment) in path.split('/').enumerate() {
        if index > 0 {
            bare.push('/');
        }
        bare.push_str(segment.split(';').next().unwrap_or_default());
    }
    Cow::Owned(bare)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parameters_end_with_their_segment() {
        for (path, bare) in [("/a;v=1/b;w", "/a/b"), ("/a/b", "/a/b"), (";", ""), ("/;/", "//"), ("/a;b;c", "/a")] {
            assert_eq!(without_parameters(path), bare);
        }
    }
}
