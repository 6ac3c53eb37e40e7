//! Backends of HTTP/2, and those whose version the handshake agrees on.

use crate::{
    scenario::{Scenario, get, post},
    support::message::Request,
};

pub(super) fn scenarios() -> Vec<Scenario> {
    vec![
        Scenario::get("GET reaches a backend of HTTP/2", "/http2/echo?q=1"),
        Scenario::exchange("a body of known length to HTTP/2", post("/http2/echo", "abc").sized()),
        Scenario::exchange("a body of unknown length to HTTP/2", post("/http2/echo", "abc")),
        Scenario::exchange("POST without a body to HTTP/2", Request::new("POST", "/http2/echo").authority("a.test")),
        Scenario::exchange(
            "cookie crumbs to HTTP/2",
            get("/http2/echo").header("cookie", "a=1").header("cookie", "b=2"),
        ),
        Scenario::exchange("te: trailers to HTTP/2", get("/http2/echo").header("te", "trailers")),
        Scenario::exchange("a forwarded scheme to HTTP/2", get("/http2/echo").header("x-forwarded-proto", "https")),
        Scenario::exchange("HEAD to HTTP/2", Request::new("HEAD", "/http2/hello").authority("a.test")),
        Scenario::get("a reply of HTTP/2 with a body", "/http2/hello"),
        Scenario::get("a failure of a backend of HTTP/2", "/http2/503"),
        Scenario::get("a reply of HTTP/2 without content", "/http2/204"),
        Scenario::get("a reply of HTTP/2 with trailers", "/http2/trailers"),
        Scenario::get("a backend of HTTP/2 that resets", "/http2/reset"),
        Scenario::get("a backend of HTTP/2 that resets without an error", "/http2/no-error"),
        Scenario::get("a backend that agrees on HTTP/1.1", "/tls/agreed"),
        Scenario::get("a backend that agrees on HTTP/2", "/tls/agreed-http2/echo"),
    ]
}
