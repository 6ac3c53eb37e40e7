//! What the support table calls applied changes what is built.
//!
//! The files of `tests/config/applied` set every applied field. For each of them one value is changed or left out and the
//! file is built again: what comes out has to differ in what was built, not only in the text. The few fields of which that
//! cannot be said stand in [`LABELS`], [`BUILD_REFUSES`] and [`WALK_REFUSES`], with the reason.

mod change;
mod occurrence;

use std::collections::{BTreeMap, HashMap};
use std::path::Path;

use p12_keystore::{KeyStore, KeyStoreEntry, PrivateKey, PrivateKeyChain};
use rcgen::{CertificateParams, KeyPair};
use serde_json::Value;
use tempfile::TempDir;

use self::change::{Change, changes};
use self::occurrence::{Occurrence, occurrences};
use super::boot;
use crate::config::{self, Leniency, Source};

/// Names that tell a person or a management server what is meant, here as in Envoy. `/config_dump` shows them, and nothing
/// else comes of them.
const LABELS: [&str; 7] = [
    "envoy.config.accesslog.v3.AccessLog.name",
    "envoy.config.endpoint.v3.ClusterLoadAssignment.cluster_name",
    "envoy.config.listener.v3.Filter.name",
    "envoy.config.listener.v3.ListenerFilter.name",
    "envoy.config.core.v3.TypedExtensionConfig.name",
    "envoy.config.core.v3.TransportSocket.name",
    "envoy.extensions.filters.network.http_connection_manager.v3.HttpFilter.name",
];

/// Fields that decide whether something can be built: with another value, or without, nothing is built at all.
const BUILD_REFUSES: [&str; 11] = [
    // Another key does not belong to the certificate.
    "envoy.extensions.transport_sockets.tls.v3.TlsCertificate.private_key",
    // Nor does another password open it.
    "envoy.extensions.transport_sockets.tls.v3.TlsCertificate.password",
    // What refers to the secret would refer to nothing.
    "envoy.extensions.transport_sockets.tls.v3.Secret.name",
    // There is no other listener filter for TCP yet.
    "envoy.extensions.filters.listener.tls_inspector.v3.TlsInspector.",
    // A listener on the other protocol needs another transport socket.
    "envoy.config.core.v3.SocketAddress.protocol",
    // The router ends the chain, and there is no other filter yet.
    "envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager.http_filters",
    "envoy.extensions.filters.network.http_connection_manager.v3.HttpFilter.typed_config",
    "envoy.extensions.filters.http.router.v3.Router.",
    // HTTP/3 needs another transport socket.
    "envoy.extensions.transport_sockets.raw_buffer.v3.RawBuffer.",
    // These say themselves what is refused.
    "envoy.config.route.v3.RouteConfiguration.validate_clusters",
    "envoy.config.route.v3.RouteConfiguration.max_direct_response_body_size_bytes",
];

/// Enums of which one value is supported yet: with another the configuration is refused. And what cannot be left out.
const WALK_REFUSES: [&str; 14] = [
    // There is one way to write names of fields.
    "envoy.config.core.v3.Http1ProtocolOptions.HeaderKeyFormat.proper_case_words",
    "envoy.config.core.v3.Http1ProtocolOptions.HeaderKeyFormat.ProperCaseWords.",
    // A filter has to say what it is.
    "envoy.config.accesslog.v3.AccessLogFilter.not_health_check_filter",
    "envoy.config.accesslog.v3.NotHealthCheckFilter.",
    // An extension has to say what it is.
    "envoy.extensions.early_data.v3.DefaultEarlyDataPolicy.",
    // So does a route what it is for.
    "envoy.config.route.v3.RouteMatch.connect_matcher",
    "envoy.config.route.v3.RouteMatch.ConnectMatcher.",
    "envoy.config.core.v3.ConfigSource.resource_api_version",
    "envoy.config.core.v3.ApiVersion.AUTO",
    "envoy.config.core.v3.ApiVersion.V3",
    "envoy.config.cluster.v3.Cluster.type",
    "envoy.config.cluster.v3.Cluster.lb_policy",
    "envoy.config.cluster.v3.Cluster.DiscoveryType.STATIC",
    "envoy.config.cluster.v3.Cluster.LbPolicy.ROUND_ROBIN",
];

/// Messages of files that a configuration refers to: no configuration sets their fields.
const ELSEWHERE: [&str; 1] = ["envoy.service.discovery.v3.DiscoveryResponse"];

/// What came of a change, the strongest last.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Effect {
    /// What was built is the same.
    Nothing,
    /// The walk refused it.
    WalkRefused,
    /// The build refused it.
    BuildRefused,
    /// Something else was built.
    OtherBuilt,
}

