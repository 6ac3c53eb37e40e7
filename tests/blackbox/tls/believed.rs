//! Whom a gateway believes may change while it runs: authorities and revocation lists in files.

use std::fs;
use std::path::Path;
use std::sync::Arc;

use rustls::ClientConfig;
use rustls::client::WebPkiServerVerifier;
use rustls::crypto::aws_lc_rs::default_provider;
use tempfile::TempDir;

use super::certificates::{CERTIFICATES, ecdsa, response};
use super::gate::{Door, Gate, client};
use super::papers::{Authority, Paper, dns};
use super::rotation::{How, Place, replace};
use crate::support::certificates::roots;
use crate::support::client::{Client, Version};
use crate::support::deadline::until;
use crate::support::message::Request;

/// A directory with `ca.pem`, `crl.pem` and a secret that names both, `sds.yaml`.
struct Files(TempDir);

impl Files {
    fn new(authority: &Authority) -> Self {
        let files = Self(tempfile::tempdir().expect("a directory"));
        files.put("ca.pem", &authority.pem());
        files.put("crl.pem", &authority.list(&[]));
        files.put("sds.yaml", &secret(&files.context()));
        files
    }

    fn path(&self) -> &Path {
        self.0.path()
    }

    fn put(&self, name: &str, text: &str) {
        replace(&self.path().join(name), text);
    }

    /// Fields of a validation context.
    fn context(&self) -> String {
        let directory = self.path().display();
        format!("trusted_ca: {{filename: \"{directory}/ca.pem\"}}, crl: {{filename: \"{directory}/crl.pem\"}}")
    }

    fn delivery(&self) -> String {
        format!(
            "validation_context_sds_secret_config: {{name: people, sds_config: {{path_config_source: {{path: \"{}/sds.yaml\"}}}}}}",
            self.path().display()
        )
    }

    /// Every way to say that files may change.
    fn doors(&self) -> [Door; 5] {
        let watched = format!("watched_directory: {{path: \"{}\"}}", self.path().display());
        let context = self.context();
        let door = |name, common: String| Door { name, common, ..Door::default() };
        let names = "match_typed_subject_alt_names: [{san_type: DNS, matcher: {exact: client.test}}]";
        [
            door("own", format!("validation_context: {{{context}, {watched}}}")),
            door("sources", format!("validation_context: {{{}}}", context.replace('}', &format!(", {watched}}}")))),
            door("named", "validation_context_sds_secret_config: {name: known}".to_owned()),
            door("delivered", self.delivery()),
            door(
                "combined",
                format!(
                    "combined_validation_context: {{default_validation_context: {{{names}}}, {}}}",
                    self.delivery()
                ),
            ),
        ]
    }

    async fn gate(&self) -> Gate {
        let watched = format!("watched_directory: {{path: \"{}\"}}", self.path().display());
        let known = format!("  - {{name: known, validation_context: {{{}, {watched}}}}}\n", self.context());
        Gate::with_secrets(&self.doors(), &known).await
    }
}

const DOORS: [&str; 5] = ["own", "sources", "named", "delivered", "combined"];

fn secret(context: &str) -> String {
    format!(
        "resources:\n- {{\"@type\": type.googleapis.com/envoy.extensions.transport_sockets.tls.v3.Secret, name: people, validation_context: {{{context}}}}}\n"
    )
}

fn signed(authority: &Authority, serial: u64) -> Paper {
    authority.sign("client", vec![dns("client.test")], |parameters| parameters.serial_number = Some(serial.into()))
}

/// Whether a client is let in, which keeps its sessions.
async fn enters(gate: &Gate, door: &str, version: Version, tls: &Arc<ClientConfig>) -> bool {
    gate.ask(door, version, tls, Request::get("/")).await.is_some()
}

/// Waits until nobody believes what was believed before: a door is asked over both transports.
async fn until_out(gate: &Gate, door: &str, paper: &Paper) {
    for version in [Version::Http2, Version::Http3] {
        until(format_args!("the end of a belief at {door}"), async || {
            (!enters(gate, door, version, &client(Some(paper), version)).await).then_some(())
        })
        .await;
    }
}

