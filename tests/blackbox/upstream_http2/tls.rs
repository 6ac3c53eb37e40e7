//! Who an upstream of HTTP/2 is, and what the handshake agrees on.

use std::sync::Arc;

use super::chain::{cluster, explicit, secured, tls};
use super::server::{Manner, Server};
use crate::edge::{ALL, Edge};
use crate::support::backend::{Backend, Script};
use crate::support::certificates::Certificates;
use crate::support::client::Version;
use crate::support::message::Request;
use crate::support::tls_server::Setup;
use crate::upstream_http3::chain::trusted;

/// The status, the line in the access log, and what is counted.
async fn reply(clusters: &str) -> (u16, serde_json::Value, crate::support::stats::Stats) {
    let front = Edge::in_front_of(clusters, ALL, "").await;
    let reply = front.client(Version::Http2).await.send(Request::get("/")).await;
    let line = front.process.log("access.log").lines(1).await.pop().expect("a line");
    (reply.status, line, front.process.stats().await)
}

#[tokio::test]
async fn rfc9113_3_2_an_upstream_that_does_not_agree_on_h2_is_a_failed_connection() {
    for (protocols, words) in [
        // It says nothing of protocols.
        (&[] as &'static [&'static str], "the_upstream_agreed_on_no_protocol_by_ALPN_and_not_on_h2"),
        // RFC 7301 §3.2: it says that there is none in common.
        (&["http/1.1"], "TLS_error"),
    ] {
        let setup = Setup { protocols, ..Setup::default() };
        let backend = Backend::secured(Arc::new(setup.configuration()), Script::echo).await;
        let (code, line, stats) = reply(&secured("backend", backend.address(), "")).await;
        assert_eq!((code, &line["flags"]), (503, &"UF".into()), "{line}");
        let details = line["details"].as_str().expect("a text");
        assert!(details.contains(&format!("remote_connection_failure|{words}")), "{details}");
        assert_eq!(stats.of("cluster.backend.upstream_cx_connect_fail"), 1);
        assert_eq!(stats.of("cluster.backend.upstream_cx_http2_total"), 1);
        assert!(backend.received().is_empty());
    }
}

#[tokio::test]
async fn h2_is_offered_and_nothing_that_is_not_spoken() {
    for listed in ["", "alpn_protocols: [h2], ", "alpn_protocols: [http/1.1], ", "alpn_protocols: [http/1.1, h2], "] {
        let manner = Manner { tls: Some(Arc::new(Setup::default().configuration())), ..Manner::default() };
        let server = Server::start(manner).await;
        let context = trusted(&Certificates::of_this_run().authority);
        let context = context.replace("common_tls_context: {", &format!("common_tls_context: {{{listed}"));
        let (code, line, stats) = reply(&cluster("backend", server.address(), &tls(&context), &explicit(""))).await;
        assert_eq!((code, &line["upstream_protocol"]), (200, &"HTTP/2".into()), "{listed} {line}");
        assert_eq!(stats.of("cluster.backend.ssl.handshake"), 1);
    }
}

#[tokio::test]
async fn the_certificate_of_the_upstream_is_verified() {
    let manner = || Manner { tls: Some(Arc::new(Setup::default().configuration())), ..Manner::default() };
    let server = Server::start(manner()).await;
    assert_eq!(reply(&secured("backend", server.address(), "")).await.0, 200);
    // Another authority, of the same name.
    let other = tls(&trusted(&Certificates::of_another_authority()));
    let (code, line, stats) = reply(&cluster("backend", server.address(), &other, &explicit(""))).await;
    assert_eq!((code, &line["flags"]), (503, &"UF".into()), "{line}");
    assert!(line["details"].as_str().is_some_and(|said| said.contains("invalid_peer_certificate")), "{line}");
    assert_eq!(stats.of("cluster.backend.ssl.fail_verify_error"), 1, "{stats:?}");
    // As in Envoy, nothing is verified where nobody is trusted.
    assert_eq!(reply(&cluster("backend", server.address(), &tls(""), &explicit(""))).await.0, 200);
}

#[tokio::test]
async fn connections_for_one_name_serve_no_other() {
    let manner = Manner { tls: Some(Arc::new(Setup::default().configuration())), ..Manner::default() };
    let server = Server::start(manner).await;
    let options = format!("upstream_http_protocol_options: {{auto_sni: true}}\n        {}", explicit(""));
    let socket = tls(&trusted(&Certificates::of_this_run().authority));
    let front = Edge::in_front_of(&cluster("backend", server.address(), &socket, &options), ALL, "").await;
    let client = front.client(Version::Http2).await;
    for name in ["a.test", "localhost", "a.test"] {
        assert_eq!(client.send(Request::get("/").authority(name)).await.status, 200, "{name}");
    }
    assert_eq!(server.connections(), 2);
}
