//! Every failure with its answer, flag and details, as Envoy has them: one table, every version.

use crate::edge::{Edge, cluster};
use crate::support::backend::{Backend, Script};
use crate::support::client::{Client, Version};
use crate::support::deadline::until;
use crate::support::message::Request;
use crate::support::ports::{Refusing, Unanswering};

/// What is asked, and what is said of it: to the client, and in the log.
struct Case {
    path: &'static str,
    status: u16,
    body: &'static str,
    flags: &'static str,
    details: &'static str,
}

const CASES: &[Case] = &[
    Case { path: "/nowhere", status: 404, body: "", flags: "NR", details: "route_not_found" },
    Case { path: "/empty", status: 503, body: "no healthy upstream", flags: "UH", details: "no_healthy_upstream" },
    Case {
        path: "/refusing",
        status: 503,
        body: "upstream connect error or disconnect/reset before headers. reset reason: remote connection failure",
        flags: "UF",
        details: "upstream_reset_before_response_started{remote_connection_failure|delayed_connect_error:_Connection_refused}",
    },
    Case {
        path: "/unanswering",
        status: 503,
        body: "upstream connect error or disconnect/reset before headers. reset reason: connection timeout",
        flags: "UF",
        details: "upstream_reset_before_response_started{connection_timeout}",
    },
    Case {
        path: "/backend/close",
        status: 503,
        body: "upstream connect error or disconnect/reset before headers. reset reason: connection termination",
        flags: "UC",
        details: "upstream_reset_before_response_started{connection_termination}",
    },
    Case {
        path: "/backend/reset",
        status: 503,
        body: "upstream connect error or disconnect/reset before headers. reset reason: connection termination",
        flags: "UC",
        details: "upstream_reset_before_response_started{connection_termination}",
    },
    Case {
        path: "/backend/garbage",
        status: 502,
        body: "upstream connect error or disconnect/reset before headers. reset reason: protocol error",
        flags: "UPE",
        details: "upstream_reset_before_response_started{protocol_error}",
    },
    Case {
        path: "/backend/stall",
        status: 504,
        body: "upstream request timeout",
        flags: "UT",
        details: "response_timeout",
    },
    Case { path: "/backend/idle", status: 504, body: "stream timeout", flags: "SI", details: "stream_idle_timeout" },
];

const ROUTES: &str = "
              - {match: {path: /backend/stall}, route: {cluster: backend, timeout: 0.1s}}
              - {match: {path: /backend/idle}, route: {cluster: backend, idle_timeout: 0.1s}}
              - {match: {prefix: /backend}, route: {cluster: backend}}
              - {match: {prefix: /empty}, route: {cluster: empty}}
              - {match: {prefix: /refusing}, route: {cluster: refusing}}
              - {match: {prefix: /unanswering}, route: {cluster: unanswering}}
";

async fn backend() -> Backend {
    Backend::start(|received| match received.path() {
        "/backend/close" => Script::nothing().close(),
        "/backend/reset" => Script::nothing().reset(),
        "/backend/garbage" => Script::bytes("SSH-2.0-not-http\r\n\r\n"),
        "/backend/cut" => Script::bytes("HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\npart").close(),
        "/backend/slow" => Script::bytes("HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\npart").stall(),
        "/backend/stall" | "/backend/idle" => Script::nothing().stall(),
        _ => Script::reply(200, "fine"),
    })
    .await
}

#[tokio::test]
async fn every_failure_has_its_answer_flag_and_details() {
    let backend = backend().await;
    let refusing = Refusing::new();
    let unanswering = Unanswering::new();
    let clusters = [
        cluster("backend", &backend.address().to_string()),
        cluster("refusing", &refusing.address().to_string()),
        cluster("unanswering", &unanswering.address().to_string()),
        "  - {name: empty}\n".to_owned(),
    ];
    let edge = Edge::in_front_of(&clusters.concat(), ROUTES, "").await;
    let mut log = edge.process.log("access.log");
    for version in Version::ALL {
        let client = edge.client(version).await;
        for case in CASES {
            let reply = client.send(Request::get(case.path)).await;
            let seen = (reply.status, reply.text());
            assert_eq!(seen, (case.status, case.body.to_owned()), "{version:?} {}", case.path);
            let line = log.lines(1).await.pop().expect("a line");
            assert_eq!(line["code"], case.status, "{version:?} {line}");
            assert_eq!(line["flags"], case.flags, "{version:?} {line}");
            assert_eq!(line["details"], case.details, "{version:?} {line}");
            assert_eq!((&line["path"], &line["method"]), (&case.path.into(), &"GET".into()), "{version:?} {line}");
        }
    }
    let stats = edge.process.stats().await;
    for (name, at_least) in [
        ("http.edge.no_route", 3),
        ("cluster.empty.upstream_cx_none_healthy", 3),
        ("cluster.refusing.upstream_cx_connect_fail", 3),
        ("cluster.unanswering.upstream_cx_connect_timeout", 3),
        ("cluster.backend.upstream_rq_timeout", 3),
        ("http.edge.downstream_rq_5xx", 24),
    ] {
        assert_eq!(stats.of(name), at_least, "{name}");
    }
}

