//! Failures: their outcome, and what a person is told to do.

use clap::Parser;
use quicgate::probe::Outcome;
use serde_json::{Value, json};
use tokio::net::{TcpSocket, UdpSocket};

use super::{Cli, probe};
use crate::rig::{Backend, H3Server, Habits, Identity, TlsServer};

#[tokio::test]
async fn an_unknown_authority_is_a_tls_failure_with_advice() {
    let (identity, other) = (Identity::new(), Identity::new());
    let tcp = TlsServer::start(identity.server_config(&["h2"], |_| {})).await;
    let udp = H3Server::start(identity.server_config(&["h3"], |_| {}), Habits::default());
    for (version, url) in [("--http2", tcp.url("/")), ("--http3", udp.url("/"))] {
        let (outcome, report) = probe(&[version, "--cacert", other.ca_file(), &url]).await;
        assert_eq!(outcome, Outcome::TlsFailed, "{report}");
        let said = report["error"].to_string();
        assert!(said.contains("invalid peer certificate") && said.contains("--cacert"), "{version}: {said}");
        let (outcome, report) = probe(&[version, "--insecure", &url]).await;
        assert_eq!((outcome, &report["tls"]["verified"]), (Outcome::Ok, &json!(false)), "{report}");
    }
}

#[tokio::test]
async fn a_name_that_the_certificate_does_not_hold_is_a_tls_failure() {
    let identity = Identity::new();
    let server = TlsServer::start_on("127.0.0.2:0", identity.server_config(&["h2"], |_| {})).await;
    let (outcome, report) = probe(&["--cacert", identity.ca_file(), &server.url("/")]).await;
    assert_eq!(outcome, Outcome::TlsFailed, "{report}");
    assert!(report["error"]["next"].as_str().unwrap().contains("other names than 127.0.0.2"), "{report}");
}

#[tokio::test]
async fn a_version_that_the_server_does_not_speak_is_said() {
    let identity = Identity::new();
    let http1 = TlsServer::start(identity.server_config(&["http/1.1"], |_| {})).await;
    let silent = TlsServer::start(identity.server_config(&[], |_| {})).await;
    let udp = H3Server::start(identity.server_config(&["hq-interop"], |_| {}), Habits::default());
    let table = [
        ("--http2", http1.url("/"), Outcome::TlsFailed),
        ("--http2", silent.url("/"), Outcome::ProtocolFailed),
        ("--http3", udp.url("/"), Outcome::TlsFailed),
    ];
    for (version, url, expected) in table {
        let (outcome, report) = probe(&[version, "--cacert", identity.ca_file(), &url]).await;
        assert_eq!(outcome, expected, "{version}: {report}");
        assert!(report["error"]["next"].as_str().unwrap().contains("try"), "{report}");
    }
}

#[tokio::test]
async fn where_nobody_listens_there_is_no_connection() {
    // Ports that are held but refuse: one is bound and does not listen, the other is connected to somebody else.
    let held = TcpSocket::new_v4().unwrap();
    held.bind("127.0.0.1:0".parse().unwrap()).unwrap();
    let connected = UdpSocket::bind("127.0.0.1:0").await.unwrap();
    connected.connect("127.0.0.1:9").await.unwrap();
    let (tcp, udp) = (held.local_addr().unwrap(), connected.local_addr().unwrap());
    for (arguments, word) in [
        (["--http1", &format!("http://{tcp}/")], "TCP port"),
        (["--http2", &format!("https://{tcp}/")], "TCP port"),
        (["--http3", &format!("https://{udp}/")], "UDP port"),
    ] {
        let (outcome, report) = probe(&[&["--insecure"][..], &arguments].concat()).await;
        assert_eq!(outcome, Outcome::NotConnected, "{report}");
        assert!(report["error"]["message"].as_str().unwrap().contains("refused"), "{report}");
        assert!(report["error"]["next"].as_str().unwrap().contains(word), "{report}");
    }
    let (outcome, report) = probe(&["http://no-such-host.invalid/"]).await;
    assert_eq!(outcome, Outcome::NotConnected, "{report}");
}

