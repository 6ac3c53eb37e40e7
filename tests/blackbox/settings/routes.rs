//! What a route makes of a request on the wire. How routes are found, and every way to rewrite, is a table of the router's
//! own tests.

use crate::edge::{ALL, Edge};
use crate::support::backend::{Backend, Script};
use crate::support::client::Version;
use crate::support::message::{Request, field};
use crate::support::program::Gateway;

const REWRITES: &str = "
              - {match: {prefix: /prefix}, route: {cluster: backend, prefix_rewrite: /p}}
              - {match: {prefix: /regex}, route: {cluster: backend, regex_rewrite: {pattern: {regex: x+}, substitution: \"\"}}}
              - {match: {prefix: /whole}, route: {cluster: backend, path_rewrite: /w}}
              - {match: {prefix: /literal}, route: {cluster: backend, host_rewrite_literal: c.test, append_x_forwarded_host: true}}
              - {match: {prefix: /header}, route: {cluster: backend, host_rewrite_header: x-host}}
              - {match: {prefix: /from-path}, route: {cluster: backend, host_rewrite_path_regex: {pattern: {regex: \"^/from-path/(.+)$\"}, substitution: \"\\\\1.test\"}}}
              - {match: {prefix: /}, route: {cluster: backend, append_x_forwarded_host: true}}
";

#[tokio::test]
async fn path_and_host_are_rewritten() {
    let backend = Backend::echo().await;
    let edge = Edge::start(&backend, REWRITES).await;
    let table = [
        ("/prefix/a?q", "/p/a?q", "a.test", None),
        ("/regexxx/xa", "/rege/a", "a.test", None),
        ("/whole/a?q", "/w?q", "a.test", None),
        ("/literal", "/literal", "c.test", Some("a.test")),
        ("/header", "/header", "h.test", None),
        ("/from-path/z", "/from-path/z", "z.test", None),
        ("/as-it-is", "/as-it-is", "a.test", None),
    ];
    for version in Version::ALL {
        let client = edge.client(version).await;
        for (path, target, host, forwarded_host) in table {
            let request = Request::get(path).authority("a.test").header("x-host", "h.test");
            assert_eq!(client.send(request).await.status, 200, "{version:?} {path}");
            let received = backend.received().pop().expect("a request");
            assert_eq!(received.target, target, "{version:?} {path}");
            assert_eq!(field(&received.headers, "host"), Some(host), "{version:?} {path}");
            assert_eq!(field(&received.headers, "x-forwarded-host"), forwarded_host, "{version:?} {path}");
        }
    }
}

#[tokio::test]
async fn a_cluster_that_is_missing_is_answered_as_the_route_says() {
    let backend = Backend::echo().await;
    let route = |path: &str, rest: &str| {
        format!("              - {{match: {{path: {path}}}, route: {{cluster: nowhere{rest}}}}}\n")
    };
    let routes = [
        route("/default", ""),
        route("/503", ", cluster_not_found_response_code: SERVICE_UNAVAILABLE"),
        route("/404", ", cluster_not_found_response_code: NOT_FOUND"),
        route("/500", ", cluster_not_found_response_code: INTERNAL_SERVER_ERROR"),
    ];
    let unchecked = "            name: edge\n            validate_clusters: false\n";
    let routes = format!("{}{ALL}", routes.concat());
    let changes = [(ALL, routes.as_str()), ("            name: edge\n", unchecked)];
    let edge = Edge::altered(&backend, &changes).await;
    for version in Version::ALL {
        let client = edge.client(version).await;
        for (path, status) in [("/default", 503), ("/503", 503), ("/404", 404), ("/500", 500), ("/there", 200)] {
            assert_eq!(client.send(Request::get(path)).await.status, status, "{version:?} {path}");
        }
    }
}

#[test]
fn a_cluster_that_is_missing_is_a_fault_where_clusters_are_validated() {
    for (validated, code) in [("", 1), ("validate_clusters: true, ", 1), ("validate_clusters: false, ", 0)] {
        let route = "routes: [{match: {prefix: /}, direct_response: {status: 200}}]}]";
        let yaml = crate::host::on_port(0)
            .replace(route, "routes: [{match: {prefix: /}, route: {cluster: nowhere}}]}]")
            .replace("route_config:\n            ", &format!("route_config: {{{validated}"))
            + "          }\n";
        let directory = tempfile::tempdir().expect("a temporary directory");
        let path = directory.path().join("config.yaml");
        std::fs::write(&path, yaml).expect("write to a directory of our own");
        let output = Gateway::command().arg("--mode").arg("validate").arg("-c").arg(&path).output();
        let output = output.expect("run the gateway");
        let said = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(code), "{validated}: {said}");
        assert_eq!(said.contains("there is no cluster `nowhere`"), code == 1, "{validated}: {said}");
    }
}

#[tokio::test]
async fn an_answer_may_come_from_the_environment() {
    let backend = Backend::echo().await;
    let routes =
        "              - {match: {prefix: /}, direct_response: {status: 200, body: {environment_variable: PATH}}}\n";
    let edge = Edge::start(&backend, routes).await;
    let ours = std::env::var("PATH").expect("every environment has it");
    for version in Version::ALL {
        assert_eq!(edge.client(version).await.send(Request::get("/")).await.text(), ours, "{version:?}");
    }
}

#[tokio::test]
async fn fields_are_added_and_removed_at_every_level() {
    const LEVELS: [&str; 3] = ["table", "host", "route"];
    let backend = Backend::start(|_| {
        let fields = LEVELS.map(|level| format!("x-not-{level}: 1\r\n")).concat();
        Script::bytes(format!("HTTP/1.1 200 OK\r\ncontent-length: 0\r\n{fields}\r\n"))
    })
    .await;
    let of = |level: &str| {
        let add = format!("[{{header: {{key: x-of-{level}, value: {level}}}}}]");
        let remove = format!("[x-not-{level}]");
        let both =
            |direction: &str| format!("{direction}_headers_to_add: {add}, {direction}_headers_to_remove: {remove}");
        format!("{}, {}", both("request"), both("response"))
    };
    let lines = |level: &str, indent: &str| of(level).replace("], re", &format!("]\n{indent}re"));
    let table = format!("            name: edge\n            {}\n", lines("table", "            "));
    let host = format!("              domains: [\"*\"]\n              {}\n", lines("host", "              "));
    let route = ALL.replace("}}\n", &format!("}}, {}}}\n", of("route")));
    let changes =
        [("            name: edge\n", table.as_str()), ("              domains: [\"*\"]\n", &host), (ALL, &route)];
    let edge = Edge::altered(&backend, &changes).await;
    for version in Version::ALL {
        let request =
            LEVELS.iter().fold(Request::get("/"), |request, level| request.header(&format!("x-not-{level}"), "1"));
        let reply = edge.client(version).await.send(request).await;
        let received = backend.received().pop().expect("a request");
        for fields in [&received.headers, &reply.headers] {
            for level in LEVELS {
                assert_eq!(field(fields, &format!("x-of-{level}")), Some(level), "{version:?} {fields:?}");
                assert_eq!(field(fields, &format!("x-not-{level}")), None, "{version:?} {fields:?}");
            }
        }
    }
}

#[tokio::test]
async fn a_reply_has_a_time() {
    let backend = Backend::start(|_| Script::nothing().when_released().then("HTTP/1.1 204 Late\r\n\r\n")).await;
    let routes = "
              - {match: {path: /patient}, route: {cluster: backend, timeout: 3600s}}
              - {match: {path: /impatient}, route: {cluster: backend, timeout: 0.1s}}
";
    let edge = Edge::start(&backend, routes).await;
    for (asked, version) in (1..).zip(Version::ALL) {
        let (first, second) = (edge.client(version).await, edge.client(version).await);
        let mut goes_on = first.open(&Request::get("/patient"), true).await;
        backend.until_received(2 * asked - 1).await;
        let ends = second.send(Request::get("/impatient")).await;
        assert_eq!((ends.status, ends.text().as_str()), (504, "upstream request timeout"), "{version:?}");
        // The other one was asked earlier.
        backend.release();
        assert_eq!(goes_on.download.reply().await.status, 204, "{version:?}");
    }
}
