//! Settings of the connection manager: its own replies, the form of targets, who is one of our own.

use crate::{
    scenario::{Scenario, get},
    stage::Stage,
};

pub(super) fn scenarios() -> Vec<Scenario> {
    let grpc = |request: crate::support::message::Request| request.header("content-type", "application/grpc");
    let of_grpc = [
        Scenario::exchange("gRPC without a route", grpc(get("/nowhere"))),
        Scenario::exchange("gRPC without a host", grpc(get("/no-endpoint"))),
        Scenario::exchange("gRPC that is answered directly", grpc(get("/exact"))),
    ];
    let replies = [
        Scenario::get("a reply in a format", "/nowhere"),
        Scenario::get("a reply that is mapped", "/no-endpoint"),
        Scenario::get("a direct response in a format of its own", "/exact"),
        Scenario::exchange("a mapped reply for gRPC", grpc(get("/no-endpoint"))),
    ]
    .map(|scenario| scenario.on(Stage::Replies));
    let told = [
        Scenario::get("a status of the proxy without a route", "/nowhere"),
        Scenario::get("a status of the proxy without a host", "/no-endpoint"),
        Scenario::get("a status of the proxy that is refused", "/refused"),
        Scenario::get("no status of the proxy for a direct response", "/exact"),
        Scenario::exchange("a status of the proxy for gRPC", grpc(get("/no-endpoint"))),
    ]
    .map(|scenario| scenario.on(Stage::ProxyStatus));
    let clean = [
        Scenario::get("a path with dots", "/a/../echo/./%62?x=/../y"),
        Scenario::get("a path with slashes", "//echo///b"),
        Scenario::get("a path with an escaped slash", "/echo%2F..%2Fb?x=%2f"),
        Scenario::get("a path with a zero", "/echo%00"),
        Scenario::exchange("an authority with a port", get("/echo").authority("a.test.:1")),
        Scenario::exchange("a name with an underscore that is dropped", get("/echo").header("x_y", "1")),
        Scenario::exchange(
            "a request of our own",
            get("/echo")
                .header("x-envoy-internal", "false")
                .header("x-envoy-external-address", "9.9.9.9")
                .header("x-envoy-ip-tags", "t")
                .header("x-envoy-max-retries", "1")
                .header("x-request-id", "00000000-0000-4000-8000-000000000000"),
        ),
        Scenario::exchange("a request of our own for another", get("/echo").header("x-forwarded-for", "8.8.8.8")),
    ]
    .map(|scenario| scenario.on(Stage::Clean));
    let strict = [
        Scenario::get("an escaped slash that is refused", "/echo%5Cb"),
        Scenario::exchange("a name with an underscore that is refused", get("/echo").header("x_y", "1")),
        Scenario::raw("an absolute form that is refused", "GET http://a.test/echo HTTP/1.1\r\nhost: a.test\r\n\r\n"),
    ]
    .map(|scenario| scenario.on(Stage::Strict));
    [&of_grpc[..], &replies, &told, &clean, &strict].concat()
}
