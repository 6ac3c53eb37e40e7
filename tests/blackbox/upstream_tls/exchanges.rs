//! Requests that go well, and responses that end too early.

use std::sync::Arc;

use rustls::ProtocolVersion;

use super::server::{Setup, TLS12_ONLY, echo};
use super::{in_front_of, secured, trusted, trusting};
use crate::support::backend::{Backend, Script};
use crate::support::certificates::Certificates;
use crate::support::client::Version;
use crate::support::message::{End, Request};

#[tokio::test]
async fn requests_of_every_version_reach_an_upstream_under_tls() {
    let backend = echo(Setup::default().configuration()).await;
    let edge = in_front_of(&secured("backend", backend.address(), &format!("sni: a.test, {}", trusted()))).await;
    let mut log = edge.process.log("access.log");
    for version in Version::ALL {
        let client = edge.client(version).await;
        for request in [Request::get("/a?b=c"), Request::post("/", "x".repeat(100_000)).sized()] {
            let content = request.body.clone().unwrap_or_default();
            let reply = client.send(request).await;
            assert_eq!(reply.status, 200, "{version:?}");
            assert!(reply.body.trim_ascii_end().ends_with(&content), "{version:?}: {} bytes", reply.body.len());
            let line = log.lines(1).await.pop().expect("a line");
            assert_eq!(line["tls"], "TLSv1.3 TLS_AES_256_GCM_SHA384 X25519MLKEM768", "{line}");
            assert_eq!((&line["name"], &line["details"]), (&"a.test".into(), &"via_upstream".into()), "{line}");
        }
    }
    // By default the protocol is offered that is spoken.
    for shaken in backend.handshakes() {
        assert_eq!((shaken.name.as_deref(), shaken.protocol.as_deref()), (Some("a.test"), Some("http/1.1")));
        assert_eq!(shaken.certificate, None);
    }
    let stats = edge.process.stats().await;
    let of = |name: &str| stats.of(&format!("cluster.backend.{name}"));
    let connections = i64::try_from(backend.connections()).expect("a few");
    assert!(connections <= 2, "{connections}: one a worker is enough");
    for name in ["ssl.handshake", "ssl.versions.TLSv1.3", "ssl.curves.X25519MLKEM768", "upstream_cx_total"] {
        assert_eq!(of(name), connections, "{name}");
    }
    assert_eq!((of("ssl.connection_error"), of("upstream_cx_connect_fail"), of("upstream_rq_200")), (0, 0, 6));
}

#[tokio::test]
async fn an_older_upstream_is_spoken_to_in_tls_1_2() {
    let old = Setup { versions: TLS12_ONLY, ..Setup::default() };
    let backend = echo(old.configuration()).await;
    let edge = in_front_of(&secured("backend", backend.address(), &trusted())).await;
    assert_eq!(edge.client(Version::Http2).await.send(Request::get("/")).await.status, 200);
    assert_eq!(backend.handshakes()[0].version, Some(ProtocolVersion::TLSv1_2));
    let line = edge.process.log("access.log").lines(1).await.pop().expect("a line");
    assert!(line["tls"].as_str().is_some_and(|tls| tls.starts_with("TLSv1.2 ECDHE-ECDSA-AES")), "{line}");
}

#[tokio::test]
async fn the_parameters_of_a_cluster_are_those_of_its_handshakes() {
    for (params, expected) in [
        ("tls_params: {tls_maximum_protocol_version: TLSv1_2}, ", "TLSv1.2 "),
        (
            "tls_params: {tls_maximum_protocol_version: TLSv1_2, cipher_suites: [ECDHE-ECDSA-CHACHA20-POLY1305]}, ",
            "TLSv1.2 ECDHE-ECDSA-CHACHA20-POLY1305 ",
        ),
        ("tls_params: {ecdh_curves: [P-384]}, ", "TLSv1.3 TLS_AES_256_GCM_SHA384 P-384"),
        ("tls_params: {signature_algorithms: [ecdsa_secp256r1_sha256]}, ", "TLSv1.3 "),
        // The upstream has a key of P-256.
        ("tls_params: {signature_algorithms: [rsa_pss_rsae_sha256]}, ", "- - -"),
    ] {
        let backend = echo(Setup::default().configuration()).await;
        let tls = trusting(&Certificates::of_this_run().authority, params);
        let edge = in_front_of(&secured("backend", backend.address(), &tls)).await;
        edge.client(Version::Http2).await.send(Request::get("/")).await;
        let line = edge.process.log("access.log").lines(1).await.pop().expect("a line");
        assert!(line["tls"].as_str().is_some_and(|tls| tls.starts_with(expected)), "{params} {line}");
    }
}

#[tokio::test]
async fn the_protocols_that_are_listed_are_offered_but_for_those_that_are_not_spoken() {
    for (listed, agreed) in [
        ("alpn_protocols: [http/1.1], ", "http/1.1"),
        ("alpn_protocols: [h2, http/1.1], ", "http/1.1"),
        ("alpn_protocols: [h2], ", "http/1.1"),
        ("alpn_protocols: [acme-http, http/1.1], ", "acme-http"),
    ] {
        let setup = Setup { protocols: &["h2", "acme-http", "http/1.1"], ..Setup::default() };
        let backend = echo(setup.configuration()).await;
        let tls = trusting(&Certificates::of_this_run().authority, listed);
        let edge = in_front_of(&secured("backend", backend.address(), &tls)).await;
        assert_eq!(edge.client(Version::Http2).await.send(Request::get("/")).await.status, 200, "{listed}");
        assert_eq!(backend.handshakes()[0].protocol.as_deref(), Some(agreed), "{listed}");
    }
}

#[tokio::test]
async fn secrets_of_connections_to_upstreams_are_logged_where_that_is_asked_for() {
    let backend = echo(Setup::default().configuration()).await;
    let tls = trusting(&Certificates::of_this_run().authority, "key_log: {path: \"${dir}/keys.log\"}, ");
    let edge = in_front_of(&secured("backend", backend.address(), &tls)).await;
    assert_eq!(edge.client(Version::Http2).await.send(Request::get("/")).await.status, 200);
    let log = std::fs::read_to_string(edge.process.directory().join("keys.log")).expect("a key log");
    assert_eq!(log.lines().filter(|line| line.starts_with("SERVER_HANDSHAKE_TRAFFIC_SECRET ")).count(), 1, "{log}");
}

/// Nobody may cut a response short unseen: only `close_notify` is an end.
#[tokio::test]
async fn rfc9112_9_8_a_response_that_ends_without_close_notify_is_incomplete() {
    let configuration = Arc::new(Setup::default().configuration());
    let backend = Backend::secured(configuration, |_| Script::bytes("HTTP/1.1 200 OK\r\n\r\npart").close()).await;
    let edge = in_front_of(&secured("backend", backend.address(), &trusted())).await;
    for version in Version::ALL {
        let reply = edge.client(version).await.send(Request::get("/")).await;
        assert_ne!(reply.end, End::Complete, "{version:?} {reply:?}");
    }
}
