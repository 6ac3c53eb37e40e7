//! Which certificate is shown to whom, what forms it may have, and what goes with it.

use p12_keystore::{Certificate, EncryptionAlgorithm, KeyStore, KeyStoreEntry, PrivateKey, PrivateKeyChain};
use rcgen::{CertificateParams, DnType, KeyPair, SerialNumber};

use super::shown::{BOTH, Over, Visitor};
use crate::edge::Edge;

pub(super) const CERTIFICATES: &str = "tls_certificates: [{certificate_chain: {filename: \"${dir}/server.crt\"}, private_key: {filename: \"${dir}/server.key\"}}]";

/// A certificate that vouches for itself.
pub(super) struct Made {
    pub(super) der: Vec<u8>,
    pub(super) pem: String,
    pub(super) key: KeyPair,
}

/// For these names; without any it has only a common name.
fn made(names: &[&str], common: &str, algorithm: &'static rcgen::SignatureAlgorithm) -> Made {
    let key = KeyPair::generate_for(algorithm).expect("a key");
    let names: Vec<_> = names.iter().map(|name| (*name).to_owned()).collect();
    let mut parameters = CertificateParams::new(names).expect("host names");
    parameters.distinguished_name.push(DnType::CommonName, common);
    parameters.serial_number = Some(SerialNumber::from(SERIAL.to_vec()));
    let certificate = parameters.self_signed(&key).expect("a certificate");
    Made { der: certificate.der().to_vec(), pem: certificate.pem(), key }
}

pub(super) fn ecdsa(names: &[&str]) -> Made {
    made(names, "somebody", &rcgen::PKCS_ECDSA_P256_SHA256)
}

/// One that ends when a year begins.
pub(super) fn ending(names: &[&str], year: i32) -> Made {
    let key = KeyPair::generate().expect("a key");
    let names: Vec<_> = names.iter().map(|name| (*name).to_owned()).collect();
    let mut parameters = CertificateParams::new(names).expect("host names");
    parameters.not_after = rcgen::date_time_ymd(year, 1, 1);
    let certificate = parameters.self_signed(&key).expect("a certificate");
    Made { der: certificate.der().to_vec(), pem: certificate.pem(), key }
}

fn rsa(names: &[&str]) -> Made {
    made(names, "somebody", &rcgen::PKCS_RSA_SHA256)
}

impl Made {
    /// As an item of `tls_certificates`, with more fields.
    pub(super) fn item(&self, more: &str) -> String {
        let (chain, key) = (inline(&self.pem), inline(&self.key.serialize_pem()));
        format!("{{certificate_chain: {chain}, private_key: {key}{more}}}")
    }
}

pub(super) fn inline(text: &str) -> String {
    format!("{{inline_string: \"{}\"}}", text.replace('\n', "\\n"))
}

/// An edge whose two TLS contexts have these certificates; `more` is in their contexts.
async fn edge(items: &[String], more: &str) -> Edge {
    super::edge(more, &[(CERTIFICATES, &format!("tls_certificates: [{}]", items.join(", ")))]).await
}

/// Which of these a visitor is shown.
async fn place(edge: &Edge, all: &[&Made], visitor: &Visitor, over: Over) -> Option<usize> {
    let shown = visitor.visit(edge, over).await?;
    all.iter().position(|made| made.der == shown.leaf)
}