#[tokio::test]
async fn authorities_and_revocations_in_files_are_read_again() {
    let [old, new] = ["old", "new"].map(Authority::named);
    let files = Files::new(&old);
    let gate = files.gate().await;
    let [of_old, of_new, revoked] = [signed(&old, 1), signed(&new, 2), signed(&new, 3)];
    // They come once before, and hold sessions of that time.
    let mut known = Vec::new();
    for door in DOORS {
        for version in Version::ALL {
            let tls = client(Some(&of_old), version);
            assert!(enters(&gate, door, version, &tls).await, "{door} {version:?}");
            assert!(!enters(&gate, door, version, &client(Some(&of_new), version)).await, "{door} {version:?}");
            known.push((door, version, tls));
        }
    }
    files.put("crl.pem", &new.list(&[]));
    files.put("ca.pem", &new.pem());
    for door in DOORS {
        until_out(&gate, door, &of_old).await;
    }
    for (door, version, tls) in &known {
        assert!(!enters(&gate, door, *version, tls).await, "{door} {version:?}: with a session");
    }
    let mut known = Vec::new();
    for door in DOORS {
        for version in Version::ALL {
            assert!(enters(&gate, door, version, &client(Some(&of_new), version)).await, "{door} {version:?}");
            let tls = client(Some(&revoked), version);
            assert!(enters(&gate, door, version, &tls).await, "{door} {version:?}");
            known.push((door, version, tls));
        }
    }
    files.put("crl.pem", &new.list(&[3]));
    for door in DOORS {
        until_out(&gate, door, &revoked).await;
    }
    for (door, version, tls) in &known {
        assert!(!enters(&gate, door, *version, tls).await, "{door} {version:?}: with a session");
        assert!(enters(&gate, door, *version, &client(Some(&of_new), *version)).await, "{door} {version:?}");
    }
    let stats = gate.process.stats().await;
    for door in DOORS {
        for version in [Version::Http2, Version::Http3] {
            let name = Gate::listener(door, version);
            let updated = stats.of(&format!("listener.{name}.server_ssl_socket_factory.ssl_context_update_by_sds"));
            // Both files at once, or one after the other; and the list.
            assert!((2..=3).contains(&updated), "{name}: {updated}");
        }
    }
}

#[tokio::test]
async fn a_certificate_that_is_refused_keeps_nobody_from_hearing_who_is_believed() {
    let [old, new] = ["old", "new"].map(Authority::named);
    let files = Files::new(&old);
    let made = ecdsa(&["localhost"]);
    let place = Place::new(&made, How::Moved);
    let trusts = WebPkiServerVerifier::builder_with_provider(Arc::new(roots(&made.pem)), Arc::new(default_provider()));
    let trusts = trusts.build().expect("a verifier");
    fs::write(place.path("ocsp"), response("20260101000000Z", Some("20990101000000Z"))).expect("written");
    let certificate = |staple: &str| {
        let directory = place.text();
        format!(
            "resources:\n- {{\"@type\": type.googleapis.com/envoy.extensions.transport_sockets.tls.v3.Secret, name: edge, tls_certificate: {{certificate_chain: {{filename: \"{directory}/tls.crt\"}}, private_key: {{filename: \"{directory}/tls.key\"}}{staple}}}}}\n"
        )
    };
    let staple = format!(", ocsp_staple: {{filename: \"{}/ocsp\"}}", place.text());
    replace(&place.path("edge.yaml"), &certificate(&staple));
    let context = format!(
        "tls_certificate_sds_secret_configs: [{{name: edge, sds_config: {{path_config_source: {{path: \"{}/edge.yaml\"}}}}}}], validation_context: {{{}, watched_directory: {{path: \"{}\"}}}}",
        place.text(),
        files.context(),
        files.path().display()
    );
    let tls = "ocsp_staple_policy: MUST_STAPLE, require_client_certificate: true";
    let edge = super::edge_with(&tls.replace(", ", "\n          "), tls, &[(CERTIFICATES, &context)]).await;
    let served = async |paper: &Paper| {
        let mut served = Vec::new();
        for version in [Version::Http2, Version::Http3] {
            let mut tls = ClientConfig::clone(&client(Some(paper), version));
            tls.dangerous().set_certificate_verifier(Arc::<WebPkiServerVerifier>::clone(&trusts));
            let tls = Arc::new(tls);
            let connected = match version {
                Version::Http3 => Client::http3(edge.process.address("http3"), tls).await,
                _ => Client::http2(edge.process.address("https"), Some(tls)).await,
            };
            let status = match connected {
                Ok(client) => client.send(Request::get("/")).await.status,
                Err(_) => 0,
            };
            served.push(status == 200);
        }
        served
    };
    let [of_old, of_new] = [signed(&old, 1), signed(&new, 2)];
    assert_eq!((served(&of_old).await, served(&of_new).await), (vec![true; 2], vec![false; 2]));
    replace(&place.path("edge.yaml"), &certificate(""));
    let said = "a certificate without the staple that MUST_STAPLE asks for is not shown";
    until("the refusal", async || edge.process.standard_error().contains(said).then_some(())).await;
    files.put("crl.pem", &new.list(&[]));
    files.put("ca.pem", &new.pem());
    until("the new authority", async || (served(&of_new).await == [true; 2]).then_some(())).await;
    assert_eq!(served(&of_old).await, [false; 2]);
}

