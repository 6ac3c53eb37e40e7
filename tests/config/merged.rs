//! One text over another: what is said once replaces, what is a list grows, and faults name the text they stand in.

use quicgate::config::proto::envoy::config::bootstrap::v3::Bootstrap;
use quicgate::config::proto::envoy::config::core::v3::Locality;
use quicgate::config::{Leniency, Loaded, Report, Source, read};

fn merge(base: &str, over: &str) -> Loaded {
    try_merge(base, over).unwrap_or_else(|report| panic!("{report}"))
}

fn try_merge(base: &str, over: &str) -> Result<Loaded, Report> {
    let text = |name: &str, text: &str| Source::Text { name: name.to_owned(), text: text.to_owned() };
    read(&[text("base.yaml", base), text("--config-yaml", over)], Leniency::default())
}

fn merged(base: &str, over: &str) -> Bootstrap {
    let loaded = merge(base, over);
    assert!(!loaded.report.has_errors(), "{}", loaded.report);
    loaded.bootstrap
}

#[test]
fn a_scalar_replaces_and_its_neighbours_stay() {
    let node = merged("node: {id: a, cluster: c}", "node: {id: b}").node.unwrap();
    assert_eq!((node.id.as_str(), node.cluster.as_str()), ("b", "c"));
}

#[test]
fn messages_merge_at_any_depth() {
    let node = merged("node: {locality: {region: r}}", "node: {locality: {zone: z}}").node.unwrap();
    let expected = Locality { region: "r".to_owned(), zone: "z".to_owned(), ..Locality::default() };
    assert_eq!(node.locality, Some(expected));
}

#[test]
fn a_list_is_appended_to_and_one_value_is_a_list_of_one() {
    let base = "static_resources: {clusters: [{name: a}, {name: b}]}";
    for over in ["static_resources: {clusters: [{name: c}]}", "staticResources: {clusters: {name: c}}"] {
        let clusters = merged(base, over).static_resources.unwrap().clusters;
        let names: Vec<&str> = clusters.iter().map(|cluster| cluster.name.as_str()).collect();
        assert_eq!(names, ["a", "b", "c"]);
    }
}

#[test]
fn keys_of_a_struct_are_put_together() {
    let node = merged("node: {metadata: {a: 1, b: 2}}", "node: {metadata: {b: 3, c: 4}}").node.unwrap();
    let fields = node.metadata.unwrap().fields;
    let numbers: Vec<_> = fields.iter().map(|(key, value)| format!("{key}={:?}", value.kind)).collect();
    assert_eq!(fields.len(), 3);
    assert!(numbers.contains(&"b=Some(NumberValue(3.0))".to_owned()), "{numbers:?}");
}

#[test]
fn the_other_arm_of_a_oneof_is_replaced() {
    // Both in one text exclude each other; one over the other does not.
    let base = "admin: {address: {socket_address: {address: 127.0.0.1, port_value: 1}}}";
    let over = "admin: {address: {socket_address: {port_value: 2}}}";
    let address = merged(base, over).admin.unwrap().address.unwrap();
    assert!(format!("{address:?}").contains("PortValue(2)"), "{address:?}");
    let report = merge(base, "admin: {address: {pipe: {path: /p}}}").report;
    assert!(report.to_text(false).starts_with("--config-yaml:1:19: admin.address.pipe: `pipe` is known"), "{report}");
    assert_eq!(report.diagnostics().len(), 1, "{report}");
}

#[test]
fn nothing_over_something_changes_nothing() {
    for over in ["node:", "node: {}", "{}", "node: {id: null}"] {
        assert_eq!(merged("node: {id: a}", over).node.unwrap().id, "a", "{over}");
    }
}

#[test]
fn the_rules_judge_the_whole() {
    // Neither text alone would do.
    let base = "admin: {address: {socket_address: {address: 127.0.0.1}}}";
    merged(base, "admin: {address: {socket_address: {port_value: 1}}}");
}

#[test]
fn each_fault_names_its_text() {
    let report =
        merge("nod: {}\nstatic_resources: {clusters: [{nme: a}]}", "static_resources:\n  clusters: [{nme: b}]").report;
    insta::assert_snapshot!("merged_faults", report.to_text(false));
}

#[test]
fn what_the_upper_text_says_twice_is_told() {
    let over = "node: {id: a}\nnode: {id: b}\nadmin: {address: {socket_address: {address: 127.0.0.1, port_value: 1, named_port: http}}}";
    for base in ["stats_flush_interval: 5s", "node: {id: c}\nadmin: {address: {socket_address: {port_value: 2}}}"] {
        let report = merge(base, over).report;
        let told: Vec<_> = report.diagnostics().iter().map(|fault| fault.path.clone()).collect();
        let told = |path: &str| told.iter().any(|told| told == path);
        assert!(told("node") && told("admin.address.socket_address.named_port"), "{report}");
    }
}

#[test]
fn every_text_that_cannot_be_read_is_told() {
    let report = try_merge("a: [", "b: ]").unwrap_err();
    let texts: Vec<_> = report.diagnostics().iter().map(|fault| fault.location.unwrap().text).collect();
    assert_eq!(texts, [0, 1], "{report}");
}
