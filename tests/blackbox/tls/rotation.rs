//! Certificates that change while the process runs.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};

use rustix::process::Signal;
use tempfile::TempDir;

use super::certificates::{CERTIFICATES, Made, ecdsa, ending, response};
use super::guest::{By, Guest};
use super::shown::{BOTH, Over, Visitor};
use crate::edge::Edge;
use crate::support::client::Version;
use crate::support::deadline::until;
use crate::support::message::Request;

/// A directory with a chain and its key, `tls.crt` and `tls.key`.
pub(super) struct Place {
    directory: TempDir,
    versions: usize,
}

/// How files are replaced.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum How {
    /// By others that are moved there.
    Moved,
    /// As Kubernetes does it: they are links through `..data`, which comes to lead to another directory.
    Linked,
    /// By writing to them.
    Written,
}

impl Place {
    pub(super) fn new(made: &Made, how: How) -> Self {
        let mut place = Self { directory: tempfile::tempdir().expect("a directory"), versions: 0 };
        if how == How::Linked {
            for name in ["tls.crt", "tls.key"] {
                symlink(format!("..data/{name}"), place.path(name)).expect("a link");
            }
        }
        place.put(made, how);
        place
    }

    pub(super) fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    pub(super) fn text(&self) -> String {
        self.directory.path().display().to_string()
    }

    fn put(&mut self, made: &Made, how: How) {
        self.put_both(&made.pem, &made.key.serialize_pem(), how);
    }

    fn put_both(&mut self, chain: &str, key: &str, how: How) {
        let files = [("tls.crt", chain), ("tls.key", key)];
        self.versions += 1;
        match how {
            How::Moved => {
                for (name, text) in files {
                    replace(&self.path(name), text);
                }
            }
            How::Written => {
                for (name, text) in files {
                    fs::write(self.path(name), text).expect("written");
                }
            }
            How::Linked => {
                let version = format!("..{}", self.versions);
                fs::create_dir(self.path(&version)).expect("a directory");
                for (name, text) in files {
                    fs::write(self.path(&version).join(name), text).expect("written");
                }
                symlink(&version, self.path("..data_tmp")).expect("a link");
                fs::rename(self.path("..data_tmp"), self.path("..data")).expect("moved");
            }
        }
    }

    /// The two as fields of a certificate.
    fn sources(&self, more: &str) -> String {
        let directory = self.text();
        format!(
            "certificate_chain: {{filename: \"{directory}/tls.crt\"{more}}}, private_key: {{filename: \"{directory}/tls.key\"{more}}}"
        )
    }

    /// A context's certificate, of which the directory is watched.
    fn watched(&self) -> String {
        format!("tls_certificates: [{{{}, watched_directory: {{path: \"{}\"}}}}]", self.sources(""), self.text())
    }

    /// A file with this certificate as the secret `edge`.
    fn secret(&self) -> String {
        format!(
            "resources:\n- {{\"@type\": type.googleapis.com/envoy.extensions.transport_sockets.tls.v3.Secret, name: edge, tls_certificate: {{{}}}}}\n",
            self.sources("")
        )
    }
}

/// Puts a file in the place of another.
pub(super) fn replace(path: &Path, text: &str) {
    let new = path.with_extension("new");
    fs::write(&new, text).expect("written");
    fs::rename(&new, path).expect("moved");
}

async fn edge(certificates: &str) -> Edge {
    super::edge("", &[(CERTIFICATES, certificates)]).await
}

/// What a visitor is shown.
async fn shown(edge: &Edge, over: Over) -> Vec<u8> {
    Visitor::default().visit(edge, over).await.expect("a handshake").leaf
}

/// Waits until this certificate is shown over both transports.
async fn until_shown(edge: &Edge, made: &Made) {
    for over in BOTH {
        until(format_args!("the new certificate over {over:?}"), async || {
            (shown(edge, over).await == made.der).then_some(())
        })
        .await;
    }
}

fn localhost() -> Made {
    ecdsa(&["localhost"])
}

