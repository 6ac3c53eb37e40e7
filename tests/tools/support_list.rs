//! `quicgate config support`: the list that says what is applied, warned about and refused.

use std::process::Output;

use crate::support::program::Gateway;

fn list(arguments: &[&str]) -> Output {
    Gateway::command().args(["config", "support"]).args(arguments).output().unwrap()
}

fn said(arguments: &[&str]) -> String {
    let output = list(arguments);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

fn objects(arguments: &[&str]) -> Vec<serde_json::Value> {
    said(arguments).lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

#[test]
fn a_person_sees_every_field_under_its_message() {
    let text = said(&["envoy.config.listener.v3.FilterChain"]);
    let mut lines = text.lines();
    assert_eq!(lines.next(), Some("envoy.config.listener.v3.FilterChain"));
    assert!(text.contains("\n  in part          filters: not more than one network filter\n"), "{text}");
    assert!(text.contains("\n  not implemented  use_proxy_proto "), "{text}");
    // All whose name begins so.
    assert!(text.contains("\nenvoy.config.listener.v3.FilterChainMatch\n"), "{text}");
    assert!(text.contains("\n2 messages and enums: "), "{text}");
    assert!(!text.contains('\x1b'), "{text}");
}

#[test]
fn a_program_gets_one_object_a_field() {
    let fields = objects(&["--format", "json", "config.listener.v3"]);
    let of_type = |kind: &str, name: &str| {
        let kind = format!("envoy.config.listener.v3.{kind}");
        let found = fields.iter().find(|field| field["type"] == *kind && field["name"] == name);
        found.unwrap_or_else(|| panic!("no {kind}.{name}"))
    };
    let of = |name| of_type("Listener", name);
    assert_eq!(of("address")["status"], "applied");
    assert_eq!(of_type("FilterChain", "filters")["status"], "partly");
    assert_eq!(of("enable_reuse_port")["status"], "ignored");
    assert!(of("enable_reuse_port")["because"].as_str().unwrap().contains("worker"));
    assert_eq!(of("use_original_dst")["status"], "not-implemented");
}

#[test]
fn a_field_is_found_by_its_name_and_the_list_narrowed_by_status() {
    let fields = objects(&["--format", "json", "--status", "applied", "idle_timeout"]);
    assert!(fields.len() > 3, "{fields:?}");
    for field in &fields {
        assert!(field["name"].as_str().unwrap().contains("idle_timeout"), "{field}");
        assert_eq!(field["status"], "applied", "{field}");
    }
    let values = objects(&["--format", "json", "--status", "not-implemented", "Cluster.LbPolicy"]);
    assert!(values.iter().any(|value| value["name"] == "MAGLEV"), "{values:?}");
}

#[test]
fn what_the_list_says_is_what_a_configuration_gets() {
    // The list and the loader read one table: one field of each status, through the loader.
    for (field, status) in [("enable_reuse_port", "has no effect"), ("freebind", "not implemented")] {
        let yaml = format!("static_resources: {{listeners: [{{{field}: true}}]}}");
        let output = Gateway::command().args(["--mode", "validate", "--config-yaml", &yaml]).output().unwrap();
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(said.lines().any(|line| line.contains(field) && line.contains(status)), "{said}");
    }
}

#[test]
fn a_name_that_is_not_there_is_told() {
    let output = list(&["no_such_field"]);
    assert_eq!(output.status.code(), Some(1));
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(said.contains("`no_such_field`") && said.contains("not implemented"), "{said}");
}
