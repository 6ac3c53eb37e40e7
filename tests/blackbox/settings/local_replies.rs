//! Responses of the gateway's own: their format, what mappers make of them, and their form for gRPC.

use crate::edge::{Edge, cluster};
use crate::support::backend::{Backend, Script};
use crate::support::client::Version;
use crate::support::message::{Reply, Request};

const ROUTES: &str = "
              - {match: {prefix: /empty}, route: {cluster: empty}}
              - match: {prefix: /direct}
                direct_response: {status: 404, body: {inline_string: direct}}
                response_headers_to_add: [{header: {key: x-r, value: r}}]
              - {match: {prefix: /nobody}, direct_response: {status: 403}}
              - {match: {prefix: /redirect}, redirect: {path_redirect: /elsewhere}}
              - {match: {prefix: /up}, route: {cluster: backend}}
";

/// A gateway with this `local_reply_config`.
async fn edge(backend: &Backend, config: &str) -> Edge {
    let clusters = [cluster("backend", &backend.address().to_string()), "  - {name: empty}\n".to_owned()];
    Edge::in_front_of(&clusters.concat(), ROUTES, config).await
}

async fn unhappy() -> Backend {
    Backend::start(|_| Script::bytes("HTTP/1.1 503 Service Unavailable\r\ncontent-length: 4\r\n\r\nmine")).await
}

fn shown(reply: &Reply) -> (u16, &str, String) {
    (reply.status, reply.header("content-type").unwrap_or_default(), reply.text())
}

#[tokio::test]
async fn a_format_makes_the_content() {
    let backend = unhappy().await;
    let text =
        r#"{text_format_source: {inline_string: "<%LOCAL_REPLY_BODY%> %RESPONSE_CODE% %REQ(:PATH)% %RESP(X-R)%"}}"#;
    let html = r#"{text_format_source: {inline_string: "<p>%LOCAL_REPLY_BODY%</p>"}, content_type: text/html}"#;
    let json = r#"{json_format: {said: "%LOCAL_REPLY_BODY%", code: "%RESPONSE_CODE%"}}"#;
    for (format, path, expected) in [
        (text, "/empty", (503, "text/plain", "<no healthy upstream> 503 /empty -")),
        (text, "/direct", (404, "text/plain", "<direct> 404 /direct r")),
        (text, "/nowhere", (404, "text/plain", "<> 404 /nowhere -")),
        (text, "/redirect", (301, "text/plain", "<> 301 /redirect -")),
        (text, "/up", (503, "", "mine")),
        (html, "/empty", (503, "text/html", "<p>no healthy upstream</p>")),
        (json, "/empty", (503, "application/json", "{\"code\":503,\"said\":\"no healthy upstream\"}\n")),
        ("{text_format_source: {inline_string: \"\"}}", "/empty", (503, "", "")),
        (
            "{text_format_source: {inline_string: \"%ACCESS_LOG_TYPE% %RESPONSE_FLAGS% %BYTES_SENT%\"}}",
            "/empty",
            (503, "text/plain", "NotSet UH 0"),
        ),
    ] {
        let edge = edge(&backend, &format!("          local_reply_config: {{body_format: {format}}}\n")).await;
        for version in Version::ALL {
            let reply = edge.client(version).await.send(Request::get(path)).await;
            let (status, kind, text) = expected;
            assert_eq!(shown(&reply), (status, kind, text.to_owned()), "{version:?} {path} {format}");
            let length = reply.header("content-length").and_then(|length| length.parse().ok()).unwrap_or(0);
            assert_eq!(length, reply.body.len(), "{version:?} {path}");
        }
    }
}

#[tokio::test]
async fn a_format_knows_how_long_it_took() {
    let backend = unhappy().await;
    let format = "{text_format_source: {inline_string: \"%DURATION%\"}}";
    let edge = edge(&backend, &format!("          local_reply_config: {{body_format: {format}}}\n")).await;
    for version in Version::ALL {
        let reply = edge.client(version).await.send(Request::get("/empty")).await;
        assert!(reply.text().parse::<u64>().is_ok(), "{version:?} {}", reply.text());
    }
}