#[tokio::test]
async fn what_is_watched_is_read_again() {
    for how in [How::Moved, How::Linked, How::Written] {
        let made = [localhost(), localhost(), localhost()];
        let mut place = Place::new(&made[0], how);
        let directory = format!(", watched_directory: {{path: \"{}\"}}", place.text());
        let of_sources = format!("tls_certificates: [{{{}}}]", place.sources(&directory));
        let named = "tls_certificate_sds_secret_configs: [{name: edge}]";
        let secret = format!(
            "static_resources:\n  secrets:\n  - {{name: edge, tls_certificate: {{{}{directory}}}}}\n",
            place.sources("")
        );
        let edges = [
            edge(&place.watched()).await,
            edge(&of_sources).await,
            super::edge("", &[("static_resources:\n", &secret), (CERTIFICATES, named)]).await,
        ];
        for made in &made[1..] {
            place.put(made, how);
            for edge in &edges {
                until_shown(edge, made).await;
            }
        }
        // What was read last is what is in use.
        for edge in &edges {
            let certs = edge.process.admin("/certs").await.text();
            let serial =
                x509_parser::parse_x509_certificate(&made[2].der).expect("a certificate").1.raw_serial_as_string();
            assert!(certs.contains(&serial.replace(':', "")), "{serial}: {certs}");
        }
    }
}

#[tokio::test]
async fn a_secret_may_stand_in_a_file_of_its_own() {
    let made = [localhost(), localhost(), localhost()];
    let mut place = Place::new(&made[0], How::Moved);
    let mut other = Place::new(&made[2], How::Moved);
    let directory = tempfile::tempdir().expect("a directory");
    let file = directory.path().join("sds.yaml");
    fs::write(&file, place.secret()).expect("written");
    let config = format!(
        "tls_certificate_sds_secret_configs: [{{name: edge, sds_config: {{path_config_source: {{path: \"{}\"}}, resource_api_version: V3}}}}]",
        file.display()
    );
    let edge = edge(&config).await;
    for over in BOTH {
        assert_eq!(shown(&edge, over).await, made[0].der, "{over:?}");
    }
    let stats = async || edge.process.stats().await;
    assert_eq!(stats().await.of("sds.edge.update_success"), 1);
    // As in Envoy, the files that the secret names are watched by themselves.
    place.put(&made[1], How::Moved);
    until_shown(&edge, &made[1]).await;
    let now = stats().await;
    assert_eq!((now.of("sds.edge.update_attempt"), now.of("sds.edge.key_rotation_failed")), (1, 0));
    // The secret is another: so are its files.
    replace(&file, &other.secret());
    until_shown(&edge, &made[2]).await;
    assert_eq!(stats().await.of("sds.edge.update_success"), 2);
    other.put(&made[0], How::Moved);
    until_shown(&edge, &made[0]).await;
    // A file that says nothing useful changes nothing.
    for (number, text) in [(1, "resources: []\n"), (2, "resource: {}\n"), (3, "resources: [\n")] {
        replace(&file, text);
        until("the refusal", async || (stats().await.of("sds.edge.update_rejected") == number).then_some(())).await;
        assert_eq!(shown(&edge, Over::Tcp).await, made[0].der);
    }
    let log = edge.process.standard_error();
    for said in [
        "there is no secret `edge`",
        "sds.yaml:1:1: resource: unknown field `resource`",
        "sds.yaml:1:12: not valid YAML",
    ] {
        assert!(log.contains(said), "{said}: {log}");
    }
    replace(&file, &place.secret());
    until_shown(&edge, &made[1]).await;
}

#[tokio::test]
async fn a_file_with_a_secret_may_be_watched_by_another_directory() {
    let made = [localhost(), localhost()];
    let place = made.each_ref().map(|made| Place::new(made, How::Moved));
    let [directory, watched] = [(), ()].map(|()| tempfile::tempdir().expect("a directory"));
    let root = directory.path();
    let file = root.join("now/sds.yaml");
    for (name, place) in ["v1", "v2"].iter().zip(&place) {
        fs::create_dir_all(root.join(name)).expect("a directory");
        fs::write(root.join(name).join("sds.yaml"), place.secret()).expect("written");
    }
    symlink("v1", root.join("now")).expect("a link");
    let config = format!(
        "tls_certificate_sds_secret_configs: [{{name: edge, sds_config: {{path_config_source: {{path: \"{}\", watched_directory: {{path: \"{}\"}}}}}}}}]",
        file.display(),
        watched.path().display(),
    );
    let edge = edge(&config).await;
    symlink("v2", root.join("next")).expect("a link");
    fs::rename(root.join("next"), root.join("now")).expect("moved");
    // Nothing happens in the directory that is watched, until a file is made there.
    fs::write(watched.path().join("now"), "").expect("written");
    until_shown(&edge, &made[1]).await;
}

