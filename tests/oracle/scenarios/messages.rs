//! What becomes of requests and replies on their way through.

use crate::{
    scenario::{Act, Scenario, get, post},
    stage::Stage,
    support::{client::Version, message::Request},
};

pub(super) fn scenarios() -> Vec<Scenario> {
    vec![
        Scenario::get("GET reaches the backend", "/echo?q=1"),
        Scenario::exchange("a body of known length", post("/echo", "abc").sized()),
        Scenario::exchange("a body of unknown length", post("/echo", "abc")),
        Scenario::exchange("POST without a body", Request::new("POST", "/echo").authority("a.test")),
        Scenario::exchange("DELETE without a body", Request::new("DELETE", "/echo").authority("a.test")),
        Scenario::exchange("HEAD", Request::new("HEAD", "/echo").authority("a.test")).over(NOT_HTTP3),
        Scenario::exchange("header names in capitals", get("/echo").header("X-Mixed-Case", "Kept")).over(HTTP1),
        Scenario::exchange("a header given twice", get("/echo").header("x-two", "1").header("x-two", "2")),
        Scenario::exchange("cookie crumbs", get("/echo").header("cookie", "a=1").header("cookie", "b=2")),
        Scenario::exchange("a forwarded request", get("/echo").header("x-forwarded-for", "8.8.8.8")),
        Scenario::exchange("a forwarded scheme", get("/echo").header("x-forwarded-proto", "https")),
        Scenario::exchange("a request that has an id", get("/echo").header("x-request-id", "mine")),
        Scenario::exchange("the router's headers from outside", routers_headers()),
        Scenario::exchange("hop-by-hop fields of a request", hop_by_hop()).over(HTTP1),
        Scenario::exchange("te: trailers", get("/echo").header("te", "trailers")),
        Scenario::exchange("a request that expects 100", post("/echo", "abc").header("expect", "100-continue")),
        Scenario::exchange("a request with trailers", post("/echo", "abc").trailer("x-sum", "6")),
        Scenario::get("another path and host for the backend", "/rewritten/x?q=1"),
        Scenario::exchange("fields added, replaced and removed", mutated()),
        Scenario::get("a reply with a body", "/said/hello"),
        Scenario::get("a failure of the backend's own", "/said/503"),
        Scenario::get("a reply without content", "/said/204"),
        Scenario::get("a reply that is not modified", "/said/304"),
        Scenario::get("a chunked reply", "/said/chunked"),
        Scenario::get("a reply with trailers", "/said/trailers"),
        Scenario::get("a reply that lasts until the connection closes", "/said/until-close"),
        Scenario::get("a reply of HTTP/1.0", "/said/http-1.0"),
        Scenario::get("a reply that closes its connection", "/said/close"),
        Scenario::get("an interim reply", "/said/early-hints"),
        Scenario::get("an interim reply with content", "/said/interim-with-content"),
        Scenario::get("an interim reply that passes", "/said/early-hints").on(Stage::Interim),
        Scenario::get("an interim reply that nobody knows", "/said/unknown-interim").on(Stage::Interim),
        Scenario::exchange("a backend that says to go on", continued()).on(Stage::Interim),
        Scenario::get("hop-by-hop fields of a reply", "/said/hop-by-hop"),
        Scenario::get("fields the gateway also sets", "/said/own-headers"),
        Scenario::new("a reply before the end of the request", Act::Unfinished(post("/said/early", ""), "abc")),
        Scenario::get("trailers pass when enabled", "/said/trailers").on(Stage::Trailers),
        Scenario::exchange("request trailers pass when enabled", post("/echo", "abc").trailer("x-sum", "6"))
            .on(Stage::Trailers),
    ]
}

fn continued() -> Request {
    post("/said/continue", "abc").sized().header("expect", "100-continue")
}

fn routers_headers() -> Request {
    get("/echo")
        .header("x-envoy-max-retries", "3")
        .header("x-envoy-retry-on", "5xx")
        .header("x-envoy-upstream-rq-timeout-ms", "5000")
        .header("x-envoy-expected-rq-timeout-ms", "77")
        .header("x-envoy-internal", "true")
        .header("x-envoy-attempt-count", "4")
        .header("x-envoy-decorator-operation", "o")
        .header("x-envoy-original-path", "/o")
        .header("x-envoy-unknown", "kept")
        .header("x-forwarded-client-cert", "By=x")
}

fn mutated() -> Request {
    get("/mutated").header("x-replaced", "old").header("x-removed", "1")
}

fn hop_by_hop() -> Request {
    get("/echo")
        .header("connection", "keep-alive, x-nominated")
        .header("x-nominated", "1")
        .header("keep-alive", "5")
        .header("proxy-connection", "keep-alive")
        .header("te", "trailers, gzip")
        .header("proxy-authorization", "kept")
}

const HTTP1: &[Version] = &[Version::Http1];

const NOT_HTTP3: &[Version] = &[Version::Http1, Version::Http2];
