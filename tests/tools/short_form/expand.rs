//! What `quicgate expand` writes.

use std::fs;
use std::process::Command;

use super::{quicgate, said};
use crate::support::program::Envoy;

/// Command lines whose text is a snapshot, by its name.
const LINES: [(&str, &[&str]); 3] = [
    ("one_site", &["--site", "a.test=127.0.0.1:8080"]),
    (
        "paths_and_ports",
        &[
            "--site",
            "www.a.test=10.0.0.5:80,10.0.0.6:80",
            "--site",
            "www.a.test/api=10.0.0.7:8080",
            "--site",
            "*.a.test=10.0.0.8:80",
            "--https-port",
            "443",
            "--http-port",
            "80",
            "--cert",
            "certs/my \"own\".pem",
            "--key",
            "certs/key.pem",
            "--admin-address",
            "none",
        ],
    ),
    (
        "any_name_over_ipv6",
        &[
            "--site",
            "*=localhost:3000,[::1]:3001",
            "--address",
            "::",
            "--http-port",
            "0",
            "--admin-address",
            "[::1]:9902",
        ],
    ),
];

#[test]
fn the_text_is_what_the_snapshot_shows() {
    for (name, options) in LINES {
        let directory = tempfile::tempdir().unwrap();
        let (code, text, errors) = quicgate(directory.path(), &[&["expand"], options].concat());
        assert_eq!(code, Some(0), "{errors}");
        insta::assert_snapshot!(name, text);
    }
}

#[test]
fn quicgate_accepts_it_without_a_warning() {
    for (name, options) in LINES {
        let directory = expanded(options);
        let (code, text, errors) = quicgate(directory.path(), &["--mode", "validate", "-c", "edge.yaml"]);
        let expected = (Some(0), "configuration 'edge.yaml' OK\n", "");
        assert_eq!((code, text.as_str(), errors.as_str()), expected, "{name}");
    }
}

#[test]
fn the_real_envoy_accepts_it() {
    let envoy = match Envoy::program() {
        Ok(envoy) => envoy.executable,
        Err(reason) => {
            println!("skipped: the_real_envoy_accepts_it: {reason}");
            return;
        }
    };
    for (name, options) in LINES {
        let directory = expanded(options);
        let mut command = Command::new(&envoy);
        command.args(["--mode", "validate", "--use-dynamic-base-id", "-c", "edge.yaml"]).current_dir(directory.path());
        let (code, _, errors) = said(&mut command);
        assert_eq!(code, Some(0), "{name}: {errors}");
    }
}

#[test]
fn options_of_run_that_say_how_to_serve_change_nothing() {
    let directory = tempfile::tempdir().unwrap();
    let site = ["expand", "--site", "a.test=127.0.0.1:8080"];
    let (_, plain, _) = quicgate(directory.path(), &site);
    let more = ["--concurrency", "3", "--drain-time-s", "5", "-l", "debug", "--admin-address-path", "address"];
    let (code, text, errors) = quicgate(directory.path(), &[&site[..], &more].concat());
    assert_eq!((code, text, errors.as_str()), (Some(0), plain, ""));
}

/// A directory with `edge.yaml`, and with the files of a certificate where one was named.
fn expanded(options: &[&str]) -> tempfile::TempDir {
    let directory = tempfile::tempdir().unwrap();
    let (code, text, errors) = quicgate(directory.path(), &[&["expand"], options].concat());
    assert_eq!(code, Some(0), "{errors}");
    fs::write(directory.path().join("edge.yaml"), text).unwrap();
    if options.contains(&"--cert") {
        let certificates = crate::support::certificates::Certificates::of_this_run();
        fs::create_dir(directory.path().join("certs")).unwrap();
        fs::write(directory.path().join("certs/my \"own\".pem"), &certificates.certificate).unwrap();
        fs::write(directory.path().join("certs/key.pem"), &certificates.key).unwrap();
    }
    directory
}
