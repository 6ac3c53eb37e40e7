//! A guard that Envoy does not have: a page of another site, open in the operator's browser, must not change anything.

use http::HeaderMap;
use http::header::{HOST, ORIGIN};

/// Whether a browser says that the request was made by a page of another origin than this interface (RFC 6454 §7).
/// What is no browser sends no `origin`.
pub(super) fn is_foreign(headers: &HeaderMap) -> bool {
    let Some(origin) = headers.get(ORIGIN) else { return false };
    let authority = origin.to_str().ok().and_then(|origin| origin.split_once("://")).map(|(_, authority)| authority);
    let host = headers.get(HOST).and_then(|host| host.to_str().ok());
    match (authority, host) {
        (Some(authority), Some(host)) => !authority.eq_ignore_ascii_case(host),
        // `null` is a page that hides where it is from.
        _ => true,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn foreign(origin: Option<&str>) -> bool {
        let fields = [(HOST, Some("localhost:9901")), (ORIGIN, origin)];
        let fields = fields.into_iter().filter_map(|(name, value)| Some((name, value?.parse().unwrap())));
        is_foreign(&fields.collect())
    }

    #[test]
    fn rfc6454_7_only_our_own_pages_and_no_browser_at_all_are_trusted() {
        assert!(!foreign(None));
        assert!(!foreign(Some("http://localhost:9901")));
        assert!(!foreign(Some("https://LOCALHOST:9901")));
        assert!(foreign(Some("http://localhost:8000")));
        assert!(foreign(Some("https://evil.example")));
        assert!(foreign(Some("null")));
    }
}
