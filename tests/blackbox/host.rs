//! The host as it is: taken addresses, privileged ports, few descriptors, a directory that cannot be written.

use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::CommandExt;
use std::process::{Command, Output, Stdio};

use crate::edge::{ALL, Edge};
use crate::support::backend::Backend;
use crate::support::client::Version;
use crate::support::deadline::until;
use crate::support::message::Request;
use crate::support::process::Process;
use crate::support::program::{Gateway, Program};
use crate::support::wire::Wire;

/// Runs the gateway on this YAML to its end.
fn run(yaml: &str, arguments: &[&str]) -> Output {
    let directory = tempfile::tempdir().expect("a temporary directory");
    let path = directory.path().join("config.yaml");
    std::fs::write(&path, yaml).expect("write to a directory of our own");
    Gateway::command().arg("-c").arg(&path).args(arguments).stdin(Stdio::null()).output().expect("run the gateway")
}

fn said(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

pub(crate) fn on_port(port: u16) -> String {
    format!(
        "static_resources:
  listeners:
  - name: only
    address: {{socket_address: {{address: 127.0.0.1, port_value: {port}}}}}
    filter_chains:
    - filters:
      - name: http
        typed_config:
          \"@type\": type.googleapis.com/envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager
          stat_prefix: only
          http_filters:
          - name: envoy.filters.http.router
            typed_config: {{\"@type\": type.googleapis.com/envoy.extensions.filters.http.router.v3.Router}}
          route_config:
            virtual_hosts: [{{name: all, domains: [\"*\"], routes: [{{match: {{prefix: /}}, direct_response: {{status: 200}}}}]}}]
"
    )
}

#[tokio::test]
async fn a_second_instance_ends_and_names_the_address() {
    let backend = Backend::echo().await;
    let edge = Edge::start(&backend, ALL).await;
    let address = edge.process.address("http");
    let second = run(&on_port(address.port()), &[]);
    assert_eq!(second.status.code(), Some(1));
    let said = said(&second);
    assert!(said.contains(&address.to_string()) && said.contains("taken"), "{said}");
    assert_eq!(edge.client(Version::Http1).await.send(Request::get("/")).await.status, 200, "the first one serves on");
}

#[test]
fn a_privileged_port_names_the_capability_and_the_sysctl() {
    if !rustix::process::geteuid().is_root() {
        return skipped("a_privileged_port", "becoming an unprivileged user needs root");
    }
    let directory = tempfile::tempdir().expect("a temporary directory");
    let (program, path) = for_everybody(directory.path());
    std::fs::write(&path, on_port(81)).expect("write to a directory of our own");
    let output = Command::new(program).arg("-c").arg(path).uid(NOBODY).gid(NOBODY).output().expect("run the gateway");
    let said = said(&output);
    if std::fs::read_to_string("/proc/sys/net/ipv4/ip_unprivileged_port_start").is_ok_and(|start| start.trim() == "0") {
        return skipped("a_privileged_port", "no port is privileged on this host");
    }
    assert_eq!(output.status.code(), Some(1), "{said}");
    for word in ["127.0.0.1:81", "CAP_NET_BIND_SERVICE", "net.ipv4.ip_unprivileged_port_start=81"] {
        assert!(said.contains(word), "{word} in {said}");
    }
}

#[tokio::test]
async fn an_unprivileged_user_is_served_in_a_read_only_directory() {
    if !rustix::process::geteuid().is_root() {
        return skipped("an_unprivileged_user", "becoming another user needs root");
    }
    let directory = tempfile::tempdir().expect("a temporary directory");
    let (program, config) = for_everybody(directory.path());
    std::fs::write(&config, on_port(0) + "admin: {address: {socket_address: {address: 127.0.0.1, port_value: 0}}}\n")
        .expect("write to a directory of our own");
    let (read_only, state) = (directory.path().join("read-only"), directory.path().join("state"));
    for (path, mode) in [(&read_only, 0o555), (&state, 0o777)] {
        std::fs::create_dir(path).expect("a directory");
        std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode)).expect("its mode");
    }
    let admin = state.join("admin");
    let mut child = Command::new(program)
        .arg("-c")
        .arg(config)
        .arg("--admin-address-path")
        .arg(&admin)
        .current_dir(&read_only)
        .uid(NOBODY)
        .gid(NOBODY)
        .stdout(Stdio::null())
        .spawn()
        .expect("run the gateway");
    until("the admin interface", async || std::fs::read_to_string(&admin).ok()?.parse::<std::net::SocketAddr>().ok())
        .await;
    let ended = child.try_wait().expect("our own child");
    drop((child.kill(), child.wait()));
    assert_eq!(ended, None);
}

#[tokio::test]
async fn accepting_pauses_when_descriptors_are_used_up_and_recovers() {
    let wrapper = tempfile::tempdir().expect("a temporary directory");
    let script = wrapper.path().join("few-descriptors");
    let program = env!("CARGO_BIN_EXE_quicgate");
    std::fs::write(&script, format!("#!/bin/sh\nulimit -n 64\nexec '{program}' \"$@\"\n")).expect("a script");
    std::fs::set_permissions(&script, std::fs::Permissions::from_mode(0o755)).expect("its mode");
    let program = Program { name: "quicgate", executable: script, workers: 1, arguments: &[] };
    let process = Process::start(&program, &on_port(0)).await;
    let address = process.address("only");
    let mut held = Vec::new();
    for _ in 0..100 {
        held.push(Wire::tcp(address).await.expect("the backlog takes it"));
    }
    until("accepting to pause", async || process.standard_error().contains("accepting pauses").then_some(())).await;
    drop(held);
    let mut wire = Wire::tcp(address).await.expect("the backlog takes it");
    wire.write("GET / HTTP/1.1\r\nhost: a.test\r\n\r\n").await.expect("the connection stands");
    assert_eq!(wire.reply("GET").await.status, 200);
}

#[tokio::test]
async fn an_address_that_this_host_lacks_is_a_remark_where_there_is_another() {
    // As `[::1]` on a host without IPv6; RFC 5737 gives this one to nobody.
    let another = "\n    additional_addresses: [{address: {socket_address: {address: 192.0.2.1, port_value: 0}}}]";
    let yaml = on_port(0).replace("port_value: 0}}", &format!("port_value: 0}}}}{another}"));
    let process = Gateway::start(&yaml).await;
    assert_eq!(process.plain_client("only").await.send(Request::get("/")).await.status, 200);
    until("the remark", async || process.standard_error().contains("192.0.2.1:").then_some(())).await;
}

#[tokio::test]
async fn small_udp_buffers_are_a_warning_with_the_sysctl() {
    let limit = std::fs::read_to_string("/proc/sys/net/core/rmem_max").unwrap_or_default();
    let backend = Backend::echo().await;
    let edge = Edge::start(&backend, ALL).await;
    let said = edge.process.standard_error();
    let small = limit.trim().parse::<u64>().is_ok_and(|limit| limit < 2_621_440);
    assert_eq!(said.contains("sysctl -w net.core.rmem_max="), small, "{said}");
}

/// The program and a place for its configuration where an unprivileged user can read both.
fn for_everybody(directory: &std::path::Path) -> (std::path::PathBuf, std::path::PathBuf) {
    std::fs::set_permissions(directory, std::fs::Permissions::from_mode(0o755)).expect("its mode");
    let program = directory.join("quicgate");
    std::fs::copy(env!("CARGO_BIN_EXE_quicgate"), &program).expect("a copy of the program");
    (program, directory.join("config.yaml"))
}

#[expect(clippy::print_stderr, reason = "a test that is skipped says so")]
fn skipped(name: &str, reason: &str) {
    eprintln!("skipped: {name}: {reason}");
}

/// The user `nobody`, by number.
const NOBODY: u32 = 65534;
