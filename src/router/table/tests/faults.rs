//! What cannot be built, and what is said about it.

use std::fmt::Write as _;

use super::build;

/// The remarks on a table with one virtual host, `route` being the part of a route in braces.
fn of_route(route: &str) -> String {
    of(&format!("virtual_hosts: [{{name: v, domains: ['*'], routes: [{{{route}}}]}}]"))
}

fn of(yaml: &str) -> String {
    let (table, remarks) = build(yaml);
    let outcome = if table.is_ok() { "built" } else { "not built" };
    remarks.iter().map(|remark| remark.replace("virtual_hosts[0].routes[0]", "<route>")).fold(
        outcome.to_owned(),
        |mut all, remark| {
            let _ = write!(all, "\n{remark}");
            all
        },
    )
}

#[test]
fn domains() {
    let twice = |first, second| {
        of(&format!(
            "virtual_hosts: [{{name: a, domains: ['{first}', b]}}, {{name: c, domains: [d, '{second}']}}, {{name: e, domains: [b]}}]"
        ))
    };
    for (first, second) in [("a.test", "A.test"), ("*.a", "*.A"), ("a.*", "a.*"), ("*", "*"), ("", "")] {
        assert_eq!(
            twice(first, second),
            format!(
                "not built\n\
                 virtual_hosts[1].domains[1]: `{second}` is a domain of the virtual host `a` already: a domain leads to one virtual host\n\
                 virtual_hosts[2].domains[0]: `b` is a domain of the virtual host `a` already: a domain leads to one virtual host"
            )
        );
    }
    assert_eq!(of("virtual_hosts: [{name: a, domains: [b]}, {name: a, domains: [c]}]"), "built");
}

#[test]
fn conditions() {
    let faults = |conditions: &str| of_route(&format!("match: {{{conditions}}}, direct_response: {{status: 200}}"));
    let table = [
        ("", "<route>.match: needs one of prefix, path, safe_regex, path_separated_prefix and connect_matcher"),
        ("safe_regex: {regex: '('}", "<route>.match.safe_regex.regex: is not a regular expression: unclosed group"),
        (
            r"safe_regex: {regex: '\h'}",
            r"<route>.match.safe_regex.regex: RE2 has no escape `\h`: write `\\` for a backslash",
        ),
        (
            "safe_regex: {regex: '((a{1000}){1000}){1000}'}",
            "<route>.match.safe_regex.regex: needs more than 10 MiB when compiled: shorten its repetitions",
        ),
        (
            "prefix: /, headers: [{name: x}, {name: 'a b'}]",
            "<route>.match.headers[1].name: no header field can have the name `a b`",
        ),
        (
            "prefix: /, headers: [{name: x, string_match: {safe_regex: {regex: a}, ignore_case: true}}]",
            "<route>.match.headers[0].string_match.ignore_case: has no effect on `safe_regex`",
        ),
        (
            "prefix: /, headers: [{name: x, string_match: {}}]",
            "<route>.match.headers[0].string_match: needs one of exact, prefix, suffix, contains and safe_regex",
        ),
        ("prefix: /, cookies: [{name: x}]", "<route>.match.cookies[0].string_match: is required and not set"),
        ("prefix: /, runtime_fraction: {}", "<route>.match.runtime_fraction.default_value: is required and not set"),
    ];
    for (conditions, remark) in table {
        assert_eq!(faults(conditions), format!("not built\n{remark}"));
    }
    assert_eq!(
        faults("prefix: '/a?b', runtime_fraction: {runtime_key: k, default_value: {numerator: 1}}"),
        "built\n<route>.match.prefix: matches nothing: the path is compared without its query"
    );
}

