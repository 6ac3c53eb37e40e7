//! `CertificateValidationContext`: what each of its fields lets in. The release binary of Envoy 1.40 lets the same in over TCP,
//! but where a row says otherwise; over QUIC it also lets in who shows nothing, whatever names or pins are asked for.

use std::sync::{Arc, Mutex, PoisonError};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use rustls::ClientConfig;
use rustls::client::ResolvesClientCert;
use rustls::sign::CertifiedKey;

use super::gate::{Door, Gate, client};
use super::papers::{Authority, Paper, dns, email, expired, inline, of_itself, other, sha256, uri};
use crate::support::certificates::{Certificates, roots};
use crate::support::client::Version;
use crate::support::message::Request;

/// Everybody who may come.
struct People {
    root: Authority,
    link: Authority,
    papers: Vec<(&'static str, Paper)>,
    itself: Paper,
}

impl People {
    fn new() -> Self {
        let root = Authority::named("root");
        let link = root.below("link");
        let (itself, not_an_authority) = of_itself("itself");
        let names = vec![
            dns("Client.test"),
            dns("*.w.test"),
            uri("spiffe://a/client"),
            email("me@a.test"),
            rcgen::SanType::IpAddress([10, 1, 2, 3].into()),
            rcgen::SanType::IpAddress("::1".parse().expect("an address")),
            other(&[1, 2, 3, 4], "hello"),
        ];
        let papers = vec![
            ("named", root.sign("named", names, |_| ())),
            ("bare", root.sign("bare", Vec::new(), |_| ())),
            ("revoked", root.sign("revoked", Vec::new(), |parameters| parameters.serial_number = Some(REVOKED.into()))),
            ("old", root.sign("old", Vec::new(), expired)),
            ("deep", link.sign("deep", Vec::new(), |_| ()).under(&link)),
            ("alone", link.sign("alone", Vec::new(), |_| ())),
            ("strange", Authority::named("strange").sign("strange", Vec::new(), |_| ())),
            ("itself", itself.clone()),
            ("forged", not_an_authority.sign("forged", vec![dns("client.test")], |_| ())),
        ];
        Self { root, link, papers, itself }
    }

    fn paper(&self, name: &str) -> &Paper {
        &self.papers.iter().find(|(known, _)| *known == name).expect("a paper of that name").1
    }

    /// Who is let in at a door, over TCP and over QUIC; they have to be the same.
    async fn let_in(&self, gate: &Gate, door: &str) -> Vec<&'static str> {
        let mut both: Vec<Vec<&str>> = Vec::new();
        for version in [Version::Http2, Version::Http3] {
            let mut in_here = Vec::new();
            let nobody = ("nobody", None);
            let all = self.papers.iter().map(|(name, paper)| (*name, Some(paper)));
            for (name, paper) in std::iter::once(nobody).chain(all) {
                if gate.ask(door, version, &client(paper, version), Request::get("/")).await.is_some() {
                    in_here.push(name);
                }
            }
            both.push(in_here);
        }
        both.dedup();
        let alike = both.pop().expect("two versions");
        assert!(both.is_empty(), "{door}: {both:?} {alike:?}");
        alike
    }
}

const REVOKED: u64 = 4711;

/// `verify_certificate_hash` and `verify_certificate_spki` of a paper.
fn pins(paper: &Paper) -> (String, String) {
    (paper.fingerprint(), STANDARD.encode(sha256(&paper.spki)))
}

fn names(kind: &str, condition: &str) -> String {
    format!("match_typed_subject_alt_names: [{{san_type: {kind}, matcher: {{{condition}}}}}]")
}