#[tokio::test]
async fn what_ends_after_the_response_began_is_in_the_log() {
    let backend = backend().await;
    let routes = "
              - {match: {path: /backend/slow}, route: {cluster: backend, timeout: 0.2s}}
              - {match: {prefix: /}, route: {cluster: backend}}
";
    let edge = Edge::start(&backend, routes).await;
    let mut log = edge.process.log("access.log");
    for version in Version::ALL {
        for (path, flags, details) in [
            ("/backend/cut", "UPE", "upstream_reset_after_response_started{protocol_error}"),
            ("/backend/slow", "UT", "response_timeout"),
        ] {
            let reply = edge.client(version).await.send(Request::get(path)).await;
            let came = (reply.status, reply.text());
            // RFC 9000 §3.2: a QUIC receiver may throw away what came before a reset that it has not read.
            let lost = version == Version::Http3 && came == (0, String::new());
            assert!(lost || came == (200, "part".to_owned()), "{version:?} {path} {came:?}");
            let line = log.lines(1).await.pop().expect("a line");
            assert_eq!((&line["flags"], &line["details"]), (&flags.into(), &details.into()), "{version:?} {line}");
            assert_eq!(line["sent"], 4, "{version:?} {line}");
        }
    }
}

#[tokio::test]
async fn a_client_that_leaves_is_in_the_log() {
    let backend = backend().await;
    let edge = Edge::start(&backend, crate::edge::ALL).await;
    let mut log = edge.process.log("access.log");
    for (asked, version) in (1..).zip(Version::ALL) {
        let client = edge.client(version).await;
        let exchange = client.open(&Request::get("/backend/stall"), true).await;
        backend.until_received(asked).await;
        drop(exchange);
        client.close().await;
        let line = log.lines(1).await.pop().expect("a line");
        // An HTTP/2 client says of each stream that it is given up before the connection ends.
        let (flags, details) = match version {
            Version::Http2 => ("DR", "http2.remote_reset"),
            Version::Http1 | Version::Http3 => ("DC", "downstream_remote_disconnect"),
        };
        assert_eq!((&line["code"], &line["flags"]), (&0.into(), &flags.into()), "{version:?} {line}");
        assert_eq!(line["details"], details, "{version:?} {line}");
    }
}

#[tokio::test]
async fn a_stream_that_its_client_resets_is_in_the_log() {
    // RFC 9113 §7: CANCEL. RFC 9114 §8.1: H3_REQUEST_CANCELLED.
    for (version, code, details) in
        [(Version::Http2, 0x8, "http2.remote_reset"), (Version::Http3, 0x10c, "http3.remote_reset")]
    {
        let backend = backend().await;
        let edge = Edge::start(&backend, crate::edge::ALL).await;
        let client = edge.client(version).await;
        let mut exchange = client.open(&Request::new("POST", "/backend/stall"), false).await;
        exchange.upload.data(vec![0]).await.expect("the stream stands");
        until("the backend to be asked", async || (backend.connections() > 0).then_some(())).await;
        exchange.reset(code);
        let line = edge.process.log("access.log").lines(1).await.pop().expect("a line");
        assert_eq!((&line["flags"], &line["details"]), (&"DR".into(), &details.into()), "{version:?} {line}");
        assert_eq!(client.send(Request::get("/")).await.status, 200, "{version:?}: the connection goes on");
    }
}

#[tokio::test]
async fn handshakes_that_fail_are_in_the_log_of_the_listener() {
    let backend = backend().await;
    let edge = Edge::start(&backend, crate::edge::ALL).await;
    // HTTP where TLS is spoken.
    let mut wire = crate::support::wire::Wire::tcp(edge.process.address("https")).await.expect("the port is open");
    wire.write("GET / HTTP/1.1\r\n\r\n").await.expect("the connection stands");
    wire.rest().await;
    // Nothing in common in ALPN (RFC 9001 §8.1).
    let tls = crate::support::certificates::Certificates::of_this_run().client(&["not-h3"]);
    assert!(Client::http3(edge.process.address("http3"), tls).await.is_err());
    let mut log = edge.process.log("connections.log");
    let lines = log.lines(2).await;
    let of = |listener: &str| lines.iter().find(|line| line["listener"] == listener).expect("a line of each listener");
    let (tls, quic) = (of("https"), of("http3"));
    assert!(tls["reason"].as_str().is_some_and(|reason| reason.starts_with("TLS_error:|")), "{tls}");
    assert!(quic["reason"].as_str().is_some_and(|reason| reason.starts_with("QUIC_error:|")), "{quic}");
    let stats = edge.process.stats().await;
    assert_eq!(stats.of("listener.127.0.0.1_0.ssl.connection_error"), 2);
}

#[tokio::test]
async fn a_request_that_takes_too_long_is_answered_408() {
    let manager = "          request_timeout: 0.2s\n";
    let backend = backend().await;
    let edge = Edge::with(&backend, crate::edge::ALL, manager).await;
    for version in Version::ALL {
        let client = edge.client(version).await;
        let mut exchange = client.open(&Request::post("/", "x"), false).await;
        let reply = exchange.download.reply().await;
        assert_eq!((reply.status, reply.text().as_str()), (408, "request timeout"), "{version:?}");
    }
}

#[tokio::test]
async fn a_head_that_dribbles_is_answered_408_and_an_idle_connection_is_not() {
    let manager = "          request_headers_timeout: 0.2s\n";
    let backend = backend().await;
    let edge = Edge::with(&backend, crate::edge::ALL, manager).await;
    let address = edge.process.address("http");
    let mut idle = crate::support::wire::Wire::tcp(address).await.expect("the port is open");
    let mut wire = crate::support::wire::Wire::tcp(address).await.expect("the port is open");
    wire.write("GET / HTTP/1.1\r\nhost: a").await.expect("the connection stands");
    let reply = wire.reply("GET").await;
    assert_eq!((reply.status, reply.text().as_str()), (408, "request header timeout"));
    // The other connection is as old and has said nothing: it is still served.
    idle.write("GET / HTTP/1.1\r\nhost: a.test\r\n\r\n").await.expect("the connection stands");
    assert_eq!(idle.reply("GET").await.status, 200);
    until("the counter", async || {
        (edge.process.stats().await.of("http.edge.downstream_rq_header_timeout") == 1).then_some(())
    })
    .await;
}
