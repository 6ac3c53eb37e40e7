//! `tls_params` and what stands beside them: suites, groups, signatures, the key log.

use std::fs;

use rustls::CipherSuite;
use rustls::NamedGroup;
use rustls::SignatureScheme;
use rustls::crypto::aws_lc_rs::kx_group;
use rustls::version::TLS12;

use super::shown::{BOTH, Over, Visitor};
use crate::edge::Edge;
use crate::support::backend::Backend;

/// An edge with these `tls_params` in both its TLS contexts.
async fn edge(params: &str) -> Edge {
    let context = format!("common_tls_context: {{tls_params: {{{params}}}, ");
    Edge::altered(&Backend::echo().await, &[("common_tls_context: {", &context)]).await
}

/// A client that can do TLS 1.2 and nothing newer.
fn old() -> Visitor {
    Visitor { versions: vec![&TLS12], ..Visitor::default() }
}

#[tokio::test]
async fn suites_of_tls_1_2_are_those_that_are_named() {
    let edge =
        edge("cipher_suites: [\"[ECDHE-ECDSA-AES256-GCM-SHA384|ECDHE-RSA-AES256-GCM-SHA384]\", AES128-SHA]").await;
    let shown = old().visit(&edge, Over::Tcp).await.expect("a handshake");
    assert_eq!(shown.suite, Some(CipherSuite::TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384));
    let mut without = old();
    without
        .provider
        .cipher_suites
        .retain(|suite| suite.suite() != CipherSuite::TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384);
    assert!(without.visit(&edge, Over::Tcp).await.is_none());
    // TLS 1.3 has no others.
    assert!(Visitor::default().visit(&edge, Over::Tcp).await.is_some());
    assert!(Visitor::default().visit(&edge, Over::Quic).await.is_some());
}

#[tokio::test]
async fn the_server_chooses_the_suite_unless_the_client_may() {
    let first = |prefer: &'static str| async move {
        let edge = super::edge(prefer, &[]).await;
        let mut visitor = Visitor::default();
        visitor.provider.cipher_suites.reverse();
        visitor.provider.cipher_suites.retain(|suite| suite.tls13().is_some());
        let wanted = visitor.provider.cipher_suites[0].suite();
        (visitor.visit(&edge, Over::Tcp).await.expect("a handshake").suite, wanted)
    };
    let (agreed, wanted) = first("").await;
    assert_eq!(agreed, Some(CipherSuite::TLS13_AES_256_GCM_SHA384));
    assert_ne!(agreed, Some(wanted));
    let (agreed, wanted) = first("prefer_client_ciphers: true").await;
    assert_eq!(agreed, Some(wanted));
}

#[tokio::test]
async fn groups_are_those_that_are_named_and_post_quantum_by_default() {
    let only = |group| {
        let mut visitor = Visitor::default();
        visitor.provider.kx_groups = vec![group];
        visitor
    };
    let by_default = edge("").await;
    let shown = Visitor::default().visit(&by_default, Over::Tcp).await.expect("a handshake");
    assert_eq!(shown.group, Some(NamedGroup::X25519MLKEM768));
    let named = edge("ecdh_curves: [P-384, X25519]").await;
    for over in BOTH {
        for (group, by_default_too) in [
            (kx_group::X25519MLKEM768, true),
            (kx_group::X25519, true),
            (kx_group::SECP256R1, true),
            (kx_group::SECP384R1, true),
        ] {
            let wanted = matches!(group.name(), NamedGroup::secp384r1 | NamedGroup::X25519);
            assert_eq!(only(group).visit(&named, over).await.is_some(), wanted, "{group:?} {over:?}");
            assert_eq!(only(group).visit(&by_default, over).await.is_some(), by_default_too, "{group:?} {over:?}");
        }
    }
}

#[tokio::test]
async fn signatures_are_by_the_algorithms_that_are_named() {
    let right = edge("signature_algorithms: [rsa_pss_rsae_sha256, ecdsa_secp256r1_sha256]").await;
    let other = edge("signature_algorithms: [rsa_pss_rsae_sha256]").await;
    for over in BOTH {
        let shown = Visitor::default().visit(&right, over).await.expect("a handshake");
        assert_eq!(shown.scheme, Some(SignatureScheme::ECDSA_NISTP256_SHA256), "{over:?}");
        assert!(Visitor::default().visit(&other, over).await.is_none(), "{over:?}");
    }
}

#[tokio::test]
async fn a_policy_allows_what_it_names() {
    let only = |group| {
        let mut visitor = Visitor::default();
        visitor.provider.kx_groups = vec![group];
        visitor
    };
    for (policy, p256) in [("FIPS_202205", true), ("CNSA1_202603", false)] {
        let edge = edge(&format!("compliance_policies: [{policy}]")).await;
        for over in BOTH {
            assert!(only(kx_group::X25519).visit(&edge, over).await.is_none(), "{policy} {over:?}");
            assert_eq!(only(kx_group::SECP256R1).visit(&edge, over).await.is_some(), p256, "{policy} {over:?}");
        }
    }
}

#[tokio::test]
async fn secrets_are_logged_where_that_is_asked_for() {
    let context = "common_tls_context: {key_log: {path: \"${dir}/keys.log\"}, ";
    let edge = Edge::altered(&Backend::echo().await, &[("common_tls_context: {", context)]).await;
    let path = edge.process.directory().join("keys.log");
    for (over, connections) in [(Over::Tcp, 1), (Over::Quic, 2)] {
        Visitor::default().visit(&edge, over).await.expect("a handshake");
        let log = fs::read_to_string(&path).expect("a key log");
        let lines = log.lines().filter(|line| line.starts_with("CLIENT_HANDSHAKE_TRAFFIC_SECRET ")).count();
        assert_eq!(lines, connections, "{over:?}");
    }
}