/// A configuration, what it sets, and what is built of it.
struct File {
    tree: Value,
    built: String,
    occurrences: Vec<Occurrence>,
    seen: HashMap<String, Effect>,
}

impl File {
    fn read(path: &Path, directory: &Path) -> Self {
        let text = std::fs::read_to_string(path).unwrap().replace("${dir}", &directory.display().to_string());
        let tree: Value = serde_yaml::from_str(&text).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        let built = build(&tree).unwrap_or_else(|report| panic!("{}: {report}", path.display()));
        let occurrences = occurrences(&tree);
        Self { tree, built, occurrences, seen: HashMap::new() }
    }

    /// What comes of a change.
    fn effect(&mut self, change: &Change) -> Effect {
        let tree = change.of(&self.tree);
        let built = &self.built;
        *self.seen.entry(tree.to_string()).or_insert_with(|| match build(&tree) {
            Ok(other) if other == *built => Effect::Nothing,
            Ok(_) => Effect::OtherBuilt,
            Err(_) if is_well_formed(&tree) => Effect::BuildRefused,
            Err(_) => Effect::WalkRefused,
        })
    }

    /// What comes of changes of the field where the file sets it; nothing after one that has something else built.
    fn effects(&mut self, message: &str, name: &str) -> Vec<Effect> {
        let here = self.occurrences.iter().filter(|found| found.is_of(message, name));
        let changes: Vec<_> = here.flat_map(|found| changes(found, &self.occurrences, &self.tree)).collect();
        let mut effects = Vec::new();
        for change in changes {
            effects.push(self.effect(&change));
            if effects.last() == Some(&Effect::OtherBuilt) {
                break;
            }
        }
        effects
    }
}

fn source(tree: &Value) -> Source {
    Source::Text { name: "changed".to_owned(), text: tree.to_string() }
}

/// What is built of a configuration, as text. Maps are printed in an order of their own, so the lines are sorted: text that
/// differs was built differently.
fn build(tree: &Value) -> Result<String, config::Report> {
    let built = boot::build(&[source(tree)], Leniency::default(), 1)?;
    let node = &built.bootstrap.node;
    let text = format!("{:#?}\n{:#?}\n{:#?}\n{:#?}", built.listeners, built.clusters, built.admin, built.stats);
    let mut lines: Vec<_> = text.lines().collect();
    lines.sort_unstable();
    Ok(format!("{node:#?}\n{}", lines.join("\n")))
}

fn is_well_formed(tree: &Value) -> bool {
    config::read(&[source(tree)], Leniency::default()).is_ok_and(|loaded| !loaded.report.has_errors())
}

/// The files that the configurations name; beside each another one whose name has an `x` more.
fn directory() -> TempDir {
    let directory = tempfile::tempdir().unwrap();
    let write = |name: &str, text: &str| std::fs::write(directory.path().join(name), text).unwrap();
    let key = KeyPair::generate().unwrap();
    let certificate = || {
        let mut parameters = CertificateParams::new(vec!["localhost".to_owned()]).unwrap();
        // Of which the OCSP response in `tls.yaml` speaks.
        parameters.serial_number = Some(vec![0x17, 0x2a, 0x3b, 0x4c].into());
        parameters.self_signed(&key).unwrap().pem()
    };
    write("server.key", &key.serialize_pem());
    write("server.keyx", &KeyPair::generate().unwrap().serialize_pem());
    for (name, text) in [("server.crt", certificate()), ("server.crtx", certificate())] {
        write(name, &text);
    }
    for (name, byte) in [("ticket.key", 1), ("ticket.keyx", 2)] {
        std::fs::write(directory.path().join(name), [byte; 80]).unwrap();
    }
    for name in ["sds.yaml", "sds.yamlx"] {
        write(name, &delivered(&directory.path().display().to_string()));
    }
    for name in ["server.p12", "server.p12x"] {
        std::fs::write(directory.path().join(name), pkcs12(&key)).unwrap();
    }
    for name in ["clients", "clientsx"] {
        let (authority, list) = clients();
        write(&format!("{name}.crt"), &authority);
        write(&format!("{name}.crl"), &list);
    }
    for (name, other) in [("clients.crt", "clients.crtx"), ("clients.crl", "clients.crlx")] {
        std::fs::copy(directory.path().join(name.replace("clients", "clientsx")), directory.path().join(other))
            .unwrap();
    }
    for name in ["qlog", "qlogx"] {
        std::fs::create_dir(directory.path().join(name)).unwrap();
    }
    // Larger than a direct response is by default.
    write("text", &"a text\n".repeat(1000));
    write("textx", "another text\n");
    directory
}

