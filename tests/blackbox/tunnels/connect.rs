//! CONNECT (RFC 9110 §9.3.6), passed on and ended in the gateway.

use std::sync::Arc;

use super::client::{Asked, ask};
use super::{MANAGER, Ways, echo};
use crate::edge::{Edge, cluster};
use crate::support::backend::{Backend, Script};
use crate::support::client::Version;
use crate::support::message::Request;
use crate::support::tls_server::Setup;
use crate::upstream_tls::{secured, trusted};

#[tokio::test]
async fn a_connect_goes_to_the_upstream() {
    let backend = echo().await;
    let ways = Ways::to(&backend).await;
    for (cell, edge, version) in ways.cells() {
        let mut tunnel = ask(edge, version, Asked::Connect("a.test:443"), "").await;
        assert_eq!((tunnel.status, tunnel.header("content-length")), (200, None), "{cell}");
        tunnel.say("ping").await;
        assert_eq!(tunnel.hear(4).await, "ping", "{cell}");
        tunnel.finish().await;
        assert_eq!(tunnel.rest().await.as_deref(), Ok(""), "{cell}");
    }
    for received in backend.received() {
        assert_eq!((received.method.as_str(), received.target.as_str()), ("CONNECT", "a.test:443"));
    }
}

#[tokio::test]
async fn a_connect_that_is_refused_has_an_answer() {
    let backend = Backend::start(|_| Script::reply(407, "who are you")).await;
    let ways = Ways::to(&backend).await;
    for (cell, edge, version) in ways.cells() {
        assert_eq!(ask(edge, version, Asked::Connect("a.test:443"), "").await.status, 407, "{cell}");
    }
}

/// Where CONNECT ends here, in front of a host that says back what comes.
async fn ending_here(config: &str) -> (Edge, tokio::task::JoinSet<()>) {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = listener.local_addr().expect("the address of a bound socket").to_string();
    let mut echoing = tokio::task::JoinSet::new();
    echoing.spawn(async move {
        let mut connections = tokio::task::JoinSet::new();
        while let Ok((mut stream, _)) = listener.accept().await {
            connections.spawn(async move {
                let (mut reader, mut writer) = stream.split();
                drop(tokio::io::copy(&mut reader, &mut writer).await);
                drop(tokio::io::AsyncWriteExt::shutdown(&mut writer).await);
            });
        }
    });
    let action =
        format!("route: {{cluster: backend, upgrade_configs: [{{upgrade_type: CONNECT, connect_config: {config}}}]}}");
    let routes = format!(
        "              - {{match: {{connect_matcher: {{}}}}, {action}}}\n              - {{match: {{prefix: /}}, {action}}}\n"
    );
    (Edge::in_front_of(&cluster("backend", &address), &routes, MANAGER).await, echoing)
}

#[tokio::test]
async fn a_connect_may_end_in_the_gateway() {
    let (edge, _echoing) = ending_here("{}").await;
    for version in Version::ALL {
        let mut log = edge.process.log("access.log");
        log.lines_so_far();
        let mut tunnel = ask(&edge, version, Asked::Connect("a.test:443"), "GET / ").await;
        assert_eq!(tunnel.status, 200, "{version:?}");
        assert_eq!(tunnel.hear(6).await, "GET / ", "{version:?}");
        tunnel.finish().await;
        assert_eq!(tunnel.rest().await.as_deref(), Ok(""), "{version:?}");
        let line = log.lines(1).await.remove(0);
        let seen = ["code", "received", "sent", "flags"].map(|name| line[name].to_string());
        assert_eq!(seen, ["200", "6", "6", "\"-\""], "{version:?}: {line}");
    }
    let stats = edge.process.stats().await;
    assert_eq!(stats.of("http.edge.downstream_cx_upgrades_total"), 3);
    assert_eq!(stats.of("http.edge.downstream_cx_upgrades_active"), 0);
    assert_eq!((stats.of("cluster.backend.upstream_cx_total"), stats.of("cluster.backend.upstream_cx_active")), (3, 0));
}

#[tokio::test]
async fn a_post_may_be_a_connect() {
    let (edge, _echoing) = ending_here("{allow_post: true}").await;
    for version in Version::ALL {
        let reply = edge.client(version).await.send(Request::post("/", "some bytes")).await;
        assert_eq!((reply.status, reply.text().as_str()), (200, "some bytes"), "{version:?}");
    }
}

#[tokio::test]
async fn a_host_that_is_not_there_is_answered_as_any_other() {
    let refusing = crate::support::ports::reserve();
    let action = "route: {cluster: backend, upgrade_configs: [{upgrade_type: CONNECT, connect_config: {}}]}";
    let routes = format!("              - {{match: {{connect_matcher: {{}}}}, {action}}}\n");
    let edge = Edge::in_front_of(&cluster("backend", &format!("127.0.0.1:{refusing}")), &routes, MANAGER).await;
    for version in Version::ALL {
        assert_eq!(ask(&edge, version, Asked::Connect("a.test:443"), "").await.status, 503, "{version:?}");
    }
}

#[tokio::test]
async fn what_comes_out_of_a_tunnel_goes_on_under_tls_where_the_cluster_is() {
    let server = Setup::default().configuration();
    let backend = Backend::secured(Arc::new(server), Script::echo).await;
    let action = "route: {cluster: backend, upgrade_configs: [{upgrade_type: CONNECT, connect_config: {}}]}";
    let routes = format!("              - {{match: {{connect_matcher: {{}}}}, {action}}}\n");
    let tls = format!("sni: localhost, {}", trusted());
    let edge = Edge::in_front_of(&secured("backend", backend.address(), &tls), &routes, MANAGER).await;
    for version in Version::ALL {
        let mut tunnel = ask(&edge, version, Asked::Connect("a.test:443"), "").await;
        tunnel.say("GET /inside HTTP/1.1\r\nhost: a\r\n\r\n").await;
        let reply = tunnel.hear(60).await;
        assert!(reply.starts_with("HTTP/1.1 200 OK") && reply.contains("GET /inside"), "{version:?}: {reply}");
    }
}