#[test]
fn actions() {
    let faults = |action: &str| of_route(&format!("match: {{prefix: /}}, {action}"));
    let table = [
        ("name: x", "<route>: needs one of route, redirect and direct_response"),
        (
            "non_forwarding_action: {}",
            "<route>.non_forwarding_action: is known to Envoy 1.40 but not implemented by Quicgate yet",
        ),
        (
            "route: {prefix_rewrite: /a, regex_rewrite: {pattern: {regex: a}}}",
            "<route>.route: has more than one of prefix_rewrite, regex_rewrite, path_rewrite and path_rewrite_policy",
        ),
        ("route: {prefix_rewrite: /a b}", "<route>.route.prefix_rewrite: no path can have the character ' '"),
        (
            "route: {regex_rewrite: {pattern: {regex: a}, substitution: \"\\r\"}}",
            "<route>.route.regex_rewrite.substitution: no path can have the character '\\r'",
        ),
        ("route: {regex_rewrite: {}}", "<route>.route.regex_rewrite.pattern: is required and not set"),
        (
            r"route: {regex_rewrite: {pattern: {regex: '(a)'}, substitution: '\2'}}",
            "<route>.route.regex_rewrite.substitution: asks for group 2: the pattern has 1 in round brackets",
        ),
        (
            r"redirect: {regex_rewrite: {pattern: {regex: a}, substitution: '\x'}}",
            r"<route>.redirect.regex_rewrite.substitution: has a lone backslash: write `\0` to `\9` for what was found, `\\` for a backslash",
        ),
        (
            "route: {path_rewrite: '/%REQ(x)%'}",
            "<route>.route.path_rewrite: an operator (`%NAME%`) is known to Envoy 1.40 but not implemented by Quicgate yet",
        ),
        ("route: {host_rewrite: 'a%'}", "<route>.route.host_rewrite: has a lone `%`"),
        (
            "route: {host_rewrite_literal: 'a b'}",
            "<route>.route.host_rewrite_literal: `a b` is not a host, nor a host and a port",
        ),
        (
            "route: {host_rewrite_header: 'a b'}",
            "<route>.route.host_rewrite_header: no header field can have the name `a b`",
        ),
        ("redirect: {port_redirect: 70000}", "<route>.redirect.port_redirect: is not a port: the greatest is 65535"),
        ("redirect: {host_redirect: \"a\\nb\"}", "<route>.redirect.host_redirect: no URL can have a control character"),
        (
            "redirect: {path_redirect: \"/\\r\\n\"}",
            "<route>.redirect.path_redirect: no URL can have a control character",
        ),
    ];
    for (action, remark) in table {
        assert_eq!(faults(action), format!("not built\n{remark}"));
    }
}

#[test]
fn direct_responses() {
    let faults = |answer: &str| of_route(&format!("match: {{prefix: /}}, direct_response: {{{answer}}}"));
    let limited = |limit: u32, size: usize| {
        of(&format!(
            "{{max_direct_response_body_size_bytes: {limit}, virtual_hosts: [{{name: v, domains: ['*'], routes: [\
             {{match: {{prefix: /}}, direct_response: {{status: 200, body: {{inline_string: '{}'}}}}}}]}}]}}",
            "x".repeat(size)
        ))
    };
    for status in [0, 199, 600, 65_736] {
        assert_eq!(
            faults(&format!("status: {status}")),
            "not built\n<route>.direct_response.status: is not a status from 200 to 599"
        );
    }
    let body = |source: &str| faults(&format!("status: 200, body: {{{source}}}"));
    assert_eq!(
        body(""),
        "not built\n<route>.direct_response.body: needs one of filename, inline_bytes, inline_string and environment_variable"
    );
    assert_eq!(
        body("environment_variable: QUICGATE_NOT_SET"),
        "not built\n<route>.direct_response.body.environment_variable: the variable `QUICGATE_NOT_SET` is not set"
    );
    assert!(body("filename: /not/there").contains("body.filename: `/not/there` cannot be read: "));
    assert_eq!(limited(2, 2), "built");
    assert_eq!(
        limited(2, 3),
        "not built\n<route>.direct_response.body.inline_string: is larger than the 2 bytes that are allowed here"
    );
    assert_eq!(limited(0, 5000), "built");
    assert_eq!(
        faults("status: 204, body: {inline_string: x}"),
        "built\n<route>.direct_response.body: is not sent: an answer with status 204 has no body"
    );
}