/// Door, context, who is let in of those that show something, and whether nobody has to.
fn table(people: &People) -> Vec<(&'static str, String, &'static str, bool)> {
    let root = format!("trusted_ca: {}", inline(&people.root.pem()));
    let both = format!("trusted_ca: {}", inline(&(people.root.pem() + &people.link.pem())));
    let link = format!("trusted_ca: {}", inline(&people.link.pem()));
    let itself = format!("trusted_ca: {}", inline(&people.itself.chain));
    let lists = inline(&(people.root.list(&[REVOKED]) + &people.link.list(&[])));
    let one_list = inline(&people.root.list(&[REVOKED]));
    let (hash, spki) = pins(people.paper("bare"));
    let zeros = "0".repeat(64);
    let with = |context: &str, more: &str| format!("{context}, {more}");
    vec![
        ("root", root.clone(), "named bare revoked deep", true),
        // The name of a file may be followed by any number of authorities.
        ("both", both.clone(), "named bare revoked deep alone", true),
        // Trust need not begin at a root.
        ("link", link.clone(), "deep alone", true),
        // One that is trusted itself is, and nothing that it has signed: there Envoy lets in what is forged as well.
        ("itself", itself, "itself", true),
        ("old", with(&root, "allow_expired_certificate: true"), "named bare revoked old deep", true),
        ("lists", with(&both, &format!("crl: {lists}")), "named bare deep alone", true),
        // Nobody says whether `link` has revoked something.
        ("one list", with(&both, &format!("crl: {one_list}")), "named bare", true),
        ("leaf", with(&both, &format!("crl: {lists}, only_verify_leaf_cert_crl: true")), "named bare deep alone", true),
        ("depth 1", with(&root, "max_verify_depth: 1"), "named bare revoked", true),
        ("depth 2", with(&root, "max_verify_depth: 2"), "named bare revoked deep", true),
        ("hash", format!("verify_certificate_hash: [\"{hash}\"]"), "bare", false),
        ("key", format!("verify_certificate_spki: [\"{spki}\"]"), "bare", false),
        (
            "either",
            format!("verify_certificate_hash: [\"{zeros}\"], verify_certificate_spki: [\"{spki}\"]"),
            "bare",
            false,
        ),
        ("hash too", with(&link, &format!("verify_certificate_hash: [\"{hash}\"]")), "", false),
        ("host", with(&root, &names("DNS", "exact: client.TEST")), "named", false),
        ("wildcard", with(&root, &names("DNS", "exact: x.w.test")), "named", false),
        ("two labels", with(&root, &names("DNS", "exact: x.y.w.test")), "", false),
        ("suffix", with(&root, &names("DNS", "suffix: .w.test")), "named", false),
        ("email", with(&root, &names("EMAIL", "exact: me@a.test")), "named", false),
        ("uri", with(&root, &names("URI", "prefix: \"spiffe://a/\"")), "named", false),
        ("kind", with(&root, &names("URI", "exact: Client.test")), "", false),
        ("address", with(&root, &names("IP_ADDRESS", "exact: 10.1.2.3")), "named", false),
        ("address 6", with(&root, &names("IP_ADDRESS", "exact: \"::1\"")), "named", false),
        (
            "other",
            with(
                &root,
                "match_typed_subject_alt_names: [{san_type: OTHER_NAME, oid: 1.2.3.4, matcher: {exact: hello}}]",
            ),
            "named",
            false,
        ),
        (
            "oid",
            with(
                &root,
                "match_typed_subject_alt_names: [{san_type: OTHER_NAME, oid: 1.2.3.5, matcher: {exact: hello}}]",
            ),
            "",
            false,
        ),
        (
            "untrusted",
            with(&root, "trust_chain_verification: ACCEPT_UNTRUSTED"),
            "named bare revoked old deep alone strange itself forged",
            true,
        ),
    ]
}

#[tokio::test]
async fn every_context_lets_in_whom_it_should() {
    let people = People::new();
    let table = table(&people);
    let doors: Vec<_> = table.iter().map(|(name, context, ..)| Door::with(name, false, context)).collect();
    let gate = Gate::start(&doors).await;
    for (door, _, expected, nobody) in table {
        let expected: Vec<_> = ["nobody"].into_iter().filter(|_| nobody).chain(expected.split_whitespace()).collect();
        assert_eq!(people.let_in(&gate, door).await, expected, "{door}");
    }
}

