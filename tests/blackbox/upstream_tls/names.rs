//! Which name is asked for, which the certificate has to stand for, and that connections for one name serve no other.

use std::net::SocketAddr;

use super::server::{Setup, echo};
use super::{altered, edge, trusted};
use crate::edge::{ALL, Edge};
use crate::support::backend::Backend;
use crate::support::client::{Client, Version};
use crate::support::deadline::until;
use crate::support::message::Request;
use crate::upstream_http3::chain::cluster as over_quic;
use crate::upstream_http3::server::Server;

/// What the fields say, what a request says, and what comes of it: the name that is asked for, or no connection.
struct Case {
    tls: &'static str,
    options: &'static str,
    endpoint: &'static str,
    host: &'static str,
    field: Option<&'static str>,
    asked: Result<Option<&'static str>, ()>,
}

const fn case(
    tls: &'static str,
    options: &'static str,
    endpoint: &'static str,
    host: &'static str,
    asked: Result<Option<&'static str>, ()>,
) -> Case {
    Case { tls, options, endpoint, host, field: None, asked }
}

const SNI: &str = "sni: b.test, ";
const AUTO: &str = "auto_sni: true";
const VERIFIED: &str = "auto_sni: true, auto_san_validation: true";
const NAMED: &str = "hostname: a.test, ";

/// As measured of Envoy 1.40. The certificate is for `localhost`, `a.test` and `127.0.0.1`.
const CASES: &[Case] = &[
    case(SNI, "", "", "a.test", Ok(Some("b.test"))),
    case("", AUTO, "", "a.test", Ok(Some("a.test"))),
    case("", AUTO, "", "A.Test:8443", Ok(Some("a.test"))),
    case(SNI, AUTO, "", "a.test", Ok(Some("a.test"))),
    case(SNI, AUTO, "", "127.0.0.1", Ok(Some("b.test"))),
    case("", AUTO, "", "[::1]:80", Ok(None)),
    case("", VERIFIED, "", "a.test:1", Ok(Some("a.test"))),
    case("", VERIFIED, "", "127.0.0.1", Ok(None)),
    case("", VERIFIED, "", "b.test", Err(())),
    case("", VERIFIED, "", "127.0.0.2", Err(())),
    case(SNI, "auto_san_validation: true", "", "a.test", Ok(Some("b.test"))),
    case(SNI, "auto_san_validation: true", "", "b.test", Err(())),
    case("auto_host_sni: true, ", "", NAMED, "x.test", Ok(Some("a.test"))),
    case("auto_host_sni: true, sni: b.test, ", "", NAMED, "x.test", Ok(Some("a.test"))),
    case("auto_host_sni: true, sni: b.test, ", "", "", "x.test", Ok(Some("b.test"))),
    case("auto_host_sni: true, sni: b.test, ", AUTO, NAMED, "x.test", Ok(Some("x.test"))),
    case("auto_host_sni: true, auto_sni_san_validation: true, ", "", NAMED, "x.test", Ok(Some("a.test"))),
    case("auto_host_sni: true, auto_sni_san_validation: true, ", "", "hostname: b.test, ", "x.test", Err(())),
    case("sni: a.test, auto_sni_san_validation: true, ", "", "", "x.test", Ok(Some("a.test"))),
    case("sni: a.test, auto_sni_san_validation: true, ", AUTO, "", "b.test", Err(())),
    case("auto_sni_san_validation: true, ", "", "", "x.test", Ok(None)),
    case("", "auto_sni: true, override_auto_sni_header: x-sni", "", "a.test", Ok(Some("a.test"))),
    Case {
        field: Some("b.test:1"),
        ..case("", "auto_sni: true, override_auto_sni_header: x-sni", "", "a.test", Ok(Some("b.test")))
    },
    Case {
        field: Some("a.test"),
        ..case(
            "",
            "auto_sni: true, auto_san_validation: true, override_auto_sni_header: x-sni",
            "",
            "b.test",
            Ok(Some("a.test")),
        )
    },
    // A handshake cannot ask for that, and no certificate stands for it.
    Case {
        field: Some("no name"),
        ..case(SNI, "auto_sni: true, override_auto_sni_header: x-sni", "", "a.test", Ok(Some("b.test")))
    },
    Case {
        field: Some("no name"),
        ..case("", "auto_sni: true, auto_san_validation: true, override_auto_sni_header: x-sni", "", "a.test", Err(()))
    },
];

impl Case {
    fn request(&self) -> Request {
        let request = Request::get("/").authority(self.host);
        self.field.iter().fold(request, |request, value| request.header("x-sni", value))
    }

    fn options(&self) -> String {
        format!("        upstream_http_protocol_options: {{{}}}\n", self.options)
    }

    fn tls(&self) -> String {
        format!("{}{}", self.tls, trusted())
    }
}

#[tokio::test]
async fn the_name_is_that_of_the_request_of_the_host_or_of_the_context() {
    for (number, case) in CASES.iter().enumerate() {
        let backend = echo(Setup::default().configuration()).await;
        let clusters = altered("backend", backend.address(), &case.tls(), &case.options(), case.endpoint);
        let edge = edge(&clusters, ALL).await;
        for version in Version::ALL {
            let reply = edge.client(version).await.send(case.request()).await;
            assert_eq!(reply.status, if case.asked.is_ok() { 200 } else { 503 }, "{number} {version:?}");
            let line = edge.process.log("access.log").lines(1).await.pop().expect("a line");
            let logged = line["name"].as_str().map(str::to_owned);
            assert_eq!(logged.as_deref(), case.asked.unwrap_or_default(), "{number} {version:?} {line}");
        }
        let asked: Vec<_> = backend.handshakes().into_iter().map(|shaken| shaken.name).collect();
        let expected = case.asked.map(|name| name.map(str::to_owned));
        assert!(asked.iter().all(|asked| Ok(asked) == expected.as_ref()), "{number} {asked:?}");
        let refused = edge.process.stats().await.of("cluster.backend.ssl.fail_verify_san");
        assert_eq!(refused, if case.asked.is_ok() { 0 } else { 3 }, "{number}");
    }
}

