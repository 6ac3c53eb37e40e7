//! Timers of the HTTP connection manager, in each state they can end.

use crate::{
    scenario::{Act, Scenario, get, post},
    stage::Stage,
};

pub(super) fn scenarios() -> Vec<Scenario> {
    vec![
        Scenario::get("idle before a reply", "/hang/silent").on(Stage::IdleTimeout),
        Scenario::get("idle within a reply", "/hang/body").on(Stage::IdleTimeout),
        Scenario::new("idle within a request", unfinished()).on(Stage::IdleTimeout),
        Scenario::raw("idle within a head", HALF_A_HEAD).on(Stage::IdleTimeout),
        Scenario::new("a request that does not end in time", unfinished()).on(Stage::RequestTimeout),
        Scenario::raw("a head that does not end in time", HALF_A_HEAD).on(Stage::RequestTimeout),
        Scenario::exchange("a request that ends in time", get("/echo")).on(Stage::RequestTimeout),
        Scenario::raw("a head that takes too long", HALF_A_HEAD).on(Stage::HeadersTimeout),
    ]
}

fn unfinished() -> Act {
    Act::Unfinished(post("/hang/echo", "").header("content-length", "10"), "abc")
}

const HALF_A_HEAD: &str = "GET /echo HTTP/1.1\r\nhost: a.te";
