//! TLS: versions, protocols, and where a certificate may stand.

use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use rustls::version::{TLS12, TLS13};
use rustls::{HandshakeKind, SupportedProtocolVersion};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

use crate::edge::Edge;
use crate::support::backend::Backend;
use crate::support::certificates::Certificates;
use crate::support::client::{Client, Version};
use crate::support::deadline::within;
use crate::support::message::Request;
use crate::support::wire::tls;

const CONTEXT: &str = "common_tls_context: {alpn_protocols: [h2, http/1.1], ";
const CERTIFICATES: &str = "tls_certificates: [{certificate_chain: {filename: \"${dir}/server.crt\"}, private_key: {filename: \"${dir}/server.key\"}}]";

#[tokio::test]
async fn versions_are_those_that_are_allowed() {
    let backend = Backend::echo().await;
    for (params, tls12, tls13) in [
        ("{}", true, true),
        ("{tls_minimum_protocol_version: TLS_AUTO, tls_maximum_protocol_version: TLS_AUTO}", true, true),
        ("{tls_minimum_protocol_version: TLSv1_2, tls_maximum_protocol_version: TLSv1_3}", true, true),
        ("{tls_minimum_protocol_version: TLSv1_3}", false, true),
        ("{tls_maximum_protocol_version: TLSv1_2}", true, false),
    ] {
        let edge = Edge::altered(&backend, &[(CONTEXT, &format!("{CONTEXT}tls_params: {params}, "))]).await;
        let stands = async |version: &'static SupportedProtocolVersion| {
            let client = Certificates::of_this_run().client_of(&[version], &["http/1.1"]);
            tls(edge.process.address("https"), client).await.is_ok()
        };
        assert_eq!((stands(&TLS12).await, stands(&TLS13).await), (tls12, tls13), "{params}");
    }
}

#[tokio::test]
async fn rfc7301_the_protocol_is_one_that_is_listed() {
    let backend = Backend::echo().await;
    for (listed, agreed) in [("[h2, http/1.1]", "h2"), ("[http/1.1, h2]", "http/1.1"), ("[http/1.1]", "http/1.1")] {
        let changed = CONTEXT.replace("[h2, http/1.1]", listed);
        let edge = Edge::altered(&backend, &[(CONTEXT, &changed)]).await;
        let client = Certificates::of_this_run().client(&["h2", "http/1.1"]);
        let stream = tls(edge.process.address("https"), client).await.expect("a handshake");
        assert_eq!(stream.get_ref().1.alpn_protocol(), Some(agreed.as_bytes()), "{listed}");
    }
}

#[tokio::test]
async fn a_certificate_may_stand_in_the_configuration() {
    let backend = Backend::echo().await;
    let ours = Certificates::of_this_run();
    let chain = ours.certificate.replace('\n', "\\n");
    let key = STANDARD.encode(&ours.key);
    let written = format!(
        "tls_certificates: [{{certificate_chain: {{inline_string: \"{chain}\"}}, private_key: {{inline_bytes: \"{key}\"}}}}]"
    );
    let edge = Edge::altered(&backend, &[(CERTIFICATES, &written)]).await;
    for version in Version::ALL {
        assert_eq!(edge.client(version).await.send(Request::get("/")).await.status, 200, "{version:?}");
    }
}

#[tokio::test]
async fn a_certificate_may_be_a_secret_with_a_name() {
    let backend = Backend::echo().await;
    let own = rcgen::generate_simple_self_signed(["localhost".to_owned()]).expect("a certificate");
    let pem = |text: String| format!("{{inline_string: \"{}\"}}", text.replace('\n', "\\n"));
    let secret = |name: &str, chain: String, key: String| {
        format!("  - {{name: {name}, tls_certificate: {{certificate_chain: {chain}, private_key: {key}}}}}\n")
    };
    let ours = Certificates::of_this_run();
    let secrets = [
        secret("trusted", pem(ours.certificate.clone()), pem(ours.key.clone())),
        secret("unknown", pem(own.cert.pem()), pem(own.signing_key.serialize_pem())),
    ];
    let listed = format!("static_resources:\n  secrets:\n{}", secrets.concat());
    for (name, trusted) in [("trusted", true), ("unknown", false)] {
        let config = format!("tls_certificate_sds_secret_configs: [{{name: {name}}}]");
        let edge = Edge::altered(&backend, &[("static_resources:\n", &listed), (CERTIFICATES, &config)]).await;
        let client = |alpn| ours.client(&[alpn]);
        let over_tcp = Client::http2(edge.process.address("https"), Some(client("h2"))).await;
        let over_quic = Client::http3(edge.process.address("http3"), client("h3")).await;
        assert_eq!((over_tcp.is_ok(), over_quic.is_ok()), (trusted, trusted), "{name}");
    }
}

#[tokio::test]
async fn sessions_resume_where_that_is_not_disabled() {
    let backend = Backend::echo().await;
    // As measured of Envoy 1.40: TLS 1.3 has tickets only, TLS 1.2 has sessions without them as well.
    for (fields, tls12, tls13) in [
        ("", true, true),
        ("disable_stateless_session_resumption: false", true, true),
        ("disable_stateless_session_resumption: true", true, false),
        ("disable_stateful_session_resumption: true", true, true),
        (
            "disable_stateless_session_resumption: true\n          disable_stateful_session_resumption: true",
            false,
            false,
        ),
    ] {
        let edge = Edge::altered(&backend, &[(CONTEXT, &format!("{fields}\n          {CONTEXT}"))]).await;
        let resumes = async |version: &'static SupportedProtocolVersion| {
            let client = Certificates::of_this_run().client_of(&[version], &["http/1.1"]);
            let mut kind = None;
            for _ in 0..2 {
                let mut stream = tls(edge.process.address("https"), Arc::clone(&client)).await.expect("a handshake");
                kind = stream.get_ref().1.handshake_kind();
                // With what is answered the tickets come.
                stream.write_all(b"GET / HTTP/1.1\r\nhost: localhost\r\n\r\n").await.expect("sent");
                within("an answer", stream.read_u8()).await.expect("an answer");
            }
            kind == Some(HandshakeKind::Resumed)
        };
        assert_eq!((resumes(&TLS12).await, resumes(&TLS13).await), (tls12, tls13), "{fields}");
    }
}
