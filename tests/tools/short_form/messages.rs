//! Every wrong command line, and what is said of it.

use std::fmt::Write as _;
use std::net::{TcpListener, UdpSocket};

use super::quicgate;

/// Sites that are none, by what is wrong with them.
const SITES: [&str; 45] = [
    // The whole.
    "a.test",
    "",
    "a.test/api",
    // The name.
    "=127.0.0.1:8080",
    "/api=127.0.0.1:8080",
    "https://a.test=127.0.0.1:8080",
    "a.test:443=127.0.0.1:8080",
    "127.0.0.1=127.0.0.1:8080",
    "10.0.0.256=127.0.0.1:8080",
    "[::1]=127.0.0.1:8080",
    "*.=127.0.0.1:8080",
    "*api=127.0.0.1:8080",
    "a.*=127.0.0.1:8080",
    "*.*.test=127.0.0.1:8080",
    "b\u{fc}cher.test=127.0.0.1:8080",
    "a_b.test=127.0.0.1:8080",
    "a test=127.0.0.1:8080",
    "a\"\n.test=127.0.0.1:8080",
    "a..test=127.0.0.1:8080",
    "a.test.=127.0.0.1:8080",
    "-a.test=127.0.0.1:8080",
    // The path.
    "a.test/x?y=127.0.0.1:8080",
    "a.test/x#y=127.0.0.1:8080",
    "a.test/a b=127.0.0.1:8080",
    "a.test/\"}=127.0.0.1:8080",
    "a.test/%zz=127.0.0.1:8080",
    "a.test//x=127.0.0.1:8080",
    "a.test/x/../y=127.0.0.1:8080",
    // The backends.
    "a.test=",
    "a.test=127.0.0.1:8080,",
    "a.test=127.0.0.1:8080,127.0.0.1:8080",
    "a.test=8080",
    "a.test=127.0.0.1",
    "a.test=app",
    "a.test=127.0.0.1:0",
    "a.test=127.0.0.1:70000",
    "a.test=127.0.0.1:http",
    "a.test=::1:8080",
    "a.test=[::g]:8080",
    "a.test=127.0.0.256:8080",
    "a.test=:8080",
    "a.test=http://127.0.0.1:8080/",
    "a.test=https://127.0.0.1:8443",
    "a.test=127.0.0.1:8080/app",
    "a.test=unix:/run/app.sock",
];

#[test]
fn wrong_sites() {
    let long = [format!("{}=127.0.0.1:8080", "a.".repeat(127) + "test"), format!("{}=127.0.0.1:8080", "a".repeat(64))];
    let mut text = String::new();
    for site in SITES.into_iter().chain(long.iter().map(String::as_str)) {
        let _ = writeln!(text, "--site={site:?}\n{}", refused(&[&format!("--site={site}")]));
    }
    insta::assert_snapshot!(text);
}

#[test]
fn wrong_options() {
    let site = ["--site", "a.test=127.0.0.1:8080"];
    let table: [&[&str]; 12] = [
        &["--site", "a.test/x/=127.0.0.1:8081", "--site", "A.test/x=127.0.0.1:8082"],
        &["--https-port", "10080"],
        &["--admin-address", "127.0.0.1:10443"],
        &["--https-port", "70000"],
        &["--address", "localhost"],
        &["--admin-address", "9901"],
        &["--cert", "cert.pem"],
        &["--key", "key.pem"],
        &["--cert", "no-such-cert.pem", "--key", "no-such-key.pem"],
        &["--cert", "no\nsuch.pem", "--key", "key.pem"],
        &["-c", "edge.yaml"],
        &["--config-yaml", "node: {}"],
    ];
    let mut text = String::new();
    for options in table {
        let _ = writeln!(text, "{options:?}\n{}", refused(&[&site[..], options].concat()));
    }
    let _ = writeln!(text, "no site\n{}", refused(&[]));
    insta::assert_snapshot!(text);
}

#[test]
fn a_file_name_that_would_break_the_text_is_refused() {
    let directory = tempfile::tempdir().unwrap();
    let arguments = ["expand", "--site", "a.test=127.0.0.1:8080", "--cert", "a\nb.pem", "--key", "key.pem"];
    let (code, text, errors) = quicgate(directory.path(), &arguments);
    assert_eq!((code, text.as_str()), (Some(1), ""));
    assert!(errors.starts_with("error: the file name `a\\nb.pem` cannot be written into a configuration"), "{errors}");
}

#[test]
fn a_name_that_has_no_address_is_named() {
    let said = refused(&["--site", "a.test=no-such-host.invalid:80"]);
    assert!(said.starts_with("error: the backend `no-such-host.invalid` has no address: "), "{said}");
    assert!(said.ends_with("; correct the name, or give an address and port, as 127.0.0.1:8080\n"), "{said}");
}

#[test]
fn a_port_that_is_taken_is_named_with_the_options_that_choose_it() {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = taken.local_addr().unwrap().port().to_string();
    let options = ["--address", "127.0.0.1", "--http-port", "0", "--admin-address", "none", "--https-port", &port];
    let said = refused(&[&["--site", "a.test=127.0.0.1:8080"], &options[..]].concat());
    assert!(said.contains(&format!("127.0.0.1:{port}/tcp is taken by another process")), "{said}");
    assert!(said.contains("Here --https-port"), "{said}");

    // The TCP port of the same number may belong to another test by chance.
    let of_udp = (0..20).any(|_| {
        let taken = UdpSocket::bind("127.0.0.1:0").unwrap();
        let port = taken.local_addr().unwrap().port().to_string();
        let options = ["--address", "127.0.0.1", "--http-port", "0", "--admin-address", "none", "--https-port", &port];
        let said = refused(&[&["--site", "a.test=127.0.0.1:8080"], &options[..]].concat());
        assert!(
            said.contains(&format!("127.0.0.1:{port}/")) && said.contains(" is taken by another process"),
            "{said}"
        );
        said.contains(&format!("127.0.0.1:{port}/udp"))
    });
    assert!(of_udp, "the UDP port was never the one that was told");
}

#[test]
fn what_run_refuses_expand_refuses() {
    let directory = tempfile::tempdir().unwrap();
    for options in [&["--site", "a.test"][..], &["--site", "a.test=127.0.0.1:1", "--site", "a.test=127.0.0.1:2"]] {
        let (code, text, errors) = quicgate(directory.path(), &[&["expand"], options].concat());
        assert_eq!((code, text.as_str()), (Some(1), ""), "{errors}");
        assert!(errors.starts_with("error: "), "{errors}");
    }
}

/// What `quicgate run` says of these options, which it does not take.
fn refused(options: &[&str]) -> String {
    let directory = tempfile::tempdir().unwrap();
    let (code, text, errors) = quicgate(directory.path(), &[&["run"], options].concat());
    assert_eq!((code, text.as_str()), (Some(1), ""), "{options:?}: {errors}");
    errors.lines().filter(|line| !line.starts_with("note: ")).fold(String::new(), |text, line| text + line + "\n")
}