#[tokio::test]
async fn a_context_may_be_a_secret_or_add_to_one() {
    let people = People::new();
    let root = inline(&people.root.pem());
    let secrets = format!("  - {{name: people, validation_context: {{trusted_ca: {root}}}}}\n");
    let named = names("DNS", "exact: client.test");
    let secret = "validation_context_sds_secret_config: {name: people}";
    let door = |name, common: String| Door { name, common, ..Door::default() };
    let doors = [
        door("secret", secret.to_owned()),
        door("combined", format!("combined_validation_context: {{default_validation_context: {{{named}}}, {secret}}}")),
    ];
    let gate = Gate::with_secrets(&doors, &secrets).await;
    assert_eq!(people.let_in(&gate, "secret").await, ["nobody", "named", "bare", "revoked", "deep"]);
    assert_eq!(people.let_in(&gate, "combined").await, ["named"]);
}

/// Remembers whose certificates a server says it believes, and shows none.
#[derive(Debug, Default)]
struct Hints(Mutex<Vec<Vec<u8>>>);

impl ResolvesClientCert for Hints {
    fn resolve(&self, hints: &[&[u8]], _: &[rustls::SignatureScheme]) -> Option<Arc<CertifiedKey>> {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = hints.iter().map(|hint| hint.to_vec()).collect();
        None
    }

    fn has_certs(&self) -> bool {
        true
    }
}

#[tokio::test]
async fn clients_are_told_whose_certificates_are_believed() {
    let (first, second) = (Authority::named("one"), Authority::named("two"));
    let trust = format!("trusted_ca: {}", inline(&(first.pem() + &second.pem())));
    let doors = [
        Door::with("told", false, &trust),
        Door::with("untold", false, &format!("{trust}, suppress_client_ca_list: true")),
        Door::with("system", false, "system_root_certs: {}"),
    ];
    let gate = Gate::start(&doors).await;
    let ours = Certificates::of_this_run();
    for version in [Version::Http2, Version::Http3] {
        let hinted = async |door| {
            let hints = Arc::new(Hints::default());
            let mut config =
                ClientConfig::builder_with_provider(Arc::new(rustls::crypto::aws_lc_rs::default_provider()))
                    .with_safe_default_protocol_versions()
                    .expect("the provider supports TLS 1.3")
                    .with_root_certificates(roots(&ours.authority))
                    .with_client_cert_resolver(Arc::clone(&hints) as Arc<dyn ResolvesClientCert>);
            config.alpn_protocols = vec![version.alpn().as_bytes().to_vec()];
            let served = gate.ask(door, version, &Arc::new(config), Request::get("/")).await;
            assert!(served.is_some(), "{door} {version:?}");
            hints.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
        };
        let told: Vec<_> = hinted("told").await.iter().map(|name| String::from_utf8_lossy(name).into_owned()).collect();
        let [one, two] = told.as_slice() else { panic!("{} hints", told.len()) };
        assert!(one.ends_with("one") && two.ends_with("two"), "{told:?}");
        assert!(hinted("untold").await.is_empty());
        // A system has too many of them.
        assert!(hinted("system").await.is_empty());
        // The authority of this run is all that it trusts here.
        let paper = Paper { chain: ours.certificate.clone(), key: ours.key.clone(), der: Vec::new(), spki: Vec::new() };
        let strange = first.sign("strange", Vec::new(), |_| ());
        for (paper, expected) in [(&paper, true), (&strange, false)] {
            let served = gate.ask("system", version, &client(Some(paper), version), Request::get("/")).await;
            assert_eq!(served.is_some(), expected, "{version:?}");
        }
    }
}
