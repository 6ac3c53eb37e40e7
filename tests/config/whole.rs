//! Faults of the text and faults of its meaning, told in one run: what `--mode validate` says, word for word.

use std::path::Path;

use quicgate::config::{Leniency, Report, Source};
use quicgate::server::validate;

fn check(text: &str, leniency: Leniency) -> Report {
    validate(&[Source::Text { name: "edge.yaml".to_owned(), text: text.to_owned() }], leniency, 1)
}

/// The report on a file of `whole/`, in which `${dir}` is a directory with two certificates and their keys.
fn report(name: &str) -> String {
    let directory = tempfile::tempdir().unwrap();
    for name in ["one", "other"] {
        let made = rcgen::generate_simple_self_signed([format!("{name}.test")]).unwrap();
        std::fs::write(directory.path().join(format!("{name}.crt")), made.cert.pem()).unwrap();
        std::fs::write(directory.path().join(format!("{name}.key")), made.signing_key.serialize_pem()).unwrap();
    }
    std::fs::write(directory.path().join("empty.pem"), "").unwrap();
    for (name, key) in [("sds.yaml", "one.key"), ("broken.yaml", "other.key")] {
        let root = directory.path().display();
        let secrets = if name == "sds.yaml" { SECRETS.to_owned() } else { SECRETS.replace("edge", "broken") };
        let text = format!(
            "{secrets}\n    certificate_chain: {{filename: {root}/one.crt}}\n    private_key: {{filename: {root}/{key}}}\n"
        );
        std::fs::write(directory.path().join(name), text).unwrap();
    }
    let text = std::fs::read_to_string(Path::new("tests/config/whole").join(name)).unwrap();
    let directory = directory.path().to_string_lossy().into_owned();
    check(&text.replace("${dir}", &directory), Leniency::default()).to_text(false).replace(&directory, "${dir}")
}

/// A file with two secrets, up to what is in the second.
const SECRETS: &str = "resources:
- \"@type\": type.googleapis.com/envoy.extensions.transport_sockets.tls.v3.Secret
  name: tickets
  session_ticket_keys: {keys: [{inline_string: short}]}
- \"@type\": type.googleapis.com/envoy.extensions.transport_sockets.tls.v3.Secret
  name: edge
  tls_certificate:";

macro_rules! whole {
    ($($name:ident: $file:literal),* $(,)?) => {$(
        #[test]
        fn $name() {
            insta::assert_snapshot!(stringify!($name), report($file));
        }
    )*};
}

whole! {
    references: "references.yaml",
    upgrades: "upgrades.yaml",
    certificates: "certificates.yaml",
    tls: "tls.yaml",
    client_certificates: "client_certificates.yaml",
    chains: "chains.yaml",
    upstream_tls: "upstream_tls.yaml",
    upstream_versions: "upstream_versions.yaml",
    announced: "announced.yaml",
    addresses: "addresses.yaml",
    no_effect: "no_effect.yaml",
    manager: "manager.yaml",
    quic: "quic.yaml",
    lint: "lint.yaml",
    everything_at_once: "everything_at_once.yaml",
    follow_ons: "follow_ons.yaml",
    misspelt: "misspelt.yaml",
    nameless: "nameless.yaml",
    durations: "durations.yaml",
    misplaced_types: "misplaced_types.yaml",
    listener_filters: "listener_filters.yaml",
    early_data: "early_data.yaml",
    secrets: "secrets.yaml",
}

#[test]
fn every_file_has_a_test() {
    let tested = include_str!("whole.rs");
    for file in std::fs::read_dir("tests/config/whole").unwrap() {
        let name = file.unwrap().file_name().into_string().unwrap();
        assert!(tested.contains(&format!("{name:?}")), "no test loads {name}");
    }
}

#[test]
fn an_unknown_field_passes_with_a_warning_where_that_is_asked_for() {
    let text = "nod: {id: a}\nstatic_resources: {}\n";
    assert!(check(text, Leniency::default()).has_errors());
    let report = check(text, Leniency { unknown_fields: true, ..Leniency::default() });
    assert!(!report.has_errors(), "{report}");
    insta::assert_snapshot!(report.to_text(false), @r"
    edge.yaml:1:1: warning: nod: unknown field `nod` in envoy.config.bootstrap.v3.Bootstrap
        1 | nod: {id: a}
          | ^^^
          did you mean `node`?
    ");
}

#[test]
fn deprecated_fields_pass_without_a_word_where_that_is_asked_for() {
    let text = "static_resources: {listeners: [{name: a, address: {socket_address: {address: 127.0.0.1, port_value: 0}}, filter_chains: [{filters: [{name: b, typed_config: {'@type': type.googleapis.com/envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager, stat_prefix: a, http_filters: [{name: r, typed_config: {'@type': type.googleapis.com/envoy.extensions.filters.http.router.v3.Router}}], route_config: {virtual_hosts: [{name: a, domains: ['*'], routes: [{match: {prefix: /, headers: [{name: x, exact_match: z}]}, direct_response: {status: 200}}]}]}}}]}]}]}";
    let said = |leniency| check(text, leniency).to_text(false);
    assert!(said(Leniency::default()).contains("`exact_match` is deprecated"), "{}", said(Leniency::default()));
    assert_eq!(said(Leniency { deprecated: true, ..Leniency::default() }), "");
}