/// An authority, and a list of what it has revoked.
fn clients() -> (String, String) {
    let mut parameters = CertificateParams::default();
    parameters.is_ca = rcgen::IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
    let authority = rcgen::CertifiedIssuer::self_signed(parameters, KeyPair::generate().unwrap()).unwrap();
    let list = rcgen::CertificateRevocationListParams {
        this_update: rcgen::date_time_ymd(2020, 1, 1),
        next_update: rcgen::date_time_ymd(2099, 1, 1),
        crl_number: rcgen::SerialNumber::from(1),
        issuing_distribution_point: None,
        revoked_certs: Vec::new(),
        key_identifier_method: rcgen::KeyIdMethod::Sha256,
    };
    (authority.pem(), list.signed_by(&authority).unwrap().pem().unwrap())
}

/// A file with two secrets.
fn delivered(directory: &str) -> String {
    let secret = |name: &str| {
        format!(
            "- \"@type\": type.googleapis.com/envoy.extensions.transport_sockets.tls.v3.Secret
  name: {name}
  tls_certificate:
    certificate_chain: {{filename: \"{directory}/server.crt\"}}
    private_key: {{filename: \"{directory}/server.key\"}}
"
        )
    };
    format!("resources:\n{}{}", secret("delivered"), secret("deliveredx"))
}

/// A key with a certificate of its own, under the password of `tls.yaml`.
fn pkcs12(key: &KeyPair) -> Vec<u8> {
    let certificate = CertificateParams::new(vec!["a.test".to_owned()]).unwrap().self_signed(key).unwrap();
    let certificate = p12_keystore::Certificate::from_der(certificate.der()).unwrap();
    let key = PrivateKey::from_der(&key.serialize_der()).unwrap();
    let mut store = KeyStore::new();
    store.add_entry("edge", KeyStoreEntry::PrivateKeyChain(PrivateKeyChain::new(vec![1], key, [certificate])));
    store.writer("open sesame").write().unwrap()
}

fn files(directory: &Path) -> Vec<File> {
    let applied = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/config/applied");
    let paths: Vec<_> = std::fs::read_dir(applied).unwrap().map(|entry| entry.unwrap().path()).collect();
    paths.iter().map(|path| File::read(path, directory)).collect()
}

/// The effect that a field has to have.
fn expected(field: &str) -> Effect {
    let is_in = |list: &[&str]| list.contains(&field);
    match () {
        () if is_in(&LABELS) => Effect::Nothing,
        () if is_in(&BUILD_REFUSES) => Effect::BuildRefused,
        () if is_in(&WALK_REFUSES) => Effect::WalkRefused,
        () => Effect::OtherBuilt,
    }
}

#[test]
fn what_is_built_twice_is_the_same() {
    let directory = directory();
    for file in files(directory.path()) {
        assert_eq!(build(&file.tree).as_ref().ok(), Some(&file.built));
    }
}

#[test]
fn every_applied_field_changes_what_is_built() {
    let directory = directory();
    let mut files = files(directory.path());
    let mut wrong = Vec::new();
    let mut counts = BTreeMap::new();
    let here = config::support_lines().filter(|line| line.status == "applied" && !ELSEWHERE.contains(&line.name));
    for line in here {
        // An extension without fields is one by itself.
        let names = if line.names.is_empty() { vec![""] } else { line.names.split_whitespace().collect() };
        for name in names {
            let field = format!("{}.{name}", line.name);
            let effects: Vec<_> = files.iter_mut().flat_map(|file| file.effects(line.name, name)).collect();
            let (Some(weakest), Some(strongest)) = (effects.iter().min(), effects.iter().max()) else {
                wrong.push(format!("{field}: no file of tests/config/applied sets it"));
                continue;
            };
            // Of a label some are required, so that leaving it out is refused.
            let is_label = *weakest == Effect::Nothing && *strongest < Effect::OtherBuilt;
            let effect = if is_label && LABELS.contains(&&*field) { Effect::Nothing } else { *strongest };
            if effect == expected(&field) {
                *counts.entry(effect).or_insert(0) += 1;
            } else {
                wrong.push(format!("{field}: {effect:?}, not {:?}", expected(&field)));
            }
        }
    }
    assert!(wrong.is_empty(), "{} fields do not do what the table says:\n{}", wrong.len(), wrong.join("\n"));
    let listed = (LABELS.len(), BUILD_REFUSES.len(), WALK_REFUSES.len());
    let found = |effect| counts.get(&effect).copied().unwrap_or(0);
    assert_eq!(listed, (found(Effect::Nothing), found(Effect::BuildRefused), found(Effect::WalkRefused)));
}
