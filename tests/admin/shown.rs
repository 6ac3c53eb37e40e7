//! What there is to see: the program, its listeners, clusters, certificates.

use serde_json::json;

use crate::rig::Rig;
use crate::support::message::Request;

#[tokio::test]
async fn server_info_describes_program_command_line_and_node() {
    let rig = Rig::with(&["--service-node", "edge-2", "--drain-time-s", "7"]).await;
    let info = rig.json("/server_info").await;
    let version = info["version"].as_str().expect("a version");
    assert_eq!(version.split('/').nth(1), Some(env!("CARGO_PKG_VERSION")), "{version}");
    assert_eq!(info["state"], "LIVE");
    assert!(info["uptime_current_epoch"].as_str().is_some_and(|uptime| uptime.ends_with('s')));
    assert_eq!(info["hot_restart_version"], rig.see("/hot_restart_version").await.text());
    let options = &info["command_line_options"];
    assert_eq!((&options["concurrency"], &options["drain_time"]), (&json!(2), &json!("7s")));
    assert_eq!((&options["mode"], &options["restart_epoch"]), (&json!("Serve"), &json!(0)));
    let node = &info["node"];
    assert_eq!((&node["id"], &node["cluster"]), (&json!("edge-2"), &json!("edges")));
    assert_eq!(node["locality"], json!({ "region": "r", "zone": "z", "sub_zone": "s" }));
    assert_eq!(node["user_agent_name"], "quicgate");
    let keys: Vec<&String> = info.as_object().expect("an object").keys().collect();
    let envoys = [
        "version",
        "state",
        "uptime_current_epoch",
        "uptime_all_epochs",
        "hot_restart_version",
        "command_line_options",
        "node",
        "hot_restart_initializing",
    ];
    assert_eq!(keys, envoys);
}

#[tokio::test]
async fn json_is_indented_by_one_space() {
    let rig = Rig::start().await;
    assert!(rig.see("/memory").await.text().starts_with("{\n \"allocated\": \""));
    assert_eq!(rig.see("/init_dump").await.text(), "{}\n");
    assert_eq!(rig.json("/runtime").await, json!({ "layers": [], "entries": {} }));
}

#[tokio::test]
async fn listeners_are_shown_with_the_ports_that_are_bound() {
    let rig = Rig::start().await;
    let text = rig.see("/listeners").await.text();
    let expected = ["in", "out", "tls", "quic"].map(|name| format!("{name}::{}\n", rig.process.address(name)));
    assert_eq!(text, expected.concat());
    let statuses = rig.json("/listeners?format=json").await;
    let port = rig.process.address("in").port();
    let first = json!({
        "name": "in",
        "local_address": { "socket_address": { "address": "127.0.0.1", "port_value": port } },
    });
    assert_eq!(statuses["listener_statuses"][0], first);
    assert_eq!(statuses["listener_statuses"].as_array().map(Vec::len), Some(4));
}

#[tokio::test]
async fn clusters_are_shown_with_what_their_hosts_have_been_through() {
    let rig = Rig::start().await;
    let client = rig.process.plain_client("in").await;
    for _ in 0..2 {
        client.send(Request::get("/")).await;
    }
    let host = rig.backend.address();
    let text = rig.see("/clusters?filter=back").await.text();
    let counts = "cx_active::1 cx_connect_fail::0 cx_total::1 rq_active::0 rq_error::0 rq_pending_active::0 rq_success::2 \
                  rq_timeout::0 rq_total::2 hostname::first health_flags::healthy weight::3 region::here zone::a \
                  sub_zone::a1 \
                  canary::false priority::0 success_rate::-1 local_origin_success_rate::-1";
    let hosts: Vec<String> = counts.split_whitespace().map(|fact| format!("backend::{host}::{fact}\n")).collect();
    let limits = "max_connections::1024 max_pending_requests::1024 max_requests::1024 max_retries::3";
    let limits = ["default_priority", "high_priority"].map(|priority| {
        limits.split_whitespace().map(|limit| format!("backend::{priority}::{limit}\n")).collect::<Vec<_>>().concat()
    });
    let expected = format!(
        "backend::observability_name::backend\n{}backend::added_via_api::false\n{}",
        limits.concat(),
        hosts.concat()
    );
    assert_eq!(text, expected);
    let refused = rig.see("/clusters?filter=%5B").await;
    assert_eq!((refused.status, refused.text().as_str()), (400, "Invalid re2 regex"));
}

