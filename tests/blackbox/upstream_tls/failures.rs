//! Handshakes that fail: what the client is answered, what is logged and counted, and that no request is sent twice.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;

use rustls::ServerConfig;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;
use tokio::task::JoinSet;

use super::server::{Setup, TLS12_ONLY, echo};
use super::{altered, edge, in_front_of, secured, trusted, trusting};
use crate::support::backend::{Backend, Script};
use crate::support::certificates::Certificates;
use crate::support::client::Version;
use crate::support::deadline::until;
use crate::support::message::Request;

/// What is asked, what is logged of it, and which counters of the cluster move, by one each time.
struct Case {
    cluster: &'static str,
    reason: &'static str,
    counted: &'static [&'static str],
}

const CASES: &[Case] = &[
    // Another authority, of the same name.
    Case {
        cluster: "stranger",
        reason: "TLS_error:|invalid_peer_certificate:_BadSignature:TLS_error_end",
        counted: &["ssl.fail_verify_error"],
    },
    Case {
        cluster: "expired",
        reason: "TLS_error:|invalid_peer_certificate:_Expired:TLS_error_end",
        counted: &["ssl.fail_verify_error"],
    },
    Case {
        cluster: "misnamed",
        reason: "TLS_error:|invalid_peer_certificate:_certificate_not_valid_for_name_\"b.test\";",
        counted: &["ssl.fail_verify_san"],
    },
    Case {
        cluster: "old",
        reason: "TLS_error:|received_fatal_alert:_ProtocolVersion:TLS_error_end",
        counted: &["ssl.connection_error"],
    },
    Case { cluster: "clear", reason: "TLS_error:|received_corrupt_message", counted: &["ssl.connection_error"] },
    // As in Envoy, who only leaves has broken nothing.
    Case { cluster: "closing", reason: "", counted: &[] },
    Case { cluster: "silent", reason: "", counted: &["upstream_cx_connect_timeout"] },
];

/// An upstream that reads what comes first, says something that is no TLS, and closes.
struct Strange {
    address: SocketAddr,
    _accepting: JoinSet<()>,
}

impl Strange {
    async fn saying(answer: &'static str) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.expect("bind a TCP port on loopback");
        let address = listener.local_addr().expect("the address of a bound socket");
        let mut accepting = JoinSet::new();
        accepting.spawn(async move {
            while let Ok((mut stream, _)) = listener.accept().await {
                // With nothing left to read it ends with FIN and not with RST.
                drop(stream.read(&mut [0; 8192]).await);
                drop(stream.write_all(answer.as_bytes()).await);
            }
        });
        Self { address, _accepting: accepting }
    }
}

#[tokio::test]
async fn every_failure_of_a_handshake_has_its_answer_flag_details_and_counter() {
    let good = echo(Setup::default().configuration()).await;
    let expired = Certificates::of_itself(2020);
    let dead = echo(Setup::default().proving(&expired)).await;
    let old = echo(Setup { versions: TLS12_ONLY, ..Setup::default() }.configuration()).await;
    let clear = Strange::saying("HTTP/1.1 400 Bad Request\r\ncontent-length: 0\r\n\r\n").await;
    let closing = Strange::saying("").await;
    // The kernel accepts, and nobody says a word.
    let silent = std::net::TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("bind a TCP port on loopback");
    let modern =
        trusting(&Certificates::of_this_run().authority, "tls_params: {tls_minimum_protocol_version: TLSv1_3}, ");
    let named = format!("sni: b.test, auto_sni_san_validation: true, {}", trusted());
    let clusters = [
        secured("stranger", good.address(), &trusting(&Certificates::of_another_authority(), "")),
        secured("expired", dead.address(), &trusting(&expired.authority, "")),
        secured("misnamed", good.address(), &named),
        secured("old", old.address(), &modern),
        secured("clear", clear.address, &trusted()),
        secured("closing", closing.address, &trusted()),
        secured("silent", silent.local_addr().expect("the address of a bound socket"), &trusted())
            .replace("connect_timeout: 20s", "connect_timeout: 0.3s"),
    ];
    let route =
        |case: &Case| format!("              - {{match: {{path: /{0}}}, route: {{cluster: {0}}}}}\n", case.cluster);
    let edge = edge(&clusters.concat(), &CASES.iter().map(route).collect::<String>()).await;
    let mut log = edge.process.log("access.log");
    let mut before = edge.process.stats().await;
    for version in Version::ALL {
        for Case { cluster, reason, counted } in CASES {
            let reply = edge.client(version).await.send(Request::post(&format!("/{cluster}"), "once")).await;
            let told = if *cluster == "silent" { "connection timeout" } else { "remote connection failure" };
            let text = format!("upstream connect error or disconnect/reset before headers. reset reason: {told}");
            assert_eq!((reply.status, reply.text()), (503, text), "{version:?} {cluster}");
            let line = log.lines(1).await.pop().expect("a line");
            let logged = line["reason"].as_str().unwrap_or_default();
            assert!(logged.starts_with(reason) && logged.is_empty() == reason.is_empty(), "{version:?} {line}");
            let reason = if logged.is_empty() { String::new() } else { format!("|{logged}") };
            let details = format!("upstream_reset_before_response_started{{{}{reason}}}", told.replace(' ', "_"));
            assert_eq!((&line["flags"], &line["details"]), (&"UF".into(), &details.into()), "{version:?} {line}");
            assert_eq!(line["tls"], "- - -", "{version:?} {line}");

            let after = edge.process.stats().await;
            let moved = after.since(&before);
            let ssl = |name: &&String| name.contains(&format!("cluster.{cluster}.ssl."));
            let of = |name: &str| moved.get(&format!("cluster.{cluster}.{name}")).copied().unwrap_or_default();
            for name in counted.iter().chain(&["upstream_cx_connect_fail", "upstream_cx_total", "upstream_cx_destroy"])
            {
                assert_eq!(of(name), 1, "{version:?} {cluster} {name} {moved:?}");
            }
            let expected = counted.iter().filter(|name| name.starts_with("ssl.")).count();
            assert_eq!(moved.keys().filter(ssl).count(), expected, "{version:?} {cluster} {moved:?}");
            before = after;
        }
    }
    for backend in [&good, &dead, &old] {
        assert!(backend.received().is_empty(), "nothing is sent before the handshake is complete");
    }
}

