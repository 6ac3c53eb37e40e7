//! `early_data_policy` of a route.

use super::client::{Early, request};
use super::relay::{Gate, Relay};
use crate::edge::Edge;
use crate::support::backend::{Backend, Script};
use crate::support::deadline::until;
use crate::support::message::field;

/// The routes to one backend, each with a policy of its own.
fn routes(policies: &[(&str, &str)]) -> String {
    let route = |(path, policy): &(&str, &str)| {
        let policy = format!("{{name: policy, typed_config: {{\"@type\": type.googleapis.com/{policy}}}}}");
        format!(
            "              - {{match: {{path: {path}}}, route: {{cluster: backend, early_data_policy: {policy}}}}}\n"
        )
    };
    policies.iter().map(route).collect()
}

const OWN: &str = "quicgate.extensions.early_data.v1.EarlyDataPolicy";

/// What became of a request: answered while the handshake was under way, with that status; or with its end.
async fn outcome(edge: &Edge, backend: &Backend, method: &str, path: &str) -> &'static str {
    let relay = Relay::to(edge.process.address("http3")).await;
    let mut early = Early::towards(edge, relay.address()).await;
    let names = ["forwarded", "rejected", "total"].map(|name| format!("http.edge.downstream_rq_early_data_{name}"));
    let counts = async || {
        let stats = edge.process.stats().await;
        names.clone().map(|name| stats.of(&name))
    };
    let [forwarded, rejected, total] = counts().await;
    let requests = backend.received().len();
    let answer = early.send(request(method, path), "").await;
    until("the request", async || (counts().await[2] > total).then_some(())).await;
    relay.set(Gate::Answers);
    if counts().await[1] > rejected {
        assert_eq!(answer.read().await, (425, "Too Early".to_owned()), "{method} {path}");
        assert_eq!(backend.received().len(), requests);
        return "425";
    }
    if counts().await[0] > forwarded {
        assert_eq!(answer.read().await.0, 200);
        return "early";
    }
    assert_eq!(backend.received().len(), requests);
    relay.set(Gate::Open);
    assert_eq!(answer.read().await.0, 200);
    let received = backend.received().pop().expect("a request");
    assert_eq!(field(&received.headers, "early-data"), None);
    "waits"
}

#[tokio::test]
async fn rfc8470_5_2_a_route_says_what_goes_early() {
    let backend = Backend::start(|_| Script::reply(200, "ok")).await;
    let edge = Edge::start(
        &backend,
        &routes(&[
            ("/envoy", "envoy.extensions.early_data.v3.DefaultEarlyDataPolicy"),
            ("/own", OWN),
            ("/all", &format!("{OWN}, safe_methods: FORWARD, other_methods: TOO_EARLY")),
            ("/none", &format!("{OWN}, safe_methods: TOO_EARLY, other_methods: WAIT")),
            ("/later", &format!("{OWN}, safe_methods: WAIT, other_methods: DEFAULT")),
        ]),
    )
    .await;
    for (path, safe, other) in [
        // As Envoy's says: configured, it lets nothing go early.
        ("/envoy", "waits", "waits"),
        ("/own", "early", "waits"),
        ("/all", "early", "425"),
        ("/none", "425", "waits"),
        ("/later", "waits", "waits"),
    ] {
        assert_eq!(outcome(&edge, &backend, "GET", path).await, safe, "GET {path}");
        assert_eq!(outcome(&edge, &backend, "POST", path).await, other, "POST {path}");
    }
    let refused = edge.process.log("access.log").lines(10).await.into_iter().filter(|line| line["code"] == 425);
    assert!(refused.map(|line| line["details"].clone()).eq(["too_early", "too_early"]));
}
