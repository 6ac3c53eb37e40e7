//! What the probe sends, and what it shows of the response.

use quicgate::probe::Outcome;
use serde_json::{Value, json};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpListener,
    task::JoinSet,
};

use super::{allow_early_data, field, probe, table};
use crate::rig::{Backend, H3Server, Habits, Identity, TlsServer, serve_http2};

#[tokio::test]
async fn http1_in_the_clear() {
    let backend = Backend::start().await;
    let url = format!("http://{}/trailers", backend.address);
    let (outcome, report) = probe(&[&url]).await;
    assert_eq!(outcome, Outcome::Ok, "{report}");
    assert_eq!((&report["version"], &report["transport"]), (&json!("HTTP/1.1"), &json!("tcp")));
    assert_eq!((&report["tls"], &report["resumption"], &report["error"]), (&Value::Null, &Value::Null, &Value::Null));
    assert_eq!((&report["status"], &report["body"]), (&json!(200), &json!("two trailers follow\n")));
    assert_eq!(field(&report, "trailers", "x-trailer-two"), "2");
    assert!(report["first_byte_ms"].as_f64().unwrap() <= report["total_ms"].as_f64().unwrap());
}

#[tokio::test]
async fn the_request_is_as_it_was_typed() {
    let backend = Backend::start().await;
    let url = format!("http://{}/a?b", backend.address);
    let fields = ["-H", "Host: other.example", "-H", "X-One: 1", "-H", "accept: application/json"];
    let (_, report) = probe(&[&fields[..], &["-X", "PATCH", "-d", "data", &url]].concat()).await;
    let seen: Value = serde_json::from_str(report["body"].as_str().unwrap()).unwrap();
    assert_eq!((&seen["method"], &seen["path"], &seen["body"]), (&json!("PATCH"), &json!("/a?b"), &json!("data")));
    assert_eq!(seen["headers"]["host"], json!(["other.example"]));
    assert_eq!((&seen["headers"]["x-one"], &seen["headers"]["te"]), (&json!(["1"]), &json!(["trailers"])));
}

#[tokio::test]
async fn http1_is_spoken_where_it_is_asked_for_or_all_there_is() {
    let identity = Identity::new();
    let both = TlsServer::start(identity.server_config(&["h2", "http/1.1"], |_| {})).await;
    let none = TlsServer::start(identity.server_config(&[], |_| {})).await;
    for (server, arguments, alpn) in
        [(&both, &["--http1"][..], json!("http/1.1")), (&none, &[], Value::Null), (&none, &["--http1"], Value::Null)]
    {
        let url = server.url("/bytes/5");
        let (outcome, report) = probe(&[&["--cacert", identity.ca_file(), &url], arguments].concat()).await;
        assert_eq!((outcome, &report["version"]), (Outcome::Ok, &json!("HTTP/1.1")), "{report}");
        assert_eq!((&report["tls"]["alpn"], &report["body"]), (&alpn, &json!("ABCDE")));
        assert_eq!(report["resumption"]["result"], "resumed");
    }
}

#[tokio::test]
async fn http2_in_the_clear_and_its_interim_responses() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/early", listener.local_addr().unwrap());
    let mut server = JoinSet::new();
    server.spawn(async move { serve_http2(listener.accept().await.unwrap().0).await });
    let (outcome, report) = probe(&["--http2", &url]).await;
    assert_eq!((outcome, &report["version"]), (Outcome::Ok, &json!("HTTP/2")), "{report}");
    assert_eq!(report["interim"], json!([103]));
}

#[tokio::test]
async fn http1_interim_responses_are_shown() {
    let url = canned(b"HTTP/1.1 103 Early Hints\r\nlink: </x>\r\n\r\nHTTP/1.1 204 No Content\r\n\r\n").await;
    let (outcome, report) = probe(&[&url.0]).await;
    assert_eq!((outcome, &report["interim"]), (Outcome::Ok, &json!([103])), "{report}");
}