#[test]
fn a_body_may_stand_in_a_file() {
    let file = tempfile::NamedTempFile::new().unwrap();
    let answer = |size: usize| {
        std::fs::write(file.path(), vec![b'x'; size]).unwrap();
        let path = file.path().display();
        of_route(&format!("match: {{prefix: /}}, direct_response: {{status: 200, body: {{filename: '{path}'}}}}"))
    };
    assert_eq!(answer(4096), "built");
    assert_eq!(
        answer(4097),
        "not built\n<route>.direct_response.body.filename: is larger than the 4096 bytes that are allowed here"
    );
}

#[test]
fn mutations() {
    let faults = |mutation: &str| of_route(&format!("match: {{prefix: /}}, redirect: {{}}, {mutation}"));
    for name in [":path", ":x", "host", "Host"] {
        for direction in ["request", "response"] {
            assert_eq!(
                faults(&format!("{direction}_headers_to_add: [{{header: {{key: '{name}'}}}}]")),
                format!(
                    "not built\n<route>.{direction}_headers_to_add[0].header.key: pseudo-header fields and `host` cannot be changed"
                )
            );
            assert_eq!(
                faults(&format!("{direction}_headers_to_remove: [a, '{name}']")),
                format!(
                    "not built\n<route>.{direction}_headers_to_remove[1]: pseudo-header fields and `host` cannot be changed"
                )
            );
        }
    }
    let add = |option: &str| faults(&format!("request_headers_to_add: [{{{option}}}]"));
    let at = "<route>.request_headers_to_add[0]";
    let table = [
        ("append: true", "header: is required and not set"),
        (
            "header: {key: x, value: '%REQ(x)%'}",
            "header.value: an operator (`%NAME%`) is known to Envoy 1.40 but not implemented by Quicgate yet",
        ),
        ("header: {key: x, value: '5%'}", "header.value: has a lone `%`"),
        ("header: {key: x, value: \"a\\nb\"}", "header.value: no header field can hold a control character"),
        ("header: {key: 'a b'}", "header.key: no header field can have this name: use letters, digits, `-` and `_`"),
        (
            "header: {key: x}, append: true, append_action: ADD_IF_ABSENT",
            "append: stands beside `append_action`: write only the latter",
        ),
    ];
    for (option, remark) in table {
        assert_eq!(add(option), format!("not built\n{at}.{remark}"));
    }
    assert_eq!(
        add("header: {key: x, raw_value: YQ==}"),
        format!("built\n{at}.header.raw_value: is not read here, as in Envoy: write the text into `value`")
    );
}

#[test]
fn one_run_finds_all() {
    let yaml = "
request_headers_to_remove: [host]
internal_only_headers: ['a b']
virtual_hosts:
- {name: a, domains: [a], response_headers_to_remove: [':status'], routes: [
    {match: {}, redirect: {port_redirect: 70000, host_redirect: \"\\n\"}, request_headers_to_remove: [host]},
    {match: {prefix: /, headers: [{name: ':path', string_match: {}}, {name: 'a b'}]}}]}
- {name: b, domains: [a]}";
    assert_eq!(
        of(yaml).replace("virtual_hosts[0]", "<host>"),
        "not built\n\
         request_headers_to_remove[0]: pseudo-header fields and `host` cannot be changed\n\
         <host>.response_headers_to_remove[0]: pseudo-header fields and `host` cannot be changed\n\
         <route>.match: needs one of prefix, path, safe_regex, path_separated_prefix and connect_matcher\n\
         <route>.redirect.host_redirect: no URL can have a control character\n\
         <route>.redirect.port_redirect: is not a port: the greatest is 65535\n\
         <route>.request_headers_to_remove[0]: pseudo-header fields and `host` cannot be changed\n\
         <host>.routes[1].match.headers[0].string_match: needs one of exact, prefix, suffix, contains and safe_regex\n\
         <host>.routes[1].match.headers[1].name: no header field can have the name `a b`\n\
         <host>.routes[1]: needs one of route, redirect and direct_response\n\
         virtual_hosts[1].domains[0]: `a` is a domain of the virtual host `a` already: a domain leads to one virtual host\n\
         internal_only_headers[0]: no header field can have this name"
    );
}
