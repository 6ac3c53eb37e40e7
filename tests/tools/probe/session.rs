//! TLS facts, resumption and 0-RTT.

use std::sync::Arc;

use http::StatusCode;
use quicgate::probe::Outcome;
use rustls::server::StoresServerSessions;
use serde_json::{Value, json};

use super::{allow_early_data, field, probe};
use crate::rig::{H3Server, Habits, Identity, TlsServer};

#[tokio::test]
async fn alpn_prefers_http2_and_the_session_is_resumed() {
    let identity = Identity::new();
    let server = TlsServer::start(identity.server_config(&["h2", "http/1.1"], |_| {})).await;
    let (outcome, report) = probe(&["--cacert", identity.ca_file(), &server.url("/trailers")]).await;
    assert_eq!(outcome, Outcome::Ok, "{report}");
    assert_eq!(report["version"], "HTTP/2");
    let tls = &report["tls"];
    assert_eq!((&tls["version"], &tls["alpn"], &tls["verified"]), (&json!("TLSv1.3"), &json!("h2"), &json!(true)));
    assert_eq!(tls["key_exchange"], "X25519MLKEM768");
    assert!(tls["cipher_suite"].as_str().unwrap().starts_with("TLS13_"), "{tls}");
    assert_eq!(tls["certificate"]["names"], json!(["localhost", "127.0.0.1", "::1"]));
    assert_eq!(report["resumption"], json!({"result": "resumed"}));
    assert_eq!(report["body"], format!("GET {}", server.address));
    assert_eq!((field(&report, "headers", "server"), field(&report, "trailers", "x-sum")), ("rig", "42"));
    let second = json!({"protocol": "h2", "host": "alt.example", "port": 443, "max_age_s": 86400, "persist": false});
    assert_eq!(report["alt_svc"]["alternatives"][0]["protocol"], "h3");
    assert_eq!(report["alt_svc"]["alternatives"][1], second);
}

#[tokio::test]
async fn tls12_sessions_are_resumed_too() {
    let identity = Identity::new();
    let server = TlsServer::start(identity.tls12_config(&["h2"])).await;
    let (outcome, report) = probe(&["--cacert", identity.ca_file(), &server.url("/")]).await;
    assert_eq!((outcome, &report["tls"]["version"]), (Outcome::Ok, &json!("TLSv1.2")), "{report}");
    assert_eq!(report["resumption"]["result"], "resumed");
}

#[tokio::test]
async fn a_server_without_sessions_is_told_from_one_that_forgets_them() {
    let identity = Identity::new();
    let no_tickets = identity.server_config(&["h2"], |config| config.send_tls13_tickets = 0);
    // Its tickets are handles for a store that keeps nothing.
    let forgets = identity.server_config(&["h2"], forget_sessions);
    for (config, result) in [(no_tickets, "no_session"), (forgets, "full_handshake")] {
        let server = TlsServer::start(config).await;
        let (outcome, report) = probe(&["--cacert", identity.ca_file(), &server.url("/")]).await;
        assert_eq!((outcome, &report["resumption"]["result"]), (Outcome::Ok, &json!(result)), "{report}");
    }
}

#[tokio::test]
async fn http3_with_resumption_and_0rtt() {
    let identity = Identity::new();
    let server = H3Server::start(identity.server_config(&["h3"], allow_early_data), Habits::default());
    let (outcome, report) = probe(&["--http3", "--cacert", identity.ca_file(), &server.url("/trailers")]).await;
    assert_eq!(outcome, Outcome::Ok, "{report}");
    assert_eq!((&report["version"], &report["transport"]), (&json!("HTTP/3"), &json!("udp")));
    let tls = &report["tls"];
    assert_eq!((&tls["version"], &tls["alpn"], &tls["verified"]), (&json!("TLSv1.3"), &json!("h3"), &json!(true)));
    assert_eq!(tls["key_exchange"], "X25519MLKEM768");
    assert!(tls["cipher_suite"].as_str().unwrap().starts_with("TLS13_"), "{tls}");
    assert_eq!(tls["certificate"]["names"], json!(["localhost", "127.0.0.1", "::1"]));
    assert_eq!(report["resumption"], json!({"result": "resumed"}));
    assert_eq!(report["early_data"], json!({"result": "accepted", "status": 200}));
    assert_eq!(report["body"], format!("GET {}", server.address));
    assert_eq!((field(&report, "headers", "server"), field(&report, "trailers", "x-sum")), ("rig", "42"));
}

#[tokio::test]
async fn rfc8470_4_a_request_that_is_not_safe_is_sent_once() {
    let identity = Identity::new();
    let server = H3Server::start(identity.server_config(&["h3"], allow_early_data), Habits::default());
    let arguments = ["--http3", "--cacert", identity.ca_file(), "-d", "data", &server.url("/echo")];
    let (outcome, report) = probe(&arguments).await;
    assert_eq!((outcome, &report["body"]), (Outcome::Ok, &json!("data")), "{report}");
    assert_eq!(
        (&report["resumption"]["result"], &report["early_data"]["result"]),
        (&json!("resumed"), &json!("unsafe"))
    );
}

#[tokio::test]
async fn what_became_of_0rtt_is_told_apart() {
    let identity = Identity::new();
    let early = || identity.server_config(&["h3"], allow_early_data);
    let later = |config| Habits { later: Some(config), ..Habits::default() };
    let first = early();
    // The same sessions, but no early data any more.
    let refusing =
        identity.server_config(&["h3"], |config| config.session_storage = Arc::clone(&first.session_storage));
    let too_early = Habits { later_status: Some(StatusCode::TOO_EARLY), ..Habits::default() };
    let no_tickets = identity.server_config(&["h3"], |config| config.send_tls13_tickets = 0);
    let table = [
        (identity.server_config(&["h3"], |_| {}), Habits::default(), "resumed", json!({"result": "not_offered"})),
        (first, later(refusing), "resumed", json!({"result": "rejected"})),
        (early(), later(early()), "full_handshake", json!({"result": "rejected"})),
        (early(), too_early, "resumed", json!({"result": "accepted", "status": 425})),
        (no_tickets, Habits::default(), "no_session", Value::Null),
    ];
    for (config, habits, resumption, early_data) in table {
        let server = H3Server::start(config, habits);
        let (outcome, report) = probe(&["--http3", "--cacert", identity.ca_file(), &server.url("/")]).await;
        assert_eq!(outcome, Outcome::Ok, "{report}");
        assert_eq!((&report["resumption"]["result"], &report["early_data"]), (&json!(resumption), &early_data));
    }
}

fn forget_sessions(config: &mut rustls::ServerConfig) {
    config.session_storage = Arc::new(Forgetful);
}

/// Takes every session and gives none back.
#[derive(Debug)]
struct Forgetful;

impl StoresServerSessions for Forgetful {
    fn put(&self, _: Vec<u8>, _: Vec<u8>) -> bool {
        true
    }

    fn get(&self, _: &[u8]) -> Option<Vec<u8>> {
        None
    }

    fn take(&self, _: &[u8]) -> Option<Vec<u8>> {
        None
    }

    fn can_cache(&self) -> bool {
        true
    }
}
