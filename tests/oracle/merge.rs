//! `--config-yaml` over a file: both programs have to come to the same bootstrap.

use serde_json::Value;

use crate::support::process::Process;
use crate::support::program::{Gateway, Program};

const BASE: &str = r#"
node: {id: base, cluster: c, locality: {region: r, zone: a}, metadata: {one: "1", two: "2"}}
static_resources:
  listeners:
  - name: first
    address: {socket_address: {address: 127.0.0.1, port_value: 0}}
    filter_chains:
    - filters:
      - name: envoy.filters.network.http_connection_manager
        typed_config:
          "@type": type.googleapis.com/envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager
          stat_prefix: first
          http_filters:
          - name: envoy.filters.http.router
            typed_config: {"@type": type.googleapis.com/envoy.extensions.filters.http.router.v3.Router}
          route_config: {virtual_hosts: [{name: all, domains: ["*"], routes: [{match: {prefix: /}, route: {cluster: b}}]}]}
  clusters:
  - name: a
    connect_timeout: 1s
"#;

/// A route of the file leads to a cluster that only the text on the command line has.
const OVER: &[&str] = &[
    "--config-yaml",
    r#"{node: {id: over, locality: {zone: z}, metadata: {two: "3", three: "4"}}, stats_flush_interval: 7s,
        static_resources: {clusters: [{name: b, connect_timeout: 2s}]}}"#,
];

#[tokio::test]
async fn a_text_is_merged_over_a_file_as_by_envoy() {
    let Some(envoy) = crate::envoy() else { return };
    let ours = bootstrap(&Program { arguments: OVER, ..Gateway::program() }).await;
    let arguments = [envoy.arguments, OVER].concat().leak();
    let theirs = bootstrap(&Program { arguments, ..envoy }).await;
    for part in ["/node/id", "/node/cluster", "/node/locality", "/node/metadata", "/stats_flush_interval"] {
        assert_eq!(ours.pointer(part), theirs.pointer(part), "{part}");
        assert!(ours.pointer(part).is_some(), "{part}");
    }
    assert_eq!(ours.pointer("/static_resources"), theirs.pointer("/static_resources"));
    assert_eq!(ours.pointer("/static_resources/clusters/1/name"), Some(&Value::from("b")));
}

async fn bootstrap(program: &Program) -> Value {
    let process = Process::start(program, BASE).await;
    let dump: Value = serde_json::from_str(&process.admin("/config_dump").await.text()).expect("JSON");
    dump["configs"][0]["bootstrap"].clone()
}
