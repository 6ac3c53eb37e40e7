//! What becomes of requests that come before the handshake is complete.

use std::sync::Arc;

use super::client::{Early, request};
use super::counted;
use super::relay::{Gate, Relay};
use crate::edge::{ALL, Edge};
use crate::floods::limited;
use crate::settings::quic::resumable;
use crate::support::backend::{Backend, Received, Script};
use crate::support::client::Version;
use crate::support::deadline::until;
use crate::support::message::{Request, field};

/// A client whose first flight arrives, and who hears nothing yet.
async fn held(edge: &Edge) -> (Relay, Early) {
    let relay = Relay::to(edge.process.address("http3")).await;
    let early = Early::towards(edge, relay.address()).await;
    (relay, early)
}

fn said_early(received: &Received) -> Option<&str> {
    field(&received.headers, "early-data")
}

async fn until_counted(edge: &Edge, name: &str, count: i64) {
    let name = format!("http.edge.downstream_rq_early_data_{name}");
    until(format_args!("{count} of {name}"), async || (edge.process.stats().await.of(&name) == count).then_some(()))
        .await;
}

/// A backend that wants no request early.
async fn refusing() -> Backend {
    Backend::start(|received| match said_early(received) {
        Some(_) => Script::reply(425, "too early"),
        None => Script::echo(received),
    })
    .await
}

#[tokio::test]
async fn rfc8470_5_1_safe_requests_go_upstream_before_the_handshake_is_complete() {
    let backend = Backend::echo().await;
    let method = "method: \"%REQ(:METHOD)%\"";
    let edge =
        Edge::altered(&backend, &[(method, &format!("{method}\n                  early: \"%REQ(EARLY-DATA)%\""))])
            .await;
    let (relay, mut early) = held(&edge).await;
    let mut answers = Vec::new();
    for (number, method) in ["GET", "HEAD", "OPTIONS", "TRACE"].into_iter().enumerate() {
        answers.push(early.send(request(method, "/early"), "").await);
        backend.until_received(number + 1).await;
    }
    assert_eq!(counted(&edge, "ssl.handshake").await, 1, "that of the client's first connection");
    for received in backend.received() {
        assert_eq!(said_early(&received), Some("1"), "{received}");
    }
    until_counted(&edge, "forwarded", 4).await;
    relay.set(Gate::Open);
    for answer in answers {
        assert_eq!(answer.read().await.0, 200);
    }
    assert!(early.accepted.await);
    assert_eq!(counted(&edge, "quic.early_data_accepted").await, 1);
    for line in edge.process.log("access.log").lines(4).await {
        assert_eq!(line["early"], "1", "{line}");
    }
}

#[tokio::test]
async fn rfc8470_3_requests_that_change_something_wait_for_the_handshake() {
    let backend = Backend::echo().await;
    let edge = Edge::start(&backend, ALL).await;
    let (relay, mut early) = held(&edge).await;
    let mut answers = vec![
        early.send(request("POST", "/waits"), "").await,
        early.send(request("PUT", "/waits"), "content").await,
        early.send(request("DELETE", "/waits"), "").await,
        early.send(request("GET", "/waits"), "content").await,
        early.send(request("POST", "/waits").header("expect", "100-continue"), "").await,
    ];
    // Whoever comes after them overtakes them.
    answers.push(early.get("/goes").await);
    backend.until_received(1).await;
    until_counted(&edge, "total", 6).await;
    let paths = || backend.received().iter().map(|received| received.path().to_owned()).collect::<Vec<_>>();
    assert_eq!(paths(), ["/goes"]);
    // Nor do they go when the client could know everything, as long as it has not shown that it does.
    relay.set(Gate::Answers);
    assert_eq!(answers.pop().expect("the last").read().await.0, 200);
    assert_eq!(paths(), ["/goes"]);
    assert_eq!(backend.connections(), 1);

    relay.set(Gate::Open);
    for answer in answers {
        assert_eq!(answer.read().await.0, 200);
    }
    let waited: Vec<_> = backend.received().into_iter().filter(|received| received.path() == "/waits").collect();
    assert_eq!(waited.len(), 5);
    assert!(waited.iter().all(|received| said_early(received).is_none()), "{waited:?}");
    until_counted(&edge, "waited", 5).await;
}

/// One that is complete is a GET here by then.
#[tokio::test]
async fn rfc8470_3_what_asks_for_a_tunnel_waits_for_the_handshake() {
    let backend = Backend::echo().await;
    let settings = "          upgrade_configs: [{upgrade_type: webtransport}]
          http3_protocol_options: {allow_extended_connect: true}
";
    let edge = Edge::with(&backend, crate::tunnels::ROUTES, settings).await;
    let (relay, mut early) = held(&edge).await;
    let asked = request("CONNECT", "/waits").extension(h3::ext::Protocol::WEB_TRANSPORT);
    let answer = early.send(asked, "").await;
    let last = early.get("/goes").await;
    backend.until_received(1).await;
    until_counted(&edge, "total", 2).await;
    let targets = || backend.received().iter().map(|received| received.target.clone()).collect::<Vec<_>>();
    assert_eq!(targets(), ["/goes"]);
    relay.set(Gate::Open);
    assert_eq!(last.read().await.0, 200);
    backend.until_received(2).await;
    assert_eq!((targets()[1].as_str(), said_early(&backend.received()[1])), ("/waits", None));
    until_counted(&edge, "waited", 1).await;
    drop(answer);
}