#[tokio::test]
async fn a_file_with_a_secret_may_be_looked_at_now_and_then() {
    let made = [localhost(), localhost()];
    let place = made.each_ref().map(|made| Place::new(made, How::Moved));
    let [directory, watched] = [(), ()].map(|()| tempfile::tempdir().expect("a directory"));
    let file = directory.path().join("sds.yaml");
    fs::write(&file, place[0].secret()).expect("written");
    let config = format!(
        "tls_certificate_sds_secret_configs: [{{name: edge, sds_config: {{path_config_source: {{path: \"{}\", watched_directory: {{path: \"{}\"}}, poll_interval: 0.05s}}}}}}]",
        file.display(),
        watched.path().display(),
    );
    let edge = edge(&config).await;
    // Nothing ever happens in the directory that is watched.
    replace(&file, &place[1].secret());
    until_shown(&edge, &made[1]).await;
}

#[tokio::test]
async fn what_is_not_watched_is_read_again_where_that_is_asked_for() {
    let made = [localhost(), localhost()];
    let mut place = Place::new(&made[0], How::Moved);
    let edge = edge(&format!("tls_certificates: [{{{}}}]", place.sources(""))).await;
    place.put(&made[1], How::Moved);
    for over in BOTH {
        assert_eq!(shown(&edge, over).await, made[0].der, "{over:?}");
    }
    edge.process.signal(Signal::HUP);
    until_shown(&edge, &made[1]).await;
    let log = edge.process.standard_error();
    assert!(log.contains("in files are read again: for anything else, restart"), "{log}");
}

#[tokio::test]
async fn when_certificates_end_is_told_and_told_again() {
    // When 2030, 2031 and 2032 begin.
    const ENDS: [i64; 3] = [1_893_456_000, 1_924_992_000, 1_956_528_000];
    let [first, second, third] = [2030, 2031, 2032].map(|year| ending(&["localhost"], year));
    let mut place = Place::new(&second, How::Moved);
    let [early, late] = [&first, &third].map(|made| Place::new(made, How::Moved));
    let secret =
        format!("static_resources:\n  secrets:\n  - {{name: ours, tls_certificate: {{{}}}}}\n", early.sources(""));
    let config = format!(
        "{}, tls_certificate_sds_secret_configs: [{{name: ours}}]",
        place.watched().replace("}]", &format!("}}, {{{}}}]", late.sources("")))
    );
    let edge = super::edge("", &[("static_resources:\n", &secret), (CERTIFICATES, &config)]).await;
    let ends = async |name: &str| {
        let stats = edge.process.stats().await.0;
        let name = format!(".ssl.certificate.{name}.expiration_unix_time_seconds");
        let ends = stats.iter().filter(|(listener, _)| listener.starts_with("listener.") && listener.ends_with(&name));
        ends.map(|(_, value)| *value).collect::<Vec<_>>()
    };
    // The statistics of both listeners have one name. Of the certificates without one, the one that ends first is told of.
    assert_eq!(ends("ours").await, [ENDS[0]; 1]);
    assert_eq!(ends("unnamed_cert_e3b0c442").await, [ENDS[1]; 1]);
    place.put(&third, How::Moved);
    until("the new end", async || (ends("unnamed_cert_e3b0c442").await == [ENDS[2]; 1]).then_some(())).await;
}

