//! A request as the router sees it.
//!
//! Borrowed from what `hcm` has after it made the request safe, and the same for HTTP/1, HTTP/2 and HTTP/3:
//! pseudo-header fields are members, everything else stands in the field section.

use http::{HeaderMap, Method};

/// What a route is chosen by.
#[derive(Clone, Copy, Debug)]
pub struct Request<'a> {
    /// The method.
    pub method: &'a Method,
    /// The scheme of the URL asked for, in lower case.
    pub scheme: &'a str,
    /// How the client reached the edge, in lower case: the value of `x-forwarded-proto` once it can be trusted. It
    /// differs from the scheme where a client asks for an `http` URL over TLS, or the reverse.
    pub forwarded_proto: &'a str,
    /// The authority: host, and port if one was written.
    pub authority: &'a str,
    /// Path and query.
    pub target: Target<'a>,
    /// All other fields.
    pub headers: &'a HeaderMap,
    /// Whether it came from inside, as `x-envoy-internal` tells.
    pub is_internal: bool,
}

/// The path and the query of a request. Empty for a CONNECT that only names an authority.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Target<'a> {
    whole: &'a str,
    path: &'a str,
    rest: &'a str,
}

// === impl Target ===

impl<'a> Target<'a> {
    /// Divides `/path?query`.
    #[must_use]
    pub fn new(whole: &'a str) -> Self {
        let end = whole.find(['?', '#']).unwrap_or(whole.len());
        let (path, rest) = whole.split_at(end);
        Self { whole, path, rest }
    }

    /// Path and query as they came.
    #[must_use]
    pub fn as_str(&self) -> &'a str {
        self.whole
    }

    /// The path alone.
    #[must_use]
    pub fn path(&self) -> &'a str {
        self.path
    }

    /// The query without its question mark; none when there is no question mark.
    #[must_use]
    pub fn query(&self) -> Option<&'a str> {
        self.whole.split_once('?').map(|(_, query)| query)
    }

    /// What follows the path, the question mark included.
    #[must_use]
    pub fn after_path(&self) -> &'a str {
        self.rest
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_target_is_divided_at_the_first_mark() {
        let parts = |whole| {
            let target = Target::new(whole);
            (target.path(), target.query(), target.after_path())
        };
        assert_eq!(parts("/a"), ("/a", None, ""));
        assert_eq!(parts("/a?"), ("/a", Some(""), "?"));
        assert_eq!(parts("/a?b?c"), ("/a", Some("b?c"), "?b?c"));
        assert_eq!(parts("/a#b?c"), ("/a", Some("c"), "#b?c"));
        assert_eq!(parts(""), ("", None, ""));
    }
}
