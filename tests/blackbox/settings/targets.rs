//! Paths, authorities and names of fields: in which form routes and upstreams see them, and which are refused.

use crate::edge::{ALL, Edge};
use crate::support::backend::Backend;
use crate::support::client::Version;
use crate::support::message::{Request, field};
use crate::tunnels::client::{Asked, ask};
use crate::tunnels::{MANAGER, ROUTES, echo};

/// What becomes of a path.
enum Becomes {
    /// Routes, upstreams and the log see this.
    Path(&'static str),
    /// The client is sent there.
    Elsewhere(&'static str),
    /// 400.
    Refused,
}

use Becomes::{Elsewhere, Path, Refused};

const CLEAN: &str = "normalize_path: true\n          merge_slashes: true";

#[tokio::test]
async fn paths_are_brought_into_one_form() {
    let action = |action: &str| format!("{CLEAN}\n          path_with_escaped_slashes_action: {action}");
    let cases: &[(String, &[(&str, Becomes)])] = &[
        (
            String::new(),
            &[("/a/../b", Path("/a/../b")), ("//a", Path("//a")), ("/a%2Fb", Path("/a%2Fb")), ("/%61", Path("/%61"))],
        ),
        (
            "normalize_path: true".to_owned(),
            &[
                ("/a/../b/./c?x=/../y", Path("/b/c?x=/../y")),
                ("/%2e%2e/%61", Path("/a")),
                ("//a", Path("//a")),
                ("/a%2Fb", Path("/a%2Fb")),
                ("/a%00b", Refused),
                ("/x/%%32e%%32e/admin", Path("/x/%252e%252e/admin")),
                ("/x/%2%65%2%65/admin", Path("/x/%252e%252e/admin")),
                ("/a%%30%30b", Path("/a%2500b")),
            ],
        ),
        ("merge_slashes: true".to_owned(), &[("//a///b/?c=//", Path("/a/b/?c=//")), ("/a/../b", Path("/a/../b"))]),
        (CLEAN.to_owned(), &[("//a//..//b", Path("/a/b")), ("/a/%2e%2E/b", Path("/b"))]),
        (action("IMPLEMENTATION_SPECIFIC_DEFAULT"), &[("/a%2Fb", Path("/a%2Fb"))]),
        (action("KEEP_UNCHANGED"), &[("/a%2F..%2fb", Path("/a%2F..%2fb"))]),
        (
            action("REJECT_REQUEST"),
            &[("/a%2Fb", Refused), ("/a%5cb", Refused), ("/a?b=%2f", Path("/a?b=%2f")), ("/a%2%46b", Path("/a%252Fb"))],
        ),
        (
            action("UNESCAPE_AND_REDIRECT"),
            &[("/a%2F..%2Fb?c=%2f", Elsewhere("/b?c=%2f")), ("/a%5Cb", Elsewhere("/a/b")), ("/a/../b", Path("/b"))],
        ),
        (action("UNESCAPE_AND_FORWARD"), &[("/a%2F..%2fb", Path("/b")), ("/a%5C/b", Path("/a/b"))]),
    ];
    let backend = Backend::echo().await;
    for (settings, paths) in cases {
        let edge = Edge::with(&backend, ALL, &format!("          {settings}\n")).await;
        let mut log = edge.process.log("access.log");
        for version in Version::ALL {
            let client = edge.client(version).await;
            for (path, becomes) in *paths {
                // HTTP/1 closes the connection of what it refuses.
                let client = if matches!(becomes, Refused) { &edge.client(version).await } else { &client };
                let reply = client.send(Request::get(path)).await;
                let line = log.lines(1).await.pop().expect("a line");
                let (status, details) = (reply.status, &line["details"]);
                match becomes {
                    Path(expected) => {
                        assert_eq!(status, 200, "{version:?} {settings} {path}");
                        let received = backend.received().pop().expect("a request");
                        assert_eq!(received.target, *expected, "{version:?} {settings} {path}");
                        assert_eq!(line["path"], *expected, "{version:?} {settings} {path}");
                    }
                    Elsewhere(expected) => {
                        assert_eq!((status, reply.header("location")), (307, Some(*expected)), "{version:?} {path}");
                        assert_eq!(details, "path_normalization_failed", "{version:?} {path}");
                    }
                    Refused => {
                        assert_eq!(status, 400, "{version:?} {settings} {path}");
                        assert_eq!(details, "path_normalization_failed", "{version:?} {path}");
                    }
                }
            }
        }
    }
}

#[tokio::test]
async fn routes_see_the_path_in_its_form() {
    let backend = Backend::echo().await;
    let routes = "
              - {match: {prefix: /secret}, direct_response: {status: 403}}
              - {match: {prefix: /}, route: {cluster: backend}}
";
    for (settings, status) in [("", 200), (CLEAN, 403)] {
        let edge = Edge::with(&backend, routes, &format!("          {settings}\n")).await;
        for version in Version::ALL {
            let client = edge.client(version).await;
            for path in ["/open/../secret/x", "//secret", "/%73ecret"] {
                assert_eq!(client.send(Request::get(path)).await.status, status, "{version:?} {settings} {path}");
            }
        }
    }
}

#[tokio::test]
async fn a_grpc_client_is_not_sent_elsewhere() {
    let backend = Backend::echo().await;
    let settings = "          path_with_escaped_slashes_action: UNESCAPE_AND_REDIRECT\n";
    let edge = Edge::with(&backend, ALL, settings).await;
    for version in Version::ALL {
        let request = Request::get("/a%2Fb").header("content-type", "application/grpc");
        let reply = edge.client(version).await.send(request).await;
        assert_eq!((reply.status, reply.header("grpc-status")), (200, Some("13")), "{version:?}");
    }
}

#[tokio::test]
async fn authorities_are_brought_into_one_form() {
    let backend = Backend::echo().await;
    for (settings, authority, expected) in [
        ("", "a.test.:1", "a.test.:1"),
        ("strip_any_host_port: true", "a.test:1", "a.test"),
        ("strip_any_host_port: true", "[::1]:1", "[::1]"),
        ("strip_any_host_port: false", "a.test:1", "a.test:1"),
        ("strip_matching_host_port: true", "a.test:1", "a.test:1"),
        ("strip_matching_host_port: true", "a.test:${port}", "a.test"),
        ("strip_trailing_host_dot: true", "a.test.", "a.test"),
        ("strip_trailing_host_dot: true", "a.test.:1", "a.test:1"),
    ] {
        let edge = Edge::with(&backend, ALL, &format!("          {settings}\n")).await;
        for version in Version::ALL {
            let listener = if version == Version::Http3 { "http3" } else { "https" };
            let port = edge.process.address(listener).port().to_string();
            let request = Request::get("/").authority(&authority.replace("${port}", &port));
            assert_eq!(edge.client(version).await.send(request).await.status, 200, "{version:?} {settings}");
            let received = backend.received().pop().expect("a request");
            assert_eq!(field(&received.headers, "host"), Some(expected), "{version:?} {settings} {authority}");
        }
    }
}

/// As Envoy: RFC 9110 §9.3.6 has the port in the target of a CONNECT, always.
#[tokio::test]
async fn rfc9110_9_3_6_a_connect_keeps_its_port() {
    let backend = echo().await;
    for (settings, authority, expected) in [
        ("strip_any_host_port: true", "a.test:443", "a.test:443"),
        ("strip_any_host_port: true", "[::1]:443", "[::1]:443"),
        ("strip_matching_host_port: true", "a.test:${port}", "a.test:${port}"),
        ("strip_trailing_host_dot: true", "a.test.:443", "a.test:443"),
    ] {
        let edge = Edge::with(&backend, ROUTES, &format!("{MANAGER}          {settings}\n")).await;
        for version in Version::ALL {
            let listener = if version == Version::Http3 { "http3" } else { "https" };
            let port = edge.process.address(listener).port().to_string();
            let [authority, expected] = [authority, expected].map(|text| text.replace("${port}", &port));
            assert_eq!(ask(&edge, version, Asked::Connect(&authority), "").await.status, 200, "{version:?} {settings}");
            let received = backend.received().pop().expect("a request");
            assert_eq!(received.target, expected, "{version:?} {settings}");
            assert_eq!(field(&received.headers, "host"), Some(&*expected), "{version:?} {settings}");
        }
    }
}

#[tokio::test]
async fn names_with_underscores_are_treated_as_is_configured() {
    let backend = Backend::echo().await;
    for (action, status, passes) in [("ALLOW", 200, true), ("DROP_HEADER", 200, false), ("REJECT_REQUEST", 400, false)]
    {
        let settings = format!("common_http_protocol_options: {{headers_with_underscores_action: {action}}}");
        let edge = Edge::with(&backend, ALL, &format!("          {settings}\n")).await;
        let mut log = edge.process.log("access.log");
        for version in Version::ALL {
            let request = Request::get("/").header("x_y", "1").header("x-y", "2");
            let reply = edge.client(version).await.send(request).await;
            assert_eq!(reply.status, status, "{version:?} {action}");
            let line = log.lines(1).await.pop().expect("a line");
            if status == 400 {
                let details = line["details"].as_str().unwrap_or_default();
                assert!(details.ends_with(".unexpected_underscore"), "{version:?} {line}");
                assert_eq!(line["flags"], "DPE", "{version:?} {line}");
                continue;
            }
            let received = backend.received().pop().expect("a request");
            assert_eq!(field(&received.headers, "x_y").is_some(), passes, "{version:?} {action}");
            assert_eq!(field(&received.headers, "x-y"), Some("2"), "{version:?} {action}");
        }
    }
}