#[tokio::test]
async fn what_the_gateway_answers_by_itself_waits_for_nothing() {
    let backend = Backend::echo().await;
    let routes = "              - {match: {path: /moved}, redirect: {path_redirect: /there}}
              - {match: {path: /direct}, direct_response: {status: 203}}
              - {match: {path: /there}, route: {cluster: backend}}
";
    let edge = Edge::start(&backend, routes).await;
    let (relay, mut early) = held(&edge).await;
    let mut answers = Vec::new();
    for path in ["/moved", "/direct", "/nowhere"] {
        answers.push(early.send(request("POST", path), "").await);
    }
    until_counted(&edge, "total", 3).await;
    relay.set(Gate::Answers);
    for (answer, status) in answers.into_iter().zip([301, 203, 404]) {
        assert_eq!(answer.read().await.0, status);
    }
    assert_eq!(counted(&edge, "ssl.handshake").await, 1);
    assert_eq!(backend.connections(), 0);
}

#[tokio::test]
async fn rfc8470_5_2_a_request_that_is_too_early_for_the_backend_goes_again_after_the_handshake() {
    let backend = refusing().await;
    let method = "method: \"%REQ(:METHOD)%\"";
    let attempts = format!("{method}\n                  attempts: \"%UPSTREAM_REQUEST_ATTEMPT_COUNT%\"");
    let edge = Edge::altered(&backend, &[(method, &attempts)]).await;
    let (relay, mut early) = held(&edge).await;
    let answer = early.get("/early?a=b").await;
    backend.until_received(1).await;
    relay.set(Gate::Answers);
    assert!(early.accepted.await, "the client has heard everything");
    assert_eq!(backend.received().len(), 1);
    relay.set(Gate::Open);
    let (status, echo) = answer.read().await;
    assert_eq!(status, 200);
    assert!(echo.starts_with("GET /early?a=b HTTP/1.1"), "{echo}");
    let [first, second] = <[_; 2]>::try_from(backend.received()).expect("two requests");
    assert_eq!((said_early(&first), said_early(&second)), (Some("1"), None));
    // But for that they are one.
    let others = |received: &Received| {
        let fields = received.headers.iter().filter(|(name, _)| name != "early-data").cloned();
        fields.collect::<Vec<_>>()
    };
    assert_eq!(others(&first), others(&second));
    assert_eq!(backend.connections(), 1, "what was refused has cost no connection");
    assert_eq!(edge.process.stats().await.of("cluster.backend.upstream_rq_retry"), 1);
    let line = edge.process.log("access.log").lines(1).await.pop().expect("a line");
    assert_eq!((&line["code"], &line["details"]), (&200.into(), &"via_upstream".into()), "{line}");
    assert_eq!(line["attempts"], 2, "{line}");
}

#[tokio::test]
async fn rfc8470_5_2_who_says_early_data_hears_that_it_was_too_early() {
    let backend = refusing().await;
    let edge = Edge::start(&backend, ALL).await;
    let (relay, mut early) = held(&edge).await;
    let answer = early.send(request("GET", "/").header("early-data", "1"), "").await;
    backend.until_received(1).await;
    relay.set(Gate::Open);
    assert_eq!(answer.read().await, (425, "too early".to_owned()));
    // Nor is it another matter when the early data was that of somebody in front.
    for version in [Version::Http1, Version::Http2, Version::Http3] {
        let reply = edge.client(version).await.send(Request::get("/").header("early-data", "1")).await;
        assert_eq!((reply.status, reply.text().as_str()), (425, "too early"), "{version:?}");
    }
    assert_eq!(backend.received().len(), 4, "nothing was sent again");
    assert!(backend.received().iter().all(|received| said_early(received) == Some("1")));
}

#[tokio::test]
async fn a_425_after_the_handshake_is_passed_on() {
    let backend = Backend::start(|_| Script::reply(425, "always")).await;
    let edge = Edge::start(&backend, ALL).await;
    let (relay, mut early) = held(&edge).await;
    let answer = early.get("/").await;
    backend.until_received(1).await;
    relay.set(Gate::Open);
    // It was sent again once, and that is enough.
    assert_eq!(answer.read().await, (425, "always".to_owned()));
    assert_eq!(backend.received().len(), 2);
    for version in [Version::Http1, Version::Http2, Version::Http3] {
        assert_eq!(edge.client(version).await.send(Request::get("/")).await.status, 425);
    }
    assert_eq!(backend.received().len(), 5);
}

#[tokio::test]
async fn rfc9001_4_6_1_early_data_is_taken_after_a_retry() {
    let backend = Backend::echo().await;
    let edge = limited(&backend, "half_open_before_retry: 0").await;
    let (endpoint, mut configuration) = resumable(&edge).await;
    // With the token of its first visit it would be let in at once.
    configuration.token_store(Arc::new(quinn::NoneTokenStore));
    let before = counted(&edge, "quic.retry_sent").await;
    let mut early = Early::resume(&endpoint, configuration, edge.process.address("http3")).await;
    let answers = [early.get("/early").await, early.send(request("POST", "/waits"), "content").await];
    for answer in answers {
        assert_eq!(answer.read().await.0, 200);
    }
    assert!(early.accepted.await);
    assert!(counted(&edge, "quic.retry_sent").await > before);
    assert_eq!(counted(&edge, "quic.early_data_accepted").await, 1);
    assert_eq!(backend.received().len(), 2);
}
