//! What the first proxy from outside adds and removes.

use crate::{
    scenario::{Scenario, get},
    stage::Stage,
};

pub(super) fn scenarios() -> Vec<Scenario> {
    [
        Scenario::get("a request from outside", "/echo"),
        Scenario::exchange("a claim to be forwarded", get("/echo").header("x-forwarded-for", "8.8.8.8")),
        Scenario::exchange("a claim to a scheme", get("/echo").header("x-forwarded-proto", "ftp")),
        Scenario::exchange("a claim to an id", get("/echo").header("x-request-id", "mine")),
        Scenario::exchange(
            "a claim to be internal",
            get("/echo")
                .header("x-envoy-internal", "true")
                .header("x-envoy-external-address", "9.9.9.9")
                .header("x-envoy-decorator-operation", "o")
                .header("x-envoy-original-path", "/o")
                .header("x-envoy-downstream-service-cluster", "c"),
        ),
    ]
    .map(|scenario| scenario.on(Stage::Edge))
    .to_vec()
}
