//! What holds for every request.

use std::sync::LazyLock;

use http::{HeaderMap, Method};
use proptest::prelude::*;

use super::super::super::{Action, Request, Target};
use super::*;

/// Each kind of condition and rewrite once; the path of a request chooses the route by its first segment.
static TABLE: LazyLock<Table> = LazyLock::new(|| {
    table(
        r#"
ignore_port_in_host_matching: true
ignore_path_parameters_in_path_matching: true
virtual_hosts:
- name: all
  domains: ["*", "*.a", "a.*", a]
  routes:
  - {match: {prefix: /0}, redirect: {https_redirect: true, port_redirect: 8443}}
  - {match: {prefix: /1, case_sensitive: false}, redirect: {prefix_rewrite: "x", strip_query: true}}
  - {match: {path_separated_prefix: /2}, redirect: {regex_rewrite: {pattern: {regex: "(.)/?"}, substitution: "\\1"}}}
  - {match: {safe_regex: {regex: "/3.*"}}, redirect: {path_redirect: /new}}
  - {match: {prefix: /4, query_parameters: [{name: q, present_match: true}]}, redirect: {host_redirect: new.test}}
  - {match: {prefix: /5}, direct_response: {status: 302}}
  - {match: {prefix: /6}, route: {cluster: c, prefix_rewrite: /fix}}
  - {match: {prefix: /7}, route: {cluster: c, regex_rewrite: {pattern: {regex: "[^/]"}, substitution: "<\\0>"}}}
  - {match: {safe_regex: {regex: "/8.*"}}, route: {cluster: c, prefix_rewrite: /whole, host_rewrite_path_regex: {pattern: {regex: "."}, substitution: "\\0"}}}
  - {match: {prefix: /9}, route: {cluster: c, path_rewrite: /all}}
  - {match: {prefix: "", headers: [{name: ":path", string_match: {contains: é, ignore_case: true}}]}, redirect: {}}
"#,
    )
});

/// Asks the route that a request finds.
fn with_route<T>(authority: &str, target: &str, ask: impl FnOnce(&Route<String>, Request<'_>) -> T) -> Option<T> {
    let headers = HeaderMap::new();
    let request = Request {
        method: &Method::GET,
        scheme: "http",
        forwarded_proto: "http",
        authority,
        target: Target::new(target),
        headers: &headers,
        is_internal: false,
    };
    match TABLE.find(&request, 0) {
        Outcome::Route(route) => Some(ask(route, request)),
        Outcome::NoRoute(_) | Outcome::NoVirtualHost | Outcome::TlsRequired => None,
    }
}

fn location(route: &Route<String>, request: &Request<'_>) -> Option<String> {
    let location = match route.action() {
        Action::Forward(_) => None,
        Action::Redirect(redirect) => redirect.location(request),
        Action::DirectResponse(response) => response.location(request),
    };
    location.map(|location| location.to_str().unwrap().to_owned())
}

fn rewritten(route: &Route<String>, request: &Request<'_>) -> Option<String> {
    match route.action() {
        Action::Forward(forward) => forward.rewrite.target(request.target),
        Action::Redirect(_) | Action::DirectResponse(_) => None,
    }
}

proptest! {
    #[test]
    fn no_request_makes_it_panic(authority in any::<String>(), target in "/?[0-9]?[^\\x00]{0,12}") {
        with_route(&authority, &target, |route, request| match route.action() {
            Action::Forward(forward) => {
                let _ = forward.rewrite.target(request.target);
                let _ = forward.rewrite.authority(request.target, request.headers);
            }
            Action::Redirect(redirect) => drop(redirect.location(&request)),
            Action::DirectResponse(response) => drop(response.location(&request)),
        });
    }

    #[test]
    fn a_location_is_a_url(authority in "[!-~]{1,12}", target in "/[0135][!-~]{0,12}") {
        let location = with_route(&authority, &target, |route, request| location(route, &request)).flatten();
        let after_scheme = location.as_deref().and_then(|url| url.split_once("://")).map(|(_, rest)| rest);
        prop_assert!(after_scheme.is_some_and(|rest| rest.contains('/')), "{:?}", location);
    }

    #[test]
    fn a_rewrite_keeps_the_query(target in "/[6-9][!-~]{0,12}") {
        let rewritten = with_route("a", &target, |route, request| rewritten(route, &request)).flatten();
        let query = rewritten.as_deref().map(|rewritten| Target::new(rewritten).query());
        prop_assert_eq!(query, Some(Target::new(&target).query()));
    }

    #[test]
    fn a_redirect_keeps_the_query_unless_it_strips_it(target in "/[0135][!-~]{0,12}") {
        let location = with_route("a", &target, |route, request| location(route, &request)).flatten();
        let query = location.as_deref().map(|location| Target::new(location).query());
        let expected = if target.starts_with("/1") { None } else { Target::new(&target).query() };
        prop_assert_eq!(query, Some(expected));
    }
}