#[tokio::test]
async fn names_that_made_a_certificate_required_are_not_forgotten() {
    let authority = Authority::named("people");
    let files = Files::new(&authority);
    let names = "match_typed_subject_alt_names: [{san_type: DNS, matcher: {exact: client.test}}]";
    files.put("sds.yaml", &secret(&format!("{}, {names}", files.context())));
    let gate = Gate::start(&[Door { name: "delivered", common: files.delivery(), ..Door::default() }]).await;
    let good = signed(&authority, 1);
    files.put("sds.yaml", &secret(&files.context()));
    until("the refusal", async || {
        gate.process.standard_error().contains("asks for no name and no pin any more").then_some(())
    })
    .await;
    for version in Version::ALL {
        assert!(enters(&gate, "delivered", version, &client(Some(&good), version)).await, "{version:?}");
        assert!(!enters(&gate, "delivered", version, &client(None, version)).await, "{version:?}");
    }
}

#[tokio::test]
async fn who_is_live_stays_when_others_are_believed() {
    let [old, new] = ["old", "new"].map(Authority::named);
    let files = Files::new(&old);
    let gate = files.gate().await;
    let of_old = signed(&old, 1);
    let tls = client(Some(&of_old), Version::Http2);
    let address = gate.process.address(&Gate::listener("own", Version::Http2));
    let live = Client::http2(address, Some(tls)).await.expect("a connection");
    assert_eq!(live.send(Request::get("/")).await.status, 200);
    files.put("crl.pem", &new.list(&[]));
    files.put("ca.pem", &new.pem());
    until_out(&gate, "own", &of_old).await;
    assert_eq!(live.send(Request::get("/")).await.status, 200);
}

#[tokio::test]
async fn what_nobody_can_be_held_against_is_refused_and_the_last_good_one_kept() {
    let [authority, strange] = ["old", "strange"].map(Authority::named);
    let files = Files::new(&authority);
    let gate = files.gate().await;
    let [good, bad] = [signed(&authority, 1), signed(&strange, 2)];
    let pem = authority.pem();
    let cut = &pem[..pem.len() / 2];
    for (name, text, said) in [
        ("ca.pem", "", "holds no certificate"),
        ("ca.pem", cut, "is not PEM"),
        ("crl.pem", pem.as_str(), "holds no revocation list"),
        ("sds.yaml", &secret(""), "verifies nothing any more: set `trusted_ca`"),
        ("sds.yaml", "resource: {}\n", "unknown field `resource`"),
    ] {
        let before = fs::read_to_string(files.path().join(name)).expect("a file");
        files.put(name, text);
        until(format_args!("the refusal of {name}: {said}"), async || {
            gate.process.standard_error().contains(said).then_some(())
        })
        .await;
        for door in DOORS {
            for version in [Version::Http2, Version::Http3] {
                assert!(enters(&gate, door, version, &client(Some(&good), version)).await, "{said}: {door}");
                assert!(!enters(&gate, door, version, &client(Some(&bad), version)).await, "{said}: {door}");
            }
        }
        files.put(name, &before);
    }
    assert!(
        gate.process.standard_error().contains("a validation context is not taken into use, the last good one stays")
    );
    // It goes on from there.
    files.put("crl.pem", &strange.list(&[]));
    files.put("ca.pem", &strange.pem());
    for door in DOORS {
        until_out(&gate, door, &good).await;
        for version in Version::ALL {
            assert!(enters(&gate, door, version, &client(Some(&bad), version)).await, "{door} {version:?}");
        }
    }
}