#[tokio::test]
async fn a_name_is_no_proof_where_nobody_is_trusted() {
    let backend = echo(Setup::default().configuration()).await;
    let edge = in_front_of(&altered("backend", backend.address(), "", "", "")).await;
    assert_eq!(edge.client(Version::Http1).await.send(Request::get("/")).await.status, 200);
    let said = edge.process.standard_error() + &edge.process.standard_output();
    assert!(said.contains("nothing of the upstream's certificate is verified"), "{said}");
}

/// RFC 8446 §4.4.2.4: in TLS 1.3 a server refuses a client when that has sent its first request already.
#[tokio::test]
async fn an_upstream_that_wants_a_certificate_and_gets_none_says_so_in_the_log() {
    for (setup, status, flags, details, reason) in [
        (
            wanting(TLS12_ONLY),
            503,
            "UF",
            "upstream_reset_before_response_started{remote_connection_failure|",
            "TLS_error:|received_fatal_alert:_CertificateRequired:TLS_error_end",
        ),
        (
            wanting(rustls::DEFAULT_VERSIONS),
            503,
            "UC",
            "upstream_reset_before_response_started{connection_termination|",
            "TLS_error:|received_fatal_alert:_CertificateRequired:TLS_error_end",
        ),
    ] {
        for version in Version::ALL {
            let backend = echo(setup.configuration()).await;
            let edge = in_front_of(&secured("backend", backend.address(), &trusted())).await;
            let reply = edge.client(version).await.send(Request::post("/", "once")).await;
            assert_eq!(reply.status, status, "{version:?}");
            let line = edge.process.log("access.log").lines(1).await.pop().expect("a line");
            assert_eq!(line["flags"], flags, "{version:?} {line}");
            assert_eq!(line["reason"], reason, "{version:?} {line}");
            assert_eq!(line["details"], format!("{details}{reason}}}"), "{version:?} {line}");
            assert_eq!(edge.process.stats().await.of("cluster.backend.ssl.connection_error"), 1, "{version:?}");
            // It was tried once, and never read.
            assert_eq!((backend.connections(), backend.received().len()), (1, 0), "{version:?}");
        }
    }
}

fn wanting(versions: &'static [&'static rustls::SupportedProtocolVersion]) -> Setup {
    Setup { versions, wants: Some(Certificates::of_this_run().authority.clone()), ..Setup::default() }
}

/// A request whose connection is closed in time goes on another, once.
#[tokio::test]
async fn a_connection_that_the_upstream_closes_while_it_waits_costs_no_request() {
    let configuration: Arc<ServerConfig> = Arc::new(Setup::default().configuration());
    let backend = Backend::secured(configuration, Script::echo).await;
    let edge = in_front_of(&secured("backend", backend.address(), &trusted())).await;
    for version in Version::ALL {
        let client = edge.client(version).await;
        let before = backend.received().len();
        for _ in 0..5 {
            assert_eq!(client.send(Request::post("/", "once")).await.status, 200, "{version:?}");
            backend.hang_up();
            let closed =
                async || (edge.process.stats().await.of("cluster.backend.upstream_cx_active") == 0).then_some(());
            until("the connection to be closed", closed).await;
        }
        assert_eq!(backend.received().len() - before, 5, "{version:?}");
    }
}