#[tokio::test]
async fn the_name_chooses_and_then_what_the_client_can() {
    let all = [
        &ecdsa(&["default.test"]),
        &ecdsa(&["*.a.test"]),
        &rsa(&["b.a.test", "c.test"]),
        &ecdsa(&["B.a.test"]),
        &made(&[], "common.test", &rcgen::PKCS_ECDSA_P256_SHA256),
    ];
    let items = all.map(|made| made.item(""));
    let edge = edge(&items, "").await;
    for over in BOTH {
        for (name, chosen) in [
            (Some("default.test"), 0),
            (Some("x.a.test"), 1),
            (Some("x.y.a.test"), 0),
            (Some("b.a.test"), 3),
            (Some("c.test"), 2),
            (Some("common.test"), 4),
            (Some("elsewhere.test"), 0),
            (None, 0),
        ] {
            let visitor = Visitor::asking_for(name);
            assert_eq!(place(&edge, &all, &visitor, over).await, Some(chosen), "{name:?} {over:?}");
        }
        for (name, chosen) in [(Some("b.a.test"), Some(2)), (None, Some(2)), (Some("elsewhere.test"), None)] {
            let visitor = Visitor::of_rsa(name);
            assert_eq!(place(&edge, &all, &visitor, over).await, chosen, "{name:?} {over:?}, RSA only");
        }
    }
}

#[tokio::test]
async fn a_full_scan_finds_what_the_client_can_for_a_strange_name() {
    let all = [&ecdsa(&["a.test"]), &rsa(&["b.test"])];
    let edge = edge(&all.map(|made| made.item("")), "full_scan_certs_on_sni_mismatch: true").await;
    for over in BOTH {
        let name = Some("elsewhere.test");
        assert_eq!(place(&edge, &all, &Visitor::of_rsa(name), over).await, Some(1), "{over:?}");
        assert_eq!(place(&edge, &all, &Visitor::asking_for(name), over).await, Some(0), "{over:?}");
    }
}

#[tokio::test]
async fn a_name_may_be_required() {
    let all = [&ecdsa(&["a.test"])];
    let edge = edge(&all.map(|made| made.item("")), "require_sni: true").await;
    for over in BOTH {
        for (name, chosen) in [(None, None), (Some("a.test"), Some(0)), (Some("elsewhere.test"), Some(0))] {
            assert_eq!(place(&edge, &all, &Visitor::asking_for(name), over).await, chosen, "{name:?} {over:?}");
        }
    }
}

#[tokio::test]
async fn a_key_and_its_chain_may_be_one_file_or_under_a_password() {
    let made = ecdsa(&["a.test"]);
    let (leaf, key) = (Certificate::from_der(&made.der), PrivateKey::from_der(&made.key.serialize_der()));
    let chain = PrivateKeyChain::new(vec![7], key.expect("a key"), [leaf.expect("a certificate")]);
    let mut store = KeyStore::new();
    store.add_entry("edge", KeyStoreEntry::PrivateKeyChain(chain));
    let mut items = Vec::new();
    for algorithm in
        [EncryptionAlgorithm::PbeWithHmacSha256AndAes256, EncryptionAlgorithm::PbeWithShaAnd3KeyTripleDesCbc]
    {
        let written = store.writer("open sesame").encryption_algorithm(algorithm).write().expect("PKCS#12");
        let base64 = base64::Engine::encode(&base64::engine::general_purpose::STANDARD, written);
        items.push(format!(
            "{{pkcs12: {{inline_bytes: \"{base64}\"}}, password: {{inline_string: \"open sesame\\n\"}}}}"
        ));
    }
    let encrypted = encrypted(&made.key.serialize_der());
    let (chain, key) = (inline(&made.pem), inline(&encrypted));
    items.push(format!("{{certificate_chain: {chain}, private_key: {key}, password: {{inline_string: open sesame}}}}"));
    for item in items {
        let edge = edge(&[item], "").await;
        for over in BOTH {
            let visitor = Visitor::asking_for(Some("a.test"));
            assert_eq!(place(&edge, &[&made], &visitor, over).await, Some(0), "{over:?}");
        }
    }
}

/// A key in PEM under the password `open sesame`.
fn encrypted(key: &[u8]) -> String {
    let parameters = pkcs8::pkcs5::pbes2::Parameters::generate_pbkdf2_sha256_aes256cbc(1000, &[1; 16], [2; 16]);
    let key = pkcs8::PrivateKeyInfoRef::try_from(key).expect("PKCS#8");
    let document = key.encrypt_with_params(parameters.expect("parameters"), "open sesame").expect("a key");
    let pem = document.to_pem("ENCRYPTED PRIVATE KEY", pkcs8::LineEnding::LF).expect("PEM");
    pem.to_string()
}

