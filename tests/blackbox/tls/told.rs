//! Who is told of the client's certificate, and what: upstreams and logs.

use std::net::Ipv4Addr;
use std::sync::Arc;

use quinn::crypto::rustls::QuicClientConfig;
use serde_json::Value;

use super::gate::{Door, Gate, client};
use super::papers::{Authority, dns, email, inline, other, uri};
use crate::early_data::client::Early;
use crate::early_data::relay::{self, Relay};
use crate::support::client::Version;
use crate::support::message::{Reply, Request};

/// A door that knows clients of this authority, and does not mind others without a certificate.
fn door(name: &'static str, authority: &Authority, manager: &str) -> Door {
    let context = format!("trusted_ca: {}", inline(&authority.pem()));
    Door { manager: manager.to_owned(), ..Door::with(name, false, &context) }
}

/// What the echo of a request shows of the field.
fn forwarded(reply: &Reply) -> Vec<String> {
    let text = reply.text();
    let lines = text.lines().filter_map(|line| line.strip_prefix("x-forwarded-client-cert: "));
    lines.map(str::to_owned).collect()
}

#[tokio::test]
async fn upstreams_are_told_of_the_client_as_is_configured() {
    let authority = Authority::named("clients");
    let link = authority.below("link");
    let names = vec![dns("client.test"), uri("spiffe://a/client")];
    let paper = link.sign("client", names, |_| ()).under(&link);
    let all =
        "set_current_client_cert_details: {subject: true, cert: true, chain: true, dns: true, uri: true, issuer: true}";
    let hash = paper.fingerprint();
    let (cert, chain) = (in_url(&paper.chain, 1), in_url(&paper.chain, 2));
    let own = format!(
        "Hash={hash};Cert=\"{cert}\";Chain=\"{chain}\";Subject=\"CN=client\";URI=spiffe://a/client;DNS=client.test;Issuer=\"CN=link\""
    );
    let table: [(&str, String, Vec<String>, Vec<String>); 5] = [
        ("SANITIZE", String::new(), vec![], vec![]),
        ("FORWARD_ONLY", String::new(), vec!["By=before".to_owned()], vec![]),
        ("APPEND_FORWARD", all.to_owned(), vec![format!("By=before,{own}")], vec![]),
        ("SANITIZE_SET", all.to_owned(), vec![own.clone()], vec![]),
        ("ALWAYS_FORWARD_ONLY", String::new(), vec!["By=before".to_owned()], vec!["By=before".to_owned()]),
    ];
    let doors: Vec<_> = table
        .iter()
        .map(|(name, more, ..)| {
            let more = if more.is_empty() { String::new() } else { format!("{more}, ") };
            door(name, &authority, format!("forward_client_cert_details: {name}, {more}").trim_end_matches(", "))
        })
        .collect();
    let gate = Gate::start(&doors).await;
    let request = || Request::get("/").header("x-forwarded-client-cert", "By=before");
    for (door, _, known, unknown) in table {
        for version in Version::ALL {
            for (paper, expected) in [(Some(&paper), &known), (None, &unknown)] {
                let tls = client(paper, version);
                // Fresh, then with a session.
                for _ in 0..2 {
                    let reply = gate.ask(door, version, &tls, request()).await.expect("a reply");
                    assert_eq!(forwarded(&reply), *expected, "{door} {version:?}");
                }
            }
        }
    }
}

/// The first certificates of a chain in PEM, as they stand in a URL.
fn in_url(pem: &str, certificates: usize) -> String {
    let end = "-----END CERTIFICATE-----";
    let parts: Vec<_> = pem.split_inclusive(end).take(certificates).map(|part| part.trim().to_owned() + "\n").collect();
    let encode = |letter: char| match letter {
        '\r' => String::new(),
        '\n' => "%0A".to_owned(),
        ' ' => "%20".to_owned(),
        '+' => "%2B".to_owned(),
        '/' => "%2F".to_owned(),
        '=' => "%3D".to_owned(),
        letter => letter.to_string(),
    };
    parts.concat().chars().map(encode).collect()
}

#[tokio::test]
async fn rfc8470_3_an_early_request_is_of_the_client_whose_session_it_is() {
    let authority = Authority::named("clients");
    let gate = Gate::start(&[door("known", &authority, "forward_client_cert_details: SANITIZE_SET")]).await;
    let paper = authority.sign("client", Vec::new(), |_| ());
    let mut tls = Arc::unwrap_or_clone(client(Some(&paper), Version::Http3));
    tls.enable_early_data = true;
    let tls = Arc::new(tls);
    gate.ask("known", Version::Http3, &tls, Request::get("/")).await.expect("a reply");
    // Whoever hears nothing has not completed the handshake.
    let relay = Relay::to(gate.process.address("known-quic")).await;
    let endpoint = quinn::Endpoint::client((Ipv4Addr::LOCALHOST, 0).into()).expect("a UDP socket");
    let configuration = QuicClientConfig::try_from(tls).expect("TLS 1.3");
    let configuration = quinn::ClientConfig::new(Arc::new(configuration));
    let mut early = Early::resume(&endpoint, configuration, relay.address()).await;
    let answer = early.get("/early").await;
    gate.backend.until_received(2).await;
    let received = gate.backend.received().pop().expect("two requests").to_string();
    assert!(received.contains("early-data: 1"), "{received}");
    assert!(received.contains(&format!("x-forwarded-client-cert: Hash={}", paper.fingerprint())), "{received}");
    relay.set(relay::Gate::Open);
    assert_eq!(answer.read().await.0, 200);
    early.close();
}

#[tokio::test]
async fn logs_say_who_the_client_is() {
    let authority = Authority::named("clients");
    let names = vec![
        dns("client.test"),
        dns("*.w.test"),
        uri("spiffe://a/client"),
        email("me@a.test"),
        rcgen::SanType::IpAddress([10, 1, 2, 3].into()),
        other(&[1, 2, 3, 4], "hello"),
    ];
    let paper = authority.sign("a client", names, |parameters| parameters.serial_number = Some(0x00ab_cdef.into()));
    let gate = Gate::start(&[door("known", &authority, "")]).await;
    let mut log = gate.process.log("access.log");
    let hash = paper.fingerprint();
    let known = serde_json::json!({
        "subject": "CN=a client", "issuer": "CN=clients", "serial": "abcdef", "hash": hash, "uri": "spiffe://a/client",
        "dns": "client.test,*.w.test", "ip": "10.1.2.3", "email": "me@a.test", "other": "hello",
        "from": "2020-01-01T00:00:00.000Z", "until": "2099", "cert": in_url(&paper.chain, 1), "serials": "abcdef",
        "hashes": hash, "own": "localhost,a.test", "own ip": "127.0.0.1", "own subject": "CN=rcgen self signed cert",
        "own uri": Value::Null,
    });
    let mut unknown = known.clone();
    for (key, value) in unknown.as_object_mut().expect("an object") {
        if !key.starts_with("own") {
            *value = Value::Null;
        }
    }
    for version in Version::ALL {
        for (paper, expected) in [(Some(&paper), &known), (None, &unknown)] {
            let tls = client(paper, version);
            for _ in 0..2 {
                gate.ask("known", version, &tls, Request::get("/")).await.expect("a reply");
                let mut line = log.lines(1).await.remove(0);
                line.as_object_mut().expect("an object").retain(|key, _| key != "listener");
                assert_eq!(line, *expected, "{version:?}");
            }
        }
    }
}