#[tokio::test(start_paused = true)]
async fn silence_is_waited_for_so_long_and_no_longer() {
    let backend = Backend::start().await;
    let url = format!("http://{}/delay/60000", backend.address);
    let (outcome, report) = probe(&["--timeout-s", "3", &url]).await;
    assert_eq!(outcome, Outcome::ProtocolFailed, "{report}");
    let message = report["error"]["message"].as_str().unwrap();
    assert_eq!(message, "no answer within 3 s, while waiting for the response");
    // A socket that nobody reads.
    let deaf = UdpSocket::bind("127.0.0.1:0").await.unwrap();
    let url = format!("https://{}/", deaf.local_addr().unwrap());
    let (outcome, report) = probe(&["--http3", "--insecure", "--timeout-s", "3", &url]).await;
    assert_eq!(outcome, Outcome::NotConnected, "{report}");
    assert!(report["error"]["next"].as_str().unwrap().contains("firewall"), "{report}");
}

#[tokio::test]
async fn a_response_that_breaks_off_is_a_protocol_failure_over_each_version() {
    let identity = Identity::new();
    let backend = Backend::start().await;
    let tcp = TlsServer::start(identity.server_config(&["h2"], |_| {})).await;
    let udp = H3Server::start(identity.server_config(&["h3"], |_| {}), Habits::default());
    for (version, url) in [
        ("--http1", format!("http://{}/close/10", backend.address)),
        ("--http2", tcp.url("/reset")),
        ("--http3", udp.url("/reset")),
    ] {
        let (outcome, report) = probe(&[version, "--cacert", identity.ca_file(), &url]).await;
        assert_eq!(outcome, Outcome::ProtocolFailed, "{version}: {report}");
        assert!(report["error"]["message"].as_str().unwrap().starts_with("HTTP/"), "{report}");
        assert_eq!(report["resumption"], Value::Null);
    }
}

#[tokio::test]
async fn rfc9114_4_1_2_http3_bodies_are_as_long_as_they_say() {
    let identity = Identity::new();
    // HEADERS with :status 200 (and content-length 5), then DATA.
    let table: [(&'static [u8], &str); 3] = [
        (b"\x01\x06\x00\x00\xd9\x54\x01\x35\x00\x03abc", "content-length says 5"),
        (b"\x01\x03\x00\x00\xd9\x00\x08abc", "HTTP/3"),
        (b"\x01\x03\x00\x00\xd9\x00\x08", "inside a frame"),
    ];
    for (raw, part) in table {
        let habits = Habits { raw: Some(raw), ..Habits::default() };
        let server = H3Server::start(identity.server_config(&["h3"], |_| {}), habits);
        let (outcome, report) = probe(&["--http3", "--cacert", identity.ca_file(), &server.url("/")]).await;
        assert_eq!((outcome, &report["status"]), (Outcome::ProtocolFailed, &json!(200)), "{report}");
        assert!(report["error"]["message"].as_str().unwrap().contains(part), "{report}");
    }
}

#[tokio::test]
async fn a_clear_port_probed_with_tls_and_the_other_way_round_get_advice() {
    let identity = Identity::new();
    let backend = Backend::start().await;
    let (outcome, report) = probe(&["--insecure", &format!("https://{}/", backend.address)]).await;
    assert_eq!(outcome, Outcome::TlsFailed, "{report}");
    assert!(report["error"]["next"].as_str().unwrap().contains("http://"), "{report}");
    let server = TlsServer::start(identity.server_config(&["h2"], |_| {})).await;
    let (outcome, report) = probe(&[&server.url("/").replace("https", "http")]).await;
    assert_eq!(outcome, Outcome::ProtocolFailed, "{report}");
    assert!(report["error"]["next"].as_str().unwrap().contains("https://"), "{report}");
}

#[tokio::test]
async fn what_is_typed_wrong_is_said() {
    let dir = tempfile::tempdir().unwrap();
    let empty = dir.path().join("empty.pem");
    std::fs::write(&empty, "").unwrap();
    let empty = empty.to_str().unwrap();
    let table: [(&[&str], &str); 7] = [
        (&["localhost:1"], "scheme"),
        (&["--http3", "http://localhost/"], "https://"),
        (&["-H", "nothing", "http://localhost/"], "name: value"),
        (&["-X", "CONNECT", "http://localhost/"], "CONNECT"),
        (&["-d", "@/no/such/file", "http://localhost/"], "/no/such/file"),
        (&["--cacert", "/no/such.pem", "https://localhost/"], "certs/ca.crt"),
        (&["--cacert", empty, "https://localhost/"], "empty.pem"),
    ];
    for (arguments, part) in table {
        let (outcome, report) = probe(arguments).await;
        assert_eq!(outcome, Outcome::Other, "{report}");
        assert!(report["error"].to_string().contains(part), "{report}");
    }
    assert!(Cli::try_parse_from(["probe", "--http1", "--http2", "http://localhost/"]).is_err());
}
