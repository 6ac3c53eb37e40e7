//! Who an upstream is, and what it is asked for.

use super::chain::{cluster, quic_cluster, trusted};
use super::server::Server;
use crate::edge::{ALL, Edge};
use crate::support::backend::Backend;
use crate::support::certificates::Certificates;
use crate::support::client::Version;
use crate::support::message::Request;
use crate::tls::papers::{Authority, Paper, dns, inline};

async fn reply(clusters: &str) -> (u16, String) {
    let front = Edge::in_front_of(clusters, ALL, "").await;
    let reply = front.client(Version::Http2).await.send(Request::get("/")).await;
    let line = front.process.log("access.log").lines(1).await.pop().expect("a line");
    (reply.status, line.to_string())
}

#[tokio::test]
async fn the_certificate_of_the_upstream_is_verified() {
    let backend = Backend::echo().await;
    let back = Edge::start(&backend, ALL).await;
    let address = back.process.address("http3");
    assert_eq!(reply(&quic_cluster("backend", address)).await.0, 200);
    // Another authority, of the same name.
    let other = Certificates::of_another_authority();
    let (status, said) = reply(&cluster("backend", address, &trusted(&other), "")).await;
    assert_eq!(status, 503, "{said}");
    assert!(said.contains("\"UF\"") && said.contains("certificate"), "{said}");
    // As in Envoy, nothing is verified where nobody is trusted, and that is remarked on.
    assert_eq!(reply(&cluster("backend", address, "", "")).await.0, 200);
    let front = Edge::in_front_of(&cluster("backend", address, "", ""), ALL, "").await;
    let said = front.process.standard_error() + &front.process.standard_output();
    assert!(said.contains("nothing of the upstream's certificate is verified"), "{said}");
}

#[tokio::test]
async fn a_certificate_that_is_trusted_itself_needs_nobody_else() {
    for (ends, expected) in [(3000, 200), (2020, 503)] {
        let made = Certificates::of_itself(ends);
        let server = Server::proving(&made);
        let (status, said) = reply(&cluster("backend", server.address(), &trusted(&made.authority), "")).await;
        assert_eq!(status, expected, "{said}");
        assert_eq!(said.contains("Expired"), status == 503, "{said}");
    }
    // The same name does not make it another.
    let server = Server::proving(&Certificates::of_itself(3000));
    let other = Certificates::of_itself(3000);
    assert_eq!(reply(&cluster("backend", server.address(), &trusted(&other.authority), "")).await.0, 503);
}

#[tokio::test]
async fn what_a_context_asks_of_an_upstream_is_asked_over_quic() {
    let authority = Authority::named("servers");
    let made = |paper: &Paper| Certificates {
        authority: authority.pem(),
        certificate: paper.chain.clone(),
        key: paper.key.clone(),
    };
    let good = authority.sign("good", vec![dns("*.a.test")], |parameters| parameters.serial_number = Some(1.into()));
    let for_clients = authority.sign("clients", vec![dns("*.a.test")], |parameters| {
        parameters.extended_key_usages = vec![rcgen::ExtendedKeyUsagePurpose::ClientAuth];
    });
    let trust = format!("trusted_ca: {}", inline(&authority.pem()));
    let names = |condition: &str| {
        format!("{trust}, match_typed_subject_alt_names: [{{san_type: DNS, matcher: {{{condition}}}}}]")
    };
    let list = |revoked: &[u64]| format!("{trust}, crl: {}", inline(&authority.list(revoked)));
    let hash = |paper: &Paper| format!("verify_certificate_hash: [\"{}\"]", paper.fingerprint());
    for (what, paper, context, served) in [
        ("authority", &good, trust.clone(), true),
        ("name", &good, names("exact: b.a.test"), true),
        ("another name", &good, names("exact: a.test"), false),
        ("list", &good, list(&[2]), true),
        ("revoked", &good, list(&[1, 2]), false),
        ("pin", &good, hash(&good), true),
        ("another pin", &good, hash(&for_clients), false),
        ("purpose", &for_clients, trust.clone(), false),
        ("let pass", &for_clients, format!("{trust}, trust_chain_verification: ACCEPT_UNTRUSTED"), true),
    ] {
        let server = Server::proving(&made(paper));
        let tls = format!("common_tls_context: {{validation_context: {{{context}}}}}");
        let (status, said) = reply(&cluster("backend", server.address(), &tls, "")).await;
        assert_eq!(status, if served { 200 } else { 503 }, "{what}: {said}");
    }
}

#[tokio::test]
async fn the_name_that_is_asked_for_is_the_one_that_is_set() {
    for (tls, asked) in [("sni: a.test", Some("a.test")), ("", None)] {
        let server = Server::good();
        let front = Edge::in_front_of(&cluster("backend", server.address(), tls, ""), ALL, "").await;
        assert_eq!(front.client(Version::Http2).await.send(Request::get("/")).await.status, 200);
        assert_eq!(server.names(), [asked.map(str::to_owned)], "{tls}");
    }
}
