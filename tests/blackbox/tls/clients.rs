//! Certificates of clients: who is let in and who is not, alike over every version, fresh and with a session.

use std::collections::BTreeMap;

use super::gate::{Door, Gate, client};
use super::papers::{Authority, Paper, dns, expired, inline, of_a_server};
use crate::support::client::Version;
use crate::support::message::Request;

/// What comes of a client with one of these.
struct Row {
    what: &'static str,
    paper: Option<Paper>,
    /// Why it is refused, as the log says it, and what counts that.
    refused: Option<(&'static str, &'static str)>,
}

fn rows(authority: &Authority) -> Vec<Row> {
    let (strange, namesake) = (Authority::named("strangers"), Authority::named("clients"));
    let named = || vec![dns("client.test")];
    let row = |what, paper, refused| Row { what, paper, refused };
    vec![
        row("good", Some(authority.sign("good", named(), |_| ())), None),
        row("none", None, Some(("a_certificate_is_required,_and_none_was_shown", "fail_verify_no_cert"))),
        row(
            "of another authority",
            Some(strange.sign("stranger", named(), |_| ())),
            Some(("the_certificate_has_an_issuer_that_is_not_trusted", "fail_verify_error")),
        ),
        row(
            "of an authority with the same name",
            Some(namesake.sign("stranger", named(), |_| ())),
            Some(("the_certificate_is_not_signed_by_its_issuer", "fail_verify_error")),
        ),
        row(
            "expired",
            Some(authority.sign("old", named(), expired)),
            Some(("the_certificate_has_expired,_or_an_authority_above_it_has", "fail_verify_error")),
        ),
        row(
            "revoked",
            Some(authority.sign("revoked", named(), |parameters| parameters.serial_number = Some(REVOKED.into()))),
            Some(("the_certificate_is_revoked", "fail_verify_error")),
        ),
        row(
            "for another name",
            Some(authority.sign("other", vec![dns("other.test")], |_| ())),
            Some(("the_certificate_has_none_of_the_names_that_are_asked_for:_it_has_other.test", "fail_verify_san")),
        ),
        row(
            "for servers",
            Some(authority.sign("server", named(), of_a_server)),
            Some(("the_certificate_is_for_another_purpose", "fail_verify_error")),
        ),
    ]
}

const REVOKED: u64 = 4711;

/// Doors with the same context: one requires a certificate, one does not; and one that lets everybody in.
fn doors(authority: &Authority) -> [Door; 4] {
    let list = authority.list(&[REVOKED]);
    let trust = format!("trusted_ca: {}, crl: {}", inline(&authority.pem()), inline(&list));
    let names = "match_typed_subject_alt_names: [{san_type: DNS, matcher: {exact: client.test}}]";
    [
        Door::with("required", true, &format!("{trust}, {names}")),
        Door::with("optional", false, &trust),
        Door::with("lenient", false, &format!("{trust}, trust_chain_verification: ACCEPT_UNTRUSTED")),
        Door { name: "open", ..Door::default() },
    ]
}

/// What was counted for a listener, under `ssl`.
async fn counted(gate: &Gate, listener: &str, before: &BTreeMap<String, i64>) -> BTreeMap<String, i64> {
    let prefix = format!("listener.{listener}.ssl.");
    let stats = gate.process.stats().await.0;
    let own = stats.iter().filter_map(|(name, value)| Some((name.strip_prefix(&prefix)?.to_owned(), *value)));
    own.map(|(name, value)| (name.clone(), value - before.get(&name).copied().unwrap_or_default()))
        .filter(|(name, value)| *value != 0 && !name.contains('.'))
        .collect()
}

#[tokio::test]
async fn a_client_is_let_in_or_refused_alike_on_every_version() {
    let authority = Authority::named("clients");
    let gate = Gate::start(&doors(&authority)).await;
    let mut log = gate.process.log("connections.log");
    for Row { what, paper, refused } in rows(&authority) {
        for door in ["required", "optional"] {
            for version in Version::ALL {
                // Fresh; with a session of the same door; with one of a door that lets everybody in, or asks nobody.
                for first in [None, Some(door), Some("lenient"), Some("open")] {
                    let case = format!("{what}, {door}, {version:?}, first {first:?}");
                    let tls = client(paper.as_ref(), version);
                    if let Some(first) = first {
                        let served = gate.ask(first, version, &tls, Request::get("/")).await;
                        assert!(first == door || served.is_some(), "{case}");
                        log.lines(1).await;
                    }
                    let refused = match what {
                        "none" | "for another name" if door == "optional" => None,
                        _ => refused,
                    };
                    let listener = Gate::listener(door, version);
                    let before = counted(&gate, &listener, &BTreeMap::new()).await;
                    let reply = gate.ask(door, version, &tls, Request::get("/")).await;
                    assert_eq!(reply.is_some(), refused.is_none(), "{case}");
                    let line = log.lines(1).await.remove(0);
                    let said = line["reason"].as_str().unwrap_or_default();
                    let after = counted(&gate, &listener, &before).await;
                    let expected = if let Some((reason, counter)) = refused {
                        assert!(said.contains(reason), "{case}: {said}");
                        vec![(counter, 1)]
                    } else {
                        assert_eq!(said, "", "{case}");
                        let resumed = first == Some(door);
                        let counted =
                            [("handshake", true), ("no_certificate", paper.is_none()), ("session_reused", resumed)];
                        counted.into_iter().filter(|(_, counts)| *counts).map(|(name, _)| (name, 1)).collect()
                    };
                    let after: Vec<_> = after.iter().map(|(name, count)| (name.as_str(), *count)).collect();
                    assert_eq!(after, expected, "{case}");
                }
            }
        }
    }
}
