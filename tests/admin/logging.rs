//! `/logging`: levels change while the process runs.

use crate::rig::Rig;
use crate::support::deadline::until;
use crate::support::message::{Reply, Request};

async fn post(rig: &Rig, query: &str) -> Reply {
    rig.ask(Request::new("POST", &format!("/logging{query}"))).await
}

#[tokio::test]
async fn loggers_are_listed_and_changed() {
    let rig = Rig::with(&["--log-level", "warning"]).await;
    let listed = post(&rig, "").await.text();
    assert!(listed.starts_with("active loggers:\n  admin: warning\n"), "{listed}");
    assert!(post(&rig, "?quic=trace").await.text().contains("  quic: trace\n"));
    let listed = post(&rig, "?paths=admin:debug,tls:off").await.text();
    for line in ["  admin: debug\n", "  tls: off\n", "  quic: trace\n", "  router: warning\n"] {
        assert!(listed.contains(line), "{listed}");
    }
    let listed = post(&rig, "?level=critical").await.text();
    assert!(listed.lines().filter(|line| line.starts_with("  ")).all(|line| line.ends_with(": critical")), "{listed}");
}

#[tokio::test]
async fn what_there_is_not_is_refused_with_the_usage() {
    let rig = Rig::start().await;
    let faults = [
        ("?level=loud", "unknown logger level"),
        ("?upsteam=debug", "unknown logger name"),
        ("?paths=admin", "empty logger name or empty logger level"),
        ("?level=info&admin=debug", "invalid number of parameters"),
    ];
    for (query, fault) in faults {
        let reply = post(&rig, query).await;
        assert_eq!(reply.status, 400);
        let usage = "usage: /logging?<name>=<level> (change single level)\n";
        assert!(reply.text().starts_with(&format!("error: {fault}\n\n{usage}")), "{}", reply.text());
        assert!(reply.text().contains("levels: trace debug info warning error critical off \nactive loggers:\n"));
    }
}

#[tokio::test]
async fn a_level_takes_effect_at_once() {
    let rig = Rig::with(&["--log-level", "off"]).await;
    let mut handshakes = Vec::new();
    post(&rig, "?listener=debug").await;
    // What is no TLS fails its handshake, which `listener` logs at debug.
    handshakes.push(rig.process.plain_client("tls").await.send(Request::get("/")).await.status);
    until("a line of the listener", async || rig.process.standard_error().contains("handshake").then_some(())).await;
    assert_eq!(handshakes, [0]);
}
