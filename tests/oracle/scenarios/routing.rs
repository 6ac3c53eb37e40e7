//! How a route is found, and answers of the gateway's own.

use crate::{
    scenario::{Scenario, get},
    support::message::Request,
};

pub(super) fn scenarios() -> Vec<Scenario> {
    vec![
        Scenario::get("an exact path", "/exact"),
        Scenario::get("an exact path with a query", "/exact?q=1"),
        Scenario::get("an exact path is no prefix", "/exact/more"),
        Scenario::get("paths are case-sensitive", "/EXACT"),
        Scenario::get("a prefix", "/prefix/x"),
        Scenario::get("the first match wins, not the longest", "/prefix/longer"),
        Scenario::get("a regular expression", "/item/42"),
        Scenario::get("a regular expression matches all of the path", "/item/42x"),
        Scenario::get("a regular expression does not see the query", "/item/42?x"),
        Scenario::exchange("a header with this value", get("/by-header").header("x-kind", "cat")),
        Scenario::exchange("a header with another value", get("/by-header").header("x-kind", "dog")),
        Scenario::get("a header that is absent", "/by-header"),
        Scenario::exchange("a domain by suffix", Request::get("/").authority("x.wild.test")),
        Scenario::exchange("a domain by prefix", Request::get("/").authority("wild.example")),
        Scenario::exchange("a domain in capitals", Request::get("/exact").authority("A.TEST")),
        Scenario::exchange("a domain with a port", Request::get("/exact").authority("a.test:8080")),
        Scenario::exchange("no virtual host", Request::get("/exact").authority("nowhere.test")),
        Scenario::get("no route", "/nowhere"),
        Scenario::exchange("no route for HEAD", Request::new("HEAD", "/nowhere").authority("a.test")),
        Scenario::get("an answer without a body", "/forbidden"),
        Scenario::get("an answer that has no content", "/empty"),
        Scenario::exchange("an answer to HEAD", Request::new("HEAD", "/exact").authority("a.test")),
        Scenario::get("redirect to HTTPS", "/to-https?q=1"),
        Scenario::get("redirect to a host", "/to-host?q=1"),
        Scenario::get("redirect to a host and a port", "/to-host-and-port?q=1"),
        Scenario::get("redirect to a path", "/to-path?q=1"),
        Scenario::get("redirect to a path with a query of its own", "/to-path-and-query?q=1"),
        Scenario::get("redirect with another prefix", "/to-prefix/x?q=1"),
        Scenario::get("redirect without the query", "/without-query?q=1"),
        Scenario::get("redirect with another status", "/temporarily"),
        Scenario::exchange("a virtual host that requires TLS", Request::get("/x?q=1").authority("secure.test")),
    ]
}
