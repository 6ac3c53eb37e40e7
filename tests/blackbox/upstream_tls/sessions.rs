//! Sessions towards upstreams: resumed as the upstream sees it, and by nobody who asked for something else.

use std::net::SocketAddr;

use rustls::DEFAULT_VERSIONS;

use super::server::{Setup, TLS12_ONLY, brief};
use super::{altered, edge, in_front_of, secured, trusted, trusting};
use crate::edge::ALL;
use crate::support::backend::Backend;
use crate::support::certificates::Certificates;
use crate::support::client::{Client, Version};
use crate::support::deadline::until;
use crate::support::message::Request;
use crate::upstream_http3::chain::Chain;

/// Which of the handshakes so far resumed a session.
fn resumed(backend: &Backend) -> Vec<bool> {
    backend.handshakes().iter().map(|shaken| shaken.resumed).collect()
}

async fn ask(client: &Client, path: &str, host: &str) {
    let reply = client.send(Request::get(path).authority(host)).await;
    assert_eq!(reply.status, 200, "{host}: {}", reply.text());
}

#[tokio::test]
async fn sessions_resume_as_many_as_are_kept() {
    for versions in [TLS12_ONLY, DEFAULT_VERSIONS] {
        for (keys, expected) in [
            ("", [false, true, true, true]),
            ("max_session_keys: 4, ", [false, true, true, true]),
            ("max_session_keys: 0, ", [false; 4]),
        ] {
            let backend = brief(Setup { versions, ..Setup::default() }.configuration()).await;
            let edge = in_front_of(&secured("backend", backend.address(), &format!("{keys}{}", trusted()))).await;
            // The workers share them.
            for version in [Version::Http1, Version::Http2, Version::Http3, Version::Http1] {
                ask(&edge.client(version).await, "/", "localhost").await;
            }
            assert_eq!(resumed(&backend), expected, "{keys}");
            let reused = expected.iter().filter(|resumed| **resumed).count();
            let stats = edge.process.stats().await;
            assert_eq!(stats.of("cluster.backend.ssl.session_reused"), i64::try_from(reused).expect("a few"), "{keys}");
            assert_eq!(stats.of("cluster.backend.ssl.handshake"), 4, "{keys}");
        }
    }
}

#[tokio::test]
async fn a_session_for_one_name_is_not_resumed_for_another() {
    let backend = brief(Setup::default().configuration()).await;
    let options = "        upstream_http_protocol_options: {auto_sni: true}\n";
    let edge = edge(&altered("backend", backend.address(), &trusted(), options, ""), ALL).await;
    let client = edge.process.plain_client("http").await;
    for host in ["a.test", "b.test", "127.0.0.1", "b.test", "a.test", "127.0.0.1"] {
        ask(&client, "/", host).await;
    }
    assert_eq!(resumed(&backend), [false, false, false, true, true, true]);
}

/// What is verified of the certificate is part of it: under another demand the session proves nothing.
#[tokio::test]
async fn a_session_is_not_resumed_by_another_cluster_or_for_another_name_that_is_verified() {
    let backend = brief(Setup::default().configuration()).await;
    let options = "        upstream_http_protocol_options: {auto_san_validation: true}\n";
    let of = |name: &str, tls: &str, options: &str| altered(name, backend.address(), tls, options, "");
    let stranger = trusting(&Certificates::of_another_authority(), "");
    let clusters = [
        of("one", &trusted(), ""),
        of("other", &trusted(), ""),
        of("verified", &trusted(), options),
        of("strict", &stranger, ""),
    ];
    let route = |name: &str| format!("              - {{match: {{path: /{name}}}, route: {{cluster: {name}}}}}\n");
    let routes: String = ["one", "other", "verified", "strict"].map(route).concat();
    let edge = edge(&clusters.concat(), &routes).await;
    let client = edge.process.plain_client("http").await;
    for (path, host) in [("/one", "a.test"), ("/other", "a.test"), ("/verified", "a.test"), ("/verified", "localhost")]
    {
        ask(&client, path, host).await;
    }
    assert_eq!(resumed(&backend), [false; 4]);
    assert_eq!(client.send(Request::get("/strict")).await.status, 503);
    assert_eq!(client.send(Request::get("/verified").authority("b.test")).await.status, 503);
    for (path, host) in [("/one", "a.test"), ("/verified", "a.test")] {
        ask(&client, path, host).await;
    }
    assert_eq!(resumed(&backend), [false, false, false, false, true, true]);
}

/// A session is shown to the host that gave it, and to no other of the cluster.
#[tokio::test]
async fn a_session_goes_back_to_the_host_that_it_came_from() {
    let setup = Setup::default();
    let backends = [brief(setup.configuration()).await, brief(setup.configuration()).await];
    let [first, second] = [&backends[0], &backends[1]];
    let one = secured("backend", first.address(), &trusted());
    let edge = in_front_of(&with_another(&one, first.address(), second.address())).await;
    let client = edge.process.plain_client("http").await;
    for _ in 0..6 {
        ask(&client, "/", "localhost").await;
    }
    for backend in &backends {
        assert_eq!(resumed(backend), [false, true, true]);
    }
}

/// The cluster with a second host.
fn with_another(cluster: &str, first: SocketAddr, second: SocketAddr) -> String {
    let (head, rest) = cluster.split_once("lb_endpoints: [").expect("hosts");
    let (host, tail) = rest.split_once("}}}]").expect("the end of the first");
    let other = host.replace(&first.port().to_string(), &second.port().to_string());
    format!("{head}lb_endpoints: [{host}}}}}}}, {other}}}}}}}]{tail}")
}

/// A connection over QUIC that may serve one request is over after it.
#[tokio::test]
async fn sessions_over_quic_resume() {
    let backend = Backend::echo().await;
    let manager = "          common_http_protocol_options: {max_requests_per_connection: 1}\n";
    let chain = Chain::with(&backend, manager).await;
    for version in Version::ALL {
        ask(&chain.front.client(version).await, "/", "localhost").await;
        until("the end of the connection", async || {
            (chain.front.process.stats().await.of("cluster.backend.upstream_cx_active") == 0).then_some(())
        })
        .await;
    }
    let stats = chain.front.process.stats().await;
    let of = |name: &str| stats.of(&format!("cluster.backend.{name}"));
    assert_eq!((of("ssl.handshake"), of("ssl.session_reused"), of("ssl.versions.TLSv1.3")), (3, 2, 3));
    assert_eq!(chain.back.process.stats().await.of("listener.127.0.0.1_0.ssl.session_reused"), 2);
}

#[tokio::test]
async fn many_connections_at_once_resume_as_many_sessions_as_are_kept() {
    let setup = Setup { versions: DEFAULT_VERSIONS, ..Setup::default() };
    let backend = brief(setup.configuration()).await;
    let tls = format!("max_session_keys: 8, {}", trusted());
    let edge = in_front_of(&secured("backend", backend.address(), &tls)).await;
    // Each connection brings the tickets for two more.
    for _ in 0..3 {
        ask(&edge.client(Version::Http2).await, "/", "localhost").await;
    }
    let (one, other) = (edge.client(Version::Http2).await, edge.client(Version::Http2).await);
    tokio::join!(ask(&one, "/", "localhost"), ask(&other, "/", "localhost"));
    assert_eq!(resumed(&backend), [false, true, true, true, true]);
}