#[tokio::test]
async fn http3_interim_responses_are_shown() {
    let identity = Identity::new();
    let server = H3Server::start(identity.server_config(&["h3"], |_| {}), Habits::default());
    let (outcome, report) = probe(&["--http3", "--cacert", identity.ca_file(), &server.url("/early")]).await;
    assert_eq!((outcome, &report["interim"]), (Outcome::Ok, &json!([103])), "{report}");
}

#[tokio::test]
async fn a_large_body_goes_out_and_comes_back_over_each_version() {
    let identity = Identity::new();
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("data");
    std::fs::write(&file, vec![b'x'; 3 << 20]).unwrap();
    let data = format!("@{}", file.display());
    let tcp = TlsServer::start(identity.server_config(&["h2", "http/1.1"], |_| {})).await;
    let udp = H3Server::start(identity.server_config(&["h3"], |_| {}), Habits::default());
    for (version, url) in [("--http1", tcp.url("/echo")), ("--http2", tcp.url("/echo")), ("--http3", udp.url("/echo"))]
    {
        let (outcome, report) = probe(&[version, "--cacert", identity.ca_file(), "-d", &data, &url]).await;
        assert_eq!((outcome, &report["body_bytes"]), (Outcome::Ok, &json!(3 << 20)), "{version}");
        assert_eq!((report["body"].as_str().unwrap().len(), &report["body_cut"]), (1 << 20, &json!(true)));
    }
}

#[tokio::test]
async fn the_status_is_in_the_exit_code_over_each_version() {
    let identity = Identity::new();
    let tcp = TlsServer::start(identity.server_config(&["h2", "http/1.1"], |_| {})).await;
    let udp = H3Server::start(identity.server_config(&["h3"], |_| {}), Habits::default());
    for (status, expected) in [(301, Outcome::Ok), (404, Outcome::ClientError), (503, Outcome::ServerError)] {
        let path = format!("/status/{status}");
        for (version, url) in [("--http1", tcp.url(&path)), ("--http2", tcp.url(&path)), ("--http3", udp.url(&path))] {
            let (outcome, report) = probe(&[version, "--cacert", identity.ca_file(), "-X", "HEAD", &url]).await;
            assert_eq!((outcome, &report["status"]), (expected, &json!(status)), "{version}: {report}");
        }
    }
}

#[tokio::test]
async fn the_table_shows_it_all_to_a_person() {
    let identity = Identity::new();
    let server = H3Server::start(identity.server_config(&["h3"], allow_early_data), Habits::default());
    let url = server.url("/trailers");
    let shown = table(&["--http3", "--body", "--cacert", identity.ca_file(), &url]).await;
    for line in [
        "version      HTTP/3\n",
        &format!("address      {} (udp)\n", server.address),
        "alpn         h3\n",
        "certificate  for localhost, 127.0.0.1, ::1 until ",
        "resumption   yes\n",
        "0-rtt        accepted, answered with status 200\n",
        "status       200 OK\n",
        "alternative  h3 on the same host, port 10443, for 86400 s\n",
        "trailer      x-sum: 42\n",
    ] {
        assert!(shown.contains(line), "{line} is not in\n{shown}");
    }
    assert!(shown.ends_with(&format!("\n\nGET {}", server.address)), "{shown}");
    let failed = table(&["--http3", &url]).await;
    assert!(failed.contains("error        the TLS handshake failed") && failed.contains("\nnext         "), "{failed}");
}

/// A server that answers one request with these bytes.
async fn canned(answer: &'static [u8]) -> (String, JoinSet<()>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/", listener.local_addr().unwrap());
    let mut server = JoinSet::new();
    server.spawn(async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        let mut request = Vec::new();
        while !request.ends_with(b"\r\n\r\n") {
            request.push(stream.read_u8().await.unwrap());
        }
        stream.write_all(answer).await.unwrap();
    });
    (url, server)
}
