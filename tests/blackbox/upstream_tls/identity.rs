//! The certificate that is shown to upstreams, over TCP and over QUIC.

use p12_keystore::{Certificate, KeyStore, KeyStoreEntry, PrivateKey, PrivateKeyChain};
use rustls::DEFAULT_VERSIONS;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};

use super::server::{Setup, TLS12_ONLY, echo};
use super::{secured, trusting};
use crate::edge::{ALL, Edge};
use crate::support::certificates::Certificates;
use crate::support::client::Version;
use crate::support::message::Request;
use crate::upstream_http3::chain::cluster as over_quic;
use crate::upstream_http3::server::Server;

/// Ways to say which certificate is shown, with the secrets that they refer to.
fn ways() -> [(&'static str, String, &'static str); 3] {
    const FILES: &str =
        "{certificate_chain: {filename: \"${dir}/server.crt\"}, private_key: {filename: \"${dir}/server.key\"}}";
    let pkcs12 = base64::Engine::encode(&base64::engine::general_purpose::STANDARD, pkcs12());
    [
        ("PEM", format!("tls_certificates: [{FILES}], "), ""),
        (
            "PKCS#12",
            format!(
                "tls_certificates: [{{pkcs12: {{inline_bytes: \"{pkcs12}\"}}, password: {{inline_string: open}}}}], "
            ),
            "",
        ),
        (
            "a secret",
            "tls_certificate_sds_secret_configs: [{name: ours}], ".to_owned(),
            "  secrets: [{name: ours, tls_certificate: {certificate_chain: {filename: \"${dir}/server.crt\"}, private_key: {filename: \"${dir}/server.key\"}}}]\n",
        ),
    ]
}

fn pkcs12() -> Vec<u8> {
    let ours = Certificates::of_this_run();
    let key = PrivateKeyDer::from_pem_slice(ours.key.as_bytes()).expect("the PEM of a key");
    let key = PrivateKey::from_der(key.secret_der()).expect("a key");
    let chain = [Certificate::from_der(&leaf()).expect("a certificate")];
    let mut store = KeyStore::new();
    store.add_entry("ours", KeyStoreEntry::PrivateKeyChain(PrivateKeyChain::new(vec![1], key, chain)));
    store.writer("open").write().expect("a file")
}

fn leaf() -> Vec<u8> {
    let ours = Certificates::of_this_run();
    CertificateDer::from_pem_slice(ours.certificate.as_bytes()).expect("the PEM of a certificate").to_vec()
}

async fn edge(clusters: &str, secrets: &str) -> Edge {
    let yaml = Edge::yaml_in_front_of(clusters, ALL);
    Edge::of(&yaml.replace("static_resources:\n", &format!("static_resources:\n{secrets}"))).await
}

#[tokio::test]
async fn an_upstream_that_wants_a_certificate_is_shown_one() {
    let authority = &Certificates::of_this_run().authority;
    for versions in [TLS12_ONLY, DEFAULT_VERSIONS] {
        let setup = Setup { versions, wants: Some(authority.clone()), ..Setup::default() };
        let backend = echo(setup.configuration()).await;
        for (way, fields, secrets) in ways() {
            let tls = trusting(authority, &fields);
            let edge = edge(&secured("backend", backend.address(), &tls), secrets).await;
            for version in Version::ALL {
                assert_eq!(edge.client(version).await.send(Request::get("/")).await.status, 200, "{way} {version:?}");
            }
            let shaken = backend.handshakes().pop().expect("a handshake");
            assert_eq!(shaken.certificate, Some(leaf()), "{way}");
        }
    }
}

#[tokio::test]
async fn an_upstream_over_quic_is_shown_one_too() {
    let authority = &Certificates::of_this_run().authority;
    let server = Server::wanting(authority);
    for (way, fields, secrets) in ways() {
        let tls = trusting(authority, &fields);
        let edge = edge(&over_quic("backend", server.address(), &tls, ""), secrets).await;
        for version in Version::ALL {
            assert_eq!(edge.client(version).await.send(Request::get("/")).await.status, 200, "{way} {version:?}");
        }
        let stats = edge.process.stats().await;
        assert_eq!(stats.of("cluster.backend.ssl.connection_error"), 0, "{way}");
    }
    let edge = edge(&over_quic("backend", server.address(), &trusting(authority, ""), ""), "").await;
    let reply = edge.client(Version::Http2).await.send(Request::get("/")).await;
    assert_eq!(reply.status, 503, "{}", reply.text());
}

#[tokio::test]
async fn a_certificate_of_another_authority_is_refused_by_the_upstream() {
    let ours = Certificates::of_this_run();
    let setup = Setup { wants: Some(Certificates::of_another_authority()), ..Setup::default() };
    let backend = echo(setup.configuration()).await;
    let (_, fields, _) = &ways()[0];
    let edge = edge(&secured("backend", backend.address(), &trusting(&ours.authority, fields)), "").await;
    let reply = edge.client(Version::Http2).await.send(Request::post("/", "once")).await;
    assert_eq!((reply.status, backend.received().len()), (503, 0));
    assert_eq!(edge.process.stats().await.of("cluster.backend.ssl.connection_error"), 1);
}