const MAPPERS: &str = r#"          local_reply_config:
            mappers:
            - filter: {status_code_filter: {comparison: {op: EQ, value: {default_value: 503, runtime_key: key}}}}
              status_code: 555
              body: {inline_string: sorry}
              headers_to_add:
              - {header: {key: x-mapped, value: "%RESPONSE_CODE% of %REQ(:PATH)%"}}
              - {header: {key: x-none, value: "%REQ(X-NONE)%"}}
              - {header: {key: x-empty, value: "%REQ(X-NONE)%"}, keep_empty_value: true}
              body_format_override: {text_format_source: {inline_string: "over %LOCAL_REPLY_BODY% %RESPONSE_CODE%"}}
            - filter: {response_flag_filter: {flags: [NR]}}
              status_code: 444
            - filter: {header_filter: {header: {name: ":path", string_match: {prefix: /direct}}}}
              body: {inline_string: by path}
              headers_to_add: [{header: {key: content-type, value: text/x}}]
            - filter: {log_type_filter: {types: [NotSet]}}
              body: {inline_string: else}
            body_format: {text_format_source: {inline_string: "all %LOCAL_REPLY_BODY% %RESPONSE_CODE%"}}
"#;

#[tokio::test]
async fn the_first_mapper_that_fits_changes_the_reply() {
    let backend = unhappy().await;
    let edge = edge(&backend, MAPPERS).await;
    let mut log = edge.process.log("access.log");
    for version in Version::ALL {
        let client = edge.client(version).await;
        for (path, status, kind, text, mapped) in [
            ("/empty", 555, "text/plain", "over sorry 555", Some("503 of /empty")),
            ("/nowhere", 444, "text/plain", "all  444", None),
            ("/direct", 404, "text/x", "all by path 404", None),
            ("/nobody", 403, "text/plain", "all else 403", None),
            ("/up", 503, "", "mine", None),
        ] {
            let reply = client.send(Request::get(path)).await;
            assert_eq!(shown(&reply), (status, kind, text.to_owned()), "{version:?} {path}");
            assert_eq!(reply.header("x-mapped"), mapped, "{version:?} {path}");
            let (none, empty) = (reply.header("x-none"), reply.header("x-empty"));
            assert_eq!((none, empty), (None, mapped.map(|_| "")), "{version:?} {path}");
            let line = log.lines(1).await.pop().expect("a line");
            assert_eq!(line["code"], status, "{version:?} {line}");
        }
    }
}

#[tokio::test]
async fn a_grpc_client_is_answered_in_trailers_alone() {
    let backend = unhappy().await;
    let mapped = "          local_reply_config:
            mappers:
            - filter: {status_code_filter: {comparison: {op: EQ, value: {default_value: 403, runtime_key: key}}}}
              status_code: 401
              body: {inline_string: \"nö 100%\"}
";
    let edge = edge(&backend, mapped).await;
    for version in Version::ALL {
        let client = edge.client(version).await;
        for (path, code, message) in [
            ("/nowhere", "12", None),
            ("/empty", "14", Some("no healthy upstream")),
            ("/direct", "12", Some("direct")),
            ("/redirect", "2", None),
            ("/nobody", "16", Some("n%C3%B6 100%25")),
        ] {
            for kind in ["application/grpc", "application/grpc+proto"] {
                let reply = client.send(Request::get(path).header("content-type", kind)).await;
                assert_eq!(shown(&reply), (200, "application/grpc", String::new()), "{version:?} {path}");
                let said = (reply.header("grpc-status"), reply.header("grpc-message"));
                assert_eq!(said, (Some(code), message), "{version:?} {path}");
            }
        }
        let web = client.send(Request::get("/nowhere").header("content-type", "application/grpc-web")).await;
        assert_eq!((web.status, web.header("grpc-status")), (404, None), "{version:?}");
        let up = client.send(Request::get("/up").header("content-type", "application/grpc")).await;
        assert_eq!((up.status, up.text().as_str()), (503, "mine"), "{version:?}: what an upstream says stays");
    }
}