#[tokio::test]
async fn a_staple_is_shown_as_long_as_it_holds() {
    let made = ecdsa(&["a.test"]);
    let holding = [response("20260101000000Z", Some("20990101000000Z")), response("20260101000000Z", None)];
    let old = response("20200101000000Z", Some("20200108000000Z"));
    let item = |response: &[u8]| {
        let base64 = base64::Engine::encode(&base64::engine::general_purpose::STANDARD, response);
        made.item(&format!(", ocsp_staple: {{inline_bytes: \"{base64}\"}}"))
    };
    let visitor = Visitor::asking_for(Some("a.test"));
    for policy in ["LENIENT_STAPLING", "STRICT_STAPLING", "MUST_STAPLE"] {
        let policy = format!("ocsp_staple_policy: {policy}");
        for response in &holding {
            let edge = edge(&[item(response)], &policy).await;
            for over in BOTH {
                let shown = visitor.visit(&edge, over).await.expect("a handshake");
                assert_eq!(shown.staple, *response, "{policy} {over:?}");
            }
        }
        let edge = edge(&[item(&old)], &policy).await;
        for over in BOTH {
            let staple = visitor.visit(&edge, over).await.map(|shown| shown.staple);
            let lenient = policy.contains("LENIENT").then(Vec::new);
            assert_eq!(staple, lenient, "{policy} {over:?}");
        }
    }
    // Without any, only one policy minds.
    let edge = edge(&[made.item("")], "ocsp_staple_policy: STRICT_STAPLING").await;
    assert!(visitor.visit(&edge, Over::Quic).await.is_some_and(|shown| shown.staple.is_empty()));
}

/// An OCSP response that says that the certificate with [`SERIAL`] is good (RFC 6960 §4.2.1); nobody signed it.
pub(super) fn response(this: &str, next: Option<&str>) -> Vec<u8> {
    let hash = der(0x30, &[&der(0x06, &[&[0x2b, 0x0e, 0x03, 0x02, 0x1a]]), &der(0x05, &[])]);
    let id = der(0x30, &[&hash, &der(0x04, &[&[1; 20]]), &der(0x04, &[&[2; 20]]), &der(0x02, &[&SERIAL])]);
    let good = der(0x80, &[]);
    let time = |time: &str| der(0x18, &[time.as_bytes()]);
    let next = next.map(|next| der(0xa0, &[&time(next)])).unwrap_or_default();
    let single = der(0x30, &[&id, &good, &time(this), &next]);
    let responder = der(0xa2, &[&der(0x04, &[&[3; 20]])]);
    let data = der(0x30, &[&responder, &time(this), &der(0x30, &[&single])]);
    let algorithm = der(0x30, &[&der(0x06, &[&[0x2a, 0x86, 0x48, 0xce, 0x3d, 0x04, 0x03, 0x02]])]);
    let basic = der(0x30, &[&data, &algorithm, &der(0x03, &[&[0, 1, 2]])]);
    let kind = der(0x06, &[&[0x2b, 0x06, 0x01, 0x05, 0x05, 0x07, 0x30, 0x01, 0x01]]);
    let bytes = der(0x30, &[&kind, &der(0x04, &[&basic])]);
    der(0x30, &[&der(0x0a, &[&[0]]), &der(0xa0, &[&bytes])])
}

/// A value in DER (X.690 §8.1).
fn der(tag: u8, content: &[&[u8]]) -> Vec<u8> {
    let content = content.concat();
    let mut value = vec![tag];
    match u8::try_from(content.len()) {
        Ok(length @ 0..0x80) => value.push(length),
        Ok(length) => value.extend([0x81, length]),
        Err(_) => value
            .extend([&[0x82], u16::try_from(content.len()).expect("a short value").to_be_bytes().as_slice()].concat()),
    }
    [value, content].concat()
}

const SERIAL: [u8; 4] = [0x17, 0x2a, 0x3b, 0x4c];
