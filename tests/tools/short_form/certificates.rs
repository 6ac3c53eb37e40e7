//! The certificates that `run` and `expand` make.

use std::fs;
use std::path::Path;

use super::{certificate_directories, quicgate};
use crate::rig::Program;

#[test]
fn they_are_said_to_be_made_once_and_then_used() {
    let directory = tempfile::tempdir().unwrap();
    let (text, errors) = expand(directory.path(), &["a.test"]);
    assert_eq!(errors, "note: made an authority and a certificate: clients have to trust certs/sites/a.test/ca.crt\n");
    assert!(text.contains("filename: \"certs/sites/a.test/sites.crt\""), "{text}");
    let made = files(&directory.path().join("certs/sites/a.test"));
    assert_eq!(expand(directory.path(), &["A.test"]), (text, String::new()));
    assert_eq!(files(&directory.path().join("certs/sites/a.test")), made);
}

#[test]
fn other_names_have_others_and_leave_the_first_as_they_are() {
    let directory = tempfile::tempdir().unwrap();
    let (_, _) = expand(directory.path(), &["a.test"]);
    let made = files(&directory.path().join("certs/sites/a.test"));
    let (_, errors) = expand(directory.path(), &["b.test", "a.test", "*.b.test"]);
    assert!(errors.contains("certs/sites/_.b.test+a.test+b.test/ca.crt"), "{errors}");
    let (_, errors) = expand(directory.path(), &["*"]);
    assert!(errors.contains("no certificate can be made for `*`"), "{errors}");
    assert_eq!(certificate_directories(directory.path()), ["_.b.test+a.test+b.test", "a.test", "localhost"]);
    assert_eq!(files(&directory.path().join("certs/sites/a.test")), made);
}

#[test]
fn what_is_for_other_names_is_made_anew() {
    let directory = tempfile::tempdir().unwrap();
    let (_, _) = expand(directory.path(), &["a.test"]);
    let sites = directory.path().join("certs/sites");
    fs::rename(sites.join("a.test"), sites.join("b.test")).unwrap();
    let (_, errors) = expand(directory.path(), &["b.test"]);
    assert_eq!(errors, "note: made an authority and a certificate: clients have to trust certs/sites/b.test/ca.crt\n");
}

#[test]
fn a_state_dir_is_where_they_are() {
    let (directory, state) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let state_dir = state.path().to_str().unwrap();
    let arguments = ["expand", "--site", "a.test=127.0.0.1:8080", "--state-dir", state_dir];
    let (code, text, _) = quicgate(directory.path(), &arguments);
    assert_eq!(code, Some(0));
    assert!(text.contains(&format!("filename: \"{state_dir}/certs/sites/a.test/sites.crt\"")), "{text}");
    assert_eq!(fs::read_dir(directory.path()).unwrap().count(), 0);
}

#[tokio::test]
async fn openssl_accepts_them_for_the_sites_and_reads_the_constraints() {
    let test = "openssl_accepts_them_for_the_sites_and_reads_the_constraints";
    let Some(openssl) = Program::find("openssl", test) else { return };
    let directory = tempfile::tempdir().unwrap();
    let (_, _) = expand(directory.path(), &["a.test", "*.b.test"]);
    let certificates = directory.path().join("certs/sites/_.b.test+a.test");
    let (root, leaf) = (certificates.join("ca.crt"), certificates.join("sites.crt"));
    let (root, leaf) = (root.to_str().unwrap(), leaf.to_str().unwrap());
    for (name, accepted) in [
        ("a.test", true),
        ("x.b.test", true),
        ("localhost", true),
        ("b.test", false),
        ("x.a.test", false),
        ("c.test", false),
    ] {
        let arguments =
            ["verify", "-x509_strict", "-purpose", "sslserver", "-CAfile", root, "-verify_hostname", name, leaf];
        let verified = openssl.run(&arguments).await;
        assert_eq!(verified.status.success(), accepted, "{name}: {}", String::from_utf8_lossy(&verified.stderr));
    }
    let shown = openssl.run(&["x509", "-in", root, "-noout", "-ext", "nameConstraints"]).await;
    let shown = String::from_utf8(shown.stdout).unwrap();
    let parts: Vec<&str> = shown.lines().map(str::trim).filter(|line| line.starts_with("DNS:")).collect();
    assert_eq!(parts, ["DNS:a.test", "DNS:b.test", "DNS:localhost"], "{shown}");
    assert!(shown.contains("Name Constraints: critical"), "{shown}");
}

/// `quicgate expand` with these names: its text, and what it says.
fn expand(directory: &Path, names: &[&str]) -> (String, String) {
    let sites: Vec<String> = names.iter().map(|name| format!("--site={name}=127.0.0.1:8080")).collect();
    let mut arguments = vec!["expand"];
    arguments.extend(sites.iter().map(String::as_str));
    let (code, text, errors) = quicgate(directory, &arguments);
    assert_eq!(code, Some(0), "{errors}");
    (text, errors)
}

fn files(directory: &Path) -> Vec<Vec<u8>> {
    ["ca.crt", "ca.key", "sites.crt", "sites.key"].map(|name| fs::read(directory.join(name)).unwrap()).into()
}
