//! The field as Envoy 1.40 wrote it for the same certificates.

use std::sync::Arc;
use std::time::SystemTime;

use proto::http_connection_manager::{ForwardClientCertDetails as Written, SetCurrentClientCertDetails};

use super::*;
use crate::observe::access_log::Link;

fn certificate(subject: &str, uris: &[&str], hosts: &[&str]) -> Arc<Certificate> {
    let link = Link { der: b"\xfb\xff".to_vec(), fingerprint: "0a1b".to_owned(), serial: String::new() };
    let mut certificate = Certificate::new(vec![link.clone(), link], SystemTime::UNIX_EPOCH, SystemTime::UNIX_EPOCH);
    subject.clone_into(&mut certificate.subject);
    "CN=root".clone_into(&mut certificate.issuer);
    certificate.uris = uris.iter().map(|uri| (*uri).to_owned()).collect();
    certificate.hosts = hosts.iter().map(|host| (*host).to_owned()).collect();
    Arc::new(certificate)
}

/// A connection whose client has shown this, or nothing.
fn tls(peer: Option<Arc<Certificate>>) -> Tls {
    Tls { peer, local: Some(certificate("CN=server", &["spiffe://edge/server"], &[])), ..Tls::default() }
}

fn known() -> Tls {
    tls(Some(certificate("O=Acme\\, Inc.", &["spiffe://a/client", "spiffe://b/c"], &["client.test", "*.w.test"])))
}

/// What goes upstream of a request with these lines.
fn passed(forward: Written, details: SetCurrentClientCertDetails, tls: Option<&Tls>, lines: &[&str]) -> Vec<String> {
    let mut written = proto::HttpConnectionManager {
        set_current_client_cert_details: Some(details),
        ..proto::HttpConnectionManager::default()
    };
    written.set_forward_client_cert_details(forward);
    let mut headers = HeaderMap::new();
    for line in lines {
        headers.append(FIELD, line.parse().unwrap());
    }
    ClientCert::of(&written).apply(&mut headers, tls, &OnceLock::new());
    headers.get_all(FIELD).iter().map(|value| value.to_str().unwrap().to_owned()).collect()
}

fn names() -> SetCurrentClientCertDetails {
    SetCurrentClientCertDetails { subject: Some(true), uri: true, dns: true, ..SetCurrentClientCertDetails::default() }
}

const OWN: &str = "By=spiffe://edge/server;Hash=0a1b;Subject=\"O=Acme\\, Inc.\";URI=spiffe://a/client;URI=spiffe://b/c;DNS=client.test;DNS=*.w.test";

#[test]
fn what_came_is_kept_where_the_client_is_known() {
    let both = format!("a=1,{OWN}");
    for (forward, of_known, of_unknown) in [
        (Written::Sanitize, "", ""),
        (Written::ForwardOnly, "a=1", ""),
        (Written::AppendForward, both.as_str(), ""),
        (Written::SanitizeSet, OWN, ""),
        (Written::AlwaysForwardOnly, "a=1", "a=1"),
    ] {
        let with = |tls: Option<&Tls>| passed(forward, names(), tls, &["a=1"]).join("|");
        assert_eq!(with(Some(&known())), of_known, "{forward:?}");
        assert_eq!(with(Some(&tls(None))), of_unknown, "{forward:?}");
        assert_eq!(with(None), of_unknown, "{forward:?}, in clear");
    }
}

#[test]
fn several_lines_become_one_and_the_own_element_is_the_last() {
    let lines = passed(Written::AppendForward, names(), Some(&known()), &["a=1", "b=2"]);
    assert_eq!(lines, [format!("a=1,b=2,{OWN}")]);
}

#[test]
fn every_detail_has_its_pair() {
    let all = SetCurrentClientCertDetails { cert: true, chain: true, issuer: true, ..names() };
    let pem = "-----BEGIN%20CERTIFICATE-----%0A%2B/8%3D%0A-----END%20CERTIFICATE-----%0A".replace('/', "%2F");
    let expected = OWN.replace(";Subject", &format!(";Cert=\"{pem}\";Chain=\"{pem}{pem}\";Subject"));
    let expected = expected + ";Issuer=\"CN=root\"";
    assert_eq!(passed(Written::SanitizeSet, all, Some(&known()), &[]), [expected]);
    let none = SetCurrentClientCertDetails::default();
    assert_eq!(passed(Written::SanitizeSet, none, Some(&known()), &[]), ["By=spiffe://edge/server;Hash=0a1b"]);
    // A URI is said even where there is none, as is a subject.
    let bare = tls(Some(certificate("", &[], &[])));
    let expected = "By=spiffe://edge/server;Hash=0a1b;Subject=\"\";URI=";
    assert_eq!(passed(Written::SanitizeSet, names(), Some(&bare), &[]), [expected]);
}

#[test]
fn a_name_cannot_pretend_to_be_another_element() {
    let cunning = tls(Some(certificate("", &["spiffe://a,By=x;Hash=y\"", "spiffe://b\nc"], &[])));
    let uri = SetCurrentClientCertDetails { uri: true, ..SetCurrentClientCertDetails::default() };
    assert_eq!(passed(Written::SanitizeSet, uri, Some(&cunning), &["a=1"]), [""; 0]);
    let cunning = tls(Some(certificate("", &["spiffe://a,By=x;Hash=y\""], &[])));
    let expected = "By=spiffe://edge/server;Hash=0a1b;URI=\"spiffe://a,By=x;Hash=y\\\"\"";
    assert_eq!(passed(Written::SanitizeSet, uri, Some(&cunning), &["a=1"]), [expected]);
}