#[tokio::test]
async fn what_does_not_belong_together_is_refused_and_the_last_good_one_kept() {
    let made = [localhost(), localhost()];
    let mut place = Place::new(&made[0], How::Moved);
    let edge = edge(&place.watched()).await;
    let key = |made: &Made| made.key.serialize_pem();
    let broken = made[1].pem.replace("MII", "!!!");
    let cut = &made[1].pem[..made[1].pem.len() / 2];
    let bad = [
        (made[1].pem.as_str(), key(&made[0]), "does not belong to the certificate in"),
        (&broken, key(&made[1]), "is not PEM"),
        (cut, key(&made[1]), "is not PEM"),
        ("", key(&made[1]), "holds no certificate"),
        (&made[1].pem, "nothing".to_owned(), "holds no private key in PEM"),
    ];
    let failed = async || {
        let stats = edge.process.stats().await.0;
        let failed = stats.iter().filter(|(name, _)| name.ends_with("server_ssl_socket_factory.key_rotation_failed"));
        failed.map(|(_, count)| *count).sum::<i64>()
    };
    for (chain, key, said) in bad {
        let before = failed().await;
        place.put_both(chain, &key, How::Moved);
        // Both listeners have it.
        until(format_args!("the refusal: {said}"), async || {
            let told = edge.process.standard_error().matches(said).count();
            (failed().await >= before + 2 && told >= 1).then_some(())
        })
        .await;
        for over in BOTH {
            assert_eq!(shown(&edge, over).await, made[0].der, "{said} {over:?}");
        }
    }
    assert!(edge.process.standard_error().contains("the last good one stays"));
    place.put(&made[1], How::Moved);
    until_shown(&edge, &made[1]).await;
    let stats = edge.process.stats().await.0;
    let updated = stats.iter().filter(|(name, _)| name.ends_with("ssl_context_update_by_sds"));
    assert_eq!(updated.map(|(_, count)| *count).sum::<i64>(), 2);
}

#[tokio::test]
async fn a_staple_changes_with_its_certificate() {
    let (made, other) = (localhost(), localhost());
    let mut place = Place::new(&made, How::Moved);
    let staples = ["20260101000000Z", "20260201000000Z"].map(|time| response(time, Some("20990101000000Z")));
    fs::write(place.path("ocsp"), &staples[0]).expect("written");
    let config = place.watched().replace(
        ", watched_directory",
        &format!(", ocsp_staple: {{filename: \"{}/ocsp\"}}, watched_directory", place.text()),
    );
    let edge = edge(&config).await;
    let shown = async |over| Visitor::default().visit(&edge, over).await.expect("a handshake");
    for over in BOTH {
        assert_eq!(shown(over).await.staple, staples[0], "{over:?}");
    }
    fs::write(place.path("ocsp.new"), &staples[1]).expect("written");
    fs::rename(place.path("ocsp.new"), place.path("ocsp")).expect("moved");
    place.put(&other, How::Moved);
    until_shown(&edge, &other).await;
    for over in BOTH {
        assert_eq!(shown(over).await.staple, staples[1], "{over:?}");
    }
}

#[tokio::test]
async fn sessions_of_a_certificate_do_not_resume_under_another() {
    let made = [localhost(), localhost()];
    let mut place = Place::new(&made[0], How::Moved);
    let edge = edge(&place.watched()).await;
    let guests = By::ALL.map(Guest::new);
    for guest in &guests {
        assert!(!guest.comes(&edge).await);
        assert!(guest.comes(&edge).await);
    }
    place.put(&made[1], How::Moved);
    until_shown(&edge, &made[1]).await;
    for guest in &guests {
        assert!(!guest.comes(&edge).await);
        assert!(guest.comes(&edge).await);
    }
}

#[tokio::test]
async fn nothing_fails_while_certificates_change() {
    const ROTATIONS: usize = 5;
    let first = localhost();
    let mut place = Place::new(&first, How::Linked);
    let edge = edge(&place.watched()).await;
    // These stay, and others come and go.
    let mut staying = Vec::new();
    for version in Version::ALL {
        staying.push(super::guest::client(&edge, version).await);
    }
    for _ in 0..ROTATIONS {
        let made = localhost();
        place.put(&made, How::Linked);
        let rotated = until_shown(&edge, &made);
        let requests = async {
            for _ in 0..5 {
                for version in Version::ALL {
                    let coming = super::guest::client(&edge, version).await;
                    assert_eq!(coming.send(Request::get("/")).await.status, 200, "{version:?}");
                }
                for client in &staying {
                    assert_eq!(client.send(Request::get("/")).await.status, 200, "{:?}", client.version());
                }
            }
        };
        tokio::join!(rotated, requests);
    }
}