#[tokio::test]
async fn the_same_names_are_asked_for_over_quic() {
    for (number, case) in CASES.iter().enumerate() {
        let server = Server::good();
        let clusters = over_quic("backend", server.address(), &case.tls(), "")
            .replace("        explicit_http_config:", &format!("{}        explicit_http_config:", case.options()))
            .replace("endpoint: {", &format!("endpoint: {{{}", case.endpoint));
        let edge = edge(&clusters, ALL).await;
        let reply = edge.client(Version::Http2).await.send(case.request()).await;
        assert_eq!(reply.status, if case.asked.is_ok() { 200 } else { 503 }, "{number}");
        let line = edge.process.log("access.log").lines(1).await.pop().expect("a line");
        match case.asked {
            Ok(name) => {
                assert_eq!(server.names(), [name.map(str::to_owned)], "{number}");
                assert_eq!(line["name"].as_str(), name, "{number} {line}");
                let tls = line["tls"].as_str().unwrap_or_default();
                assert!(tls.starts_with("TLSv1.3 TLS_AES_") && tls.ends_with("X25519MLKEM768"), "{number} {line}");
            }
            Err(()) => assert_eq!(line["flags"], "UF", "{number} {line}"),
        }
        let refused = edge.process.stats().await.of("cluster.backend.ssl.fail_verify_san");
        assert_eq!(refused, i64::from(case.asked.is_err()), "{number}");
    }
}

/// The name after the route has rewritten the host.
#[tokio::test]
async fn the_host_that_is_asked_for_is_the_one_that_the_upstream_gets() {
    let backend = echo(Setup::default().configuration()).await;
    let clusters = by_request(backend.address());
    let routes = "              - {match: {prefix: /}, route: {cluster: backend, host_rewrite_literal: a.test}}\n";
    let edge = edge(&clusters, routes).await;
    let reply = edge.client(Version::Http2).await.send(Request::get("/").authority("x.test")).await;
    assert!(reply.text().contains("host: a.test"), "{}", reply.text());
    assert_eq!(backend.handshakes()[0].name.as_deref(), Some("a.test"));
}

fn by_request(address: SocketAddr) -> String {
    altered("backend", address, &trusted(), "        upstream_http_protocol_options: {auto_sni: true}\n", "")
}

async fn ask(client: &Client, host: &str) {
    let reply = client.send(Request::get("/").authority(host)).await;
    assert_eq!(reply.status, 200, "{host}: {}", reply.text());
}

#[tokio::test]
async fn a_connection_for_one_name_serves_no_other_and_is_used_again_for_its_own() {
    let backend = echo(Setup::default().configuration()).await;
    let edge = edge(&by_request(backend.address()), ALL).await;
    // One connection is one worker's.
    let client = edge.process.plain_client("http").await;
    for host in ["a.test", "b.test", "a.test", "B.test", "a.test", "127.0.0.1", "127.0.0.2"] {
        ask(&client, host).await;
    }
    let names: Vec<_> = backend.handshakes().into_iter().map(|shaken| shaken.name).collect();
    assert_eq!(names, [Some("a.test".to_owned()), Some("b.test".to_owned()), None]);
}

#[tokio::test]
async fn a_connection_over_quic_for_one_name_serves_no_other() {
    let server = Server::good();
    let clusters = quic_by_request(&server);
    let edge = edge(&clusters, ALL).await;
    let client = edge.process.plain_client("http").await;
    for host in ["a.test", "b.test", "a.test", "b.test", "127.0.0.1"] {
        ask(&client, host).await;
    }
    assert_eq!(server.names(), [Some("a.test".to_owned()), Some("b.test".to_owned()), None]);
}

fn quic_by_request(server: &Server) -> String {
    let options = "        upstream_http_protocol_options: {auto_sni: true}\n        explicit_http_config:";
    over_quic("backend", server.address(), &trusted(), "").replace("        explicit_http_config:", options)
}

/// As many names as a worker keeps connections of, and more.
const MANY: usize = 40;
const KEPT: i64 = 32;

async fn names_are_bounded(edge: &Edge) {
    let client = edge.process.plain_client("http").await;
    for number in 0..MANY {
        ask(&client, &format!("host{number}.test")).await;
    }
    let open = async || {
        let open = edge.process.stats().await.of("cluster.backend.upstream_cx_active");
        (open <= KEPT + 1).then_some(open)
    };
    let open = until("the connections for the oldest names to be closed", open).await;
    assert!(open >= KEPT, "{open} are fewer than there is room for");
    // The last ones are still there.
    let before = edge.process.stats().await.of("cluster.backend.upstream_cx_total");
    ask(&client, &format!("host{}.test", MANY - 1)).await;
    assert_eq!(edge.process.stats().await.of("cluster.backend.upstream_cx_total"), before);
}

#[tokio::test]
async fn names_that_clients_make_up_keep_no_more_connections_than_there_is_room_for() {
    let backend: Backend = echo(Setup::default().configuration()).await;
    names_are_bounded(&edge(&by_request(backend.address()), ALL).await).await;
}

#[tokio::test]
async fn names_that_clients_make_up_keep_no_more_connections_over_quic() {
    let server = Server::good();
    names_are_bounded(&edge(&quic_by_request(&server), ALL).await).await;
}