#[tokio::test]
async fn clusters_have_envoys_json() {
    let rig = Rig::start().await;
    rig.process.plain_client("in").await.send(Request::get("/")).await;
    let clusters = rig.json("/clusters?format=json").await;
    let names: Vec<_> =
        clusters["cluster_statuses"].as_array().expect("a list").iter().map(|one| &one["name"]).collect();
    assert_eq!(names, ["backend", "other"]);
    let backend = &clusters["cluster_statuses"][0];
    assert_eq!(backend["observability_name"], "backend");
    let thresholds = &backend["circuit_breakers"]["thresholds"];
    assert_eq!((&thresholds[0]["max_connections"], &thresholds[1]["priority"]), (&json!(1024), &json!("HIGH")));
    let host = &backend["host_statuses"][0];
    assert_eq!(host["address"]["socket_address"], json!({ "address": "127.0.0.1", "port_value": rig.backend.port() }));
    assert_eq!((&host["weight"], &host["hostname"]), (&json!(3), &json!("first")));
    assert_eq!(host["health_status"], json!({ "eds_health_status": "HEALTHY" }));
    let expected = json!([
        { "name": "cx_connect_fail" },
        { "value": "1", "name": "cx_total" },
        { "name": "rq_error" },
        { "value": "1", "name": "rq_success" },
        { "name": "rq_timeout" },
        { "value": "1", "name": "rq_total" },
        { "type": "GAUGE", "value": "1", "name": "cx_active" },
        { "type": "GAUGE", "name": "rq_active" },
        { "type": "GAUGE", "name": "rq_pending_active" },
    ]);
    assert_eq!(host["stats"], expected);
}

#[tokio::test]
async fn certificates_are_shown_once_for_each_tls_context() {
    let rig = Rig::start().await;
    let certs = rig.json("/certs").await;
    let certs = certs["certificates"].as_array().expect("a list");
    assert_eq!(certs.len(), 2, "TLS and QUIC");
    let one = &certs[0];
    assert_eq!(one["ca_cert"], json!([]));
    let leaf = &one["cert_chain"][0];
    assert_eq!(leaf["path"], rig.process.directory().join("server.crt").display().to_string());
    assert_eq!(
        leaf["subject_alt_names"],
        json!([{ "dns": "localhost" }, { "dns": "a.test" }, { "ip_address": "127.0.0.1" }])
    );
    assert!(
        leaf["serial_number"]
            .as_str()
            .is_some_and(|serial| !serial.is_empty() && serial.bytes().all(|digit| digit.is_ascii_hexdigit()))
    );
    assert!(leaf["days_until_expiration"].as_str().is_some_and(|days| days.parse::<u64>().is_ok()));
    for time in ["valid_from", "expiration_time"] {
        assert!(leaf[time].as_str().is_some_and(|time| time.len() == 20 && time.ends_with('Z')), "{time}");
    }
}

#[tokio::test]
async fn server_info_shows_what_else_the_command_line_says() {
    let rig = Rig::with(&[
        "--log-format",
        "%l %v",
        "--log-format-escaped",
        "--base-id",
        "7",
        "--socket-mode",
        "644",
        "--parent-shutdown-time-s",
        "5",
        "--drain-strategy",
        "gradual",
        "--file-flush-interval-msec",
        "1250",
        "--local-address-ip-version",
        "v6",
        "--stats-tag",
        "a:b",
        "--stats-tag",
        "c:d",
        "--allow-unknown-fields",
        "--skip-deprecated-logs",
    ])
    .await;
    let info = rig.json("/server_info").await;
    let options = &info["command_line_options"];
    // Names and values as Envoy 1.40 writes them.
    let shown = json!({
        "base_id": "7",
        "allow_unknown_static_fields": true,
        "local_address_ip_version": "v6",
        "log_format": "%l %v",
        "file_flush_interval": "1.250s",
        "parent_shutdown_time": "5s",
        "log_format_escaped": true,
        "drain_strategy": "Gradual",
        "socket_mode": 420,
        "stats_tag": ["a:b", "c:d"],
        "skip_deprecated_logs": true,
        "reject_unknown_dynamic_fields": false,
    });
    for (name, value) in shown.as_object().unwrap() {
        assert_eq!(&options[name], value, "{name}");
    }
    assert_eq!(options["disable_hot_restart"], true, "not asked for, but always so here");
    assert!(options["admin_address_path"].as_str().unwrap().ends_with("/admin-address"), "{options}");
}
