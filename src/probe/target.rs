//! Where a probe goes: the URL, taken apart.

use std::str::FromStr;

use http::{
    Uri,
    uri::{Authority, PathAndQuery},
};

use super::usage::UsageError;

/// What comes before `://`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Scheme {
    Http,
    Https,
}

/// A URL that can be probed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Target {
    pub(super) scheme: Scheme,
    /// A name or an address, without brackets.
    pub(super) host: String,
    pub(super) port: u16,
    /// As in the URL: with brackets, and with the port where it was given.
    pub(super) authority: Authority,
    pub(super) path: PathAndQuery,
}

impl Scheme {
    pub(super) fn as_str(self) -> &'static str {
        match self {
            Self::Http => "http",
            Self::Https => "https",
        }
    }

    fn default_port(self) -> u16 {
        match self {
            Self::Http => 80,
            Self::Https => 443,
        }
    }
}

impl FromStr for Target {
    type Err = UsageError;

    fn from_str(url: &str) -> Result<Self, UsageError> {
        let at_fault = |why| UsageError::Url { url: url.to_owned(), why };
        if !url.contains("://") {
            return Err(at_fault("it has no scheme: write http://… or https://…"));
        }
        let parts = url.parse::<Uri>().map_err(|_| at_fault("it is not a URL"))?.into_parts();
        let scheme = match parts.scheme.as_ref().map(http::uri::Scheme::as_str) {
            Some("http") => Scheme::Http,
            Some("https") => Scheme::Https,
            _ => return Err(at_fault("its scheme is neither http nor https")),
        };
        let authority = parts.authority.ok_or_else(|| at_fault("it names no host"))?;
        if authority.as_str().contains('@') {
            // RFC 9110 §4.2.4: a sender must not generate userinfo.
            return Err(at_fault("it holds a user name: send an 'authorization' field with -H instead"));
        }
        let host = authority.host().trim_start_matches('[').trim_end_matches(']').to_owned();
        if host.is_empty() {
            return Err(at_fault("it names no host"));
        }
        let port = match authority.as_str().strip_prefix(authority.host()) {
            Some("") => scheme.default_port(),
            _ => authority.port_u16().ok_or_else(|| at_fault("its port is not a number up to 65535"))?,
        };
        let path = parts.path_and_query.unwrap_or_else(|| PathAndQuery::from_static("/"));
        Ok(Self { scheme, host, port, authority, path })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_url_is_taken_apart() {
        let table = [
            ("https://localhost:10443/a?b=c", Scheme::Https, "localhost", 10443, "localhost:10443", "/a?b=c"),
            ("http://example.com", Scheme::Http, "example.com", 80, "example.com", "/"),
            ("https://[::1]/", Scheme::Https, "::1", 443, "[::1]", "/"),
            ("HTTPS://127.0.0.1:1/x#y", Scheme::Https, "127.0.0.1", 1, "127.0.0.1:1", "/x"),
        ];
        for (url, scheme, host, port, authority, path) in table {
            let target: Target = url.parse().unwrap_or_else(|error| panic!("{url}: {error}"));
            assert_eq!((target.scheme, target.host.as_str(), target.port), (scheme, host, port), "{url}");
            assert_eq!((target.authority.as_str(), target.path.as_str()), (authority, path), "{url}");
        }
    }

    #[test]
    fn what_is_wrong_with_a_url_is_said() {
        let table = [
            ("localhost:10443", "has no scheme"),
            ("ftp://example.com/", "neither http nor https"),
            ("https://user:pass@example.com/", "user name"),
            ("https:///path", "not a URL"),
            ("https://example.com:99999/", "port"),
            ("https://example.com:/", "port"),
            ("https://exa mple/", "not a URL"),
        ];
        for (url, part) in table {
            let error = url.parse::<Target>().unwrap_err().to_string();
            assert!(error.contains(part) && error.contains(url), "{url}: {error}");
        }
    }
}
