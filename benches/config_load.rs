//! How long a large configuration takes: `cargo bench --bench config_load`.
//!
//! A bootstrap with 10,000 routes and 2,000 clusters is read and built in this process, and `--mode validate` of the
//! whole program is timed beside that of the real Envoy where `QUICGATE_ENVOY` names it, in turns, so that whatever else
//! the machine does falls on both. Shown are medians with the least and the most, and the ratio.

#![expect(
    clippy::print_stdout,
    clippy::expect_used,
    reason = "a benchmark prints what it measured and stops where it broke"
)]

use std::fmt::Write;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use quicgate::config::{Leniency, Source};
use quicgate::server::validate;

fn main() {
    let text = bootstrap();
    let directory = tempfile::tempdir().expect("a temporary directory");
    let file = directory.path().join("large.yaml");
    std::fs::write(&file, &text).expect("the file is written");
    println!("{ROUTES} routes, {CLUSTERS} clusters, {} KiB of YAML, {ROUNDS} rounds\n", text.len() >> 10);

    let inside = times(|| {
        let report = validate(&[Source::File(file.clone())], Leniency::default(), 1);
        assert!(!report.has_errors(), "{report}");
    });
    show("read and built in this process", &inside);

    let ours = Path::new(env!("CARGO_BIN_EXE_quicgate"));
    let theirs = std::env::var_os("QUICGATE_ENVOY");
    let mut rounds: [Vec<Duration>; 2] = [Vec::new(), Vec::new()];
    for _ in 0..ROUNDS {
        rounds[0].push(time(|| run(ours, &file)));
        if let Some(theirs) = &theirs {
            rounds[1].push(time(|| run(Path::new(theirs), &file)));
        }
    }
    show("quicgate --mode validate", &rounds[0]);
    match theirs {
        Some(_) => {
            show("envoy --mode validate", &rounds[1]);
            let ratio = median(&rounds[0]).as_secs_f64() / median(&rounds[1]).as_secs_f64();
            println!("\nquicgate / envoy: {ratio:.2}");
        }
        None => println!("\nskipped: envoy: QUICGATE_ENVOY names no program"),
    }
}

fn run(program: &Path, file: &Path) {
    let mut command = Command::new(program);
    command.args(["--mode", "validate", "--log-level", "error", "-c"]).arg(file);
    let status = command.stdout(Stdio::null()).stderr(Stdio::null()).status().expect("the program runs");
    assert!(status.success(), "{} refuses the file", program.display());
}

fn times(mut work: impl FnMut()) -> Vec<Duration> {
    (0..ROUNDS).map(|_| time(&mut work)).collect()
}

fn time(work: impl FnOnce()) -> Duration {
    let began = Instant::now();
    work();
    began.elapsed()
}

fn median(times: &[Duration]) -> Duration {
    let mut sorted = times.to_vec();
    sorted.sort();
    sorted.get(sorted.len() / 2).copied().unwrap_or_default()
}

fn show(name: &str, times: &[Duration]) {
    let milliseconds = |time: Option<&Duration>| time.map_or(0, Duration::as_millis);
    println!(
        "{name:<32} {:>6} ms   ({} to {})",
        median(times).as_millis(),
        milliseconds(times.iter().min()),
        milliseconds(times.iter().max())
    );
}

/// Routes of every kind over a hundred virtual hosts.
fn bootstrap() -> String {
    let mut text = HEAD.to_owned();
    // Writing to a string cannot fail.
    for host in 0..HOSTS {
        let _ = writeln!(
            text,
            "            - name: host{host}\n              domains: [host{host}.test, \"*.host{host}.test\"]\n              routes:"
        );
        for index in 0..ROUTES / HOSTS {
            let route = host * (ROUTES / HOSTS) + index;
            let path = match index % 4 {
                0 => format!("path: /r{route}"),
                1 => format!("prefix: /r{route}/"),
                2 => format!("path_separated_prefix: /r{route}"),
                _ => format!("safe_regex: {{regex: \"/r{route}/[0-9]+\"}}"),
            };
            let _ = writeln!(text, "              - match: {{{path}}}");
            let _ = writeln!(text, "                route: {{cluster: cluster{}, timeout: 5s}}", route % CLUSTERS);
            let _ = writeln!(
                text,
                "                request_headers_to_add: [{{header: {{key: x-route, value: \"{route}\"}}}}]"
            );
        }
    }
    text += "  clusters:\n";
    for cluster in 0..CLUSTERS {
        let _ = writeln!(
            text,
            "  - name: cluster{cluster}\n    connect_timeout: 1s\n    load_assignment:\n      cluster_name: cluster{cluster}\n      endpoints:\n      - lb_endpoints:"
        );
        for host in 1..=2 {
            let _ = writeln!(
                text,
                "        - endpoint: {{address: {{socket_address: {{address: 127.0.0.{host}, port_value: {}}}}}}}",
                1024 + cluster
            );
        }
    }
    text
}

const HEAD: &str = r#"static_resources:
  listeners:
  - name: http
    address: {socket_address: {address: 127.0.0.1, port_value: 8080}}
    filter_chains:
    - filters:
      - name: envoy.filters.network.http_connection_manager
        typed_config:
          "@type": type.googleapis.com/envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager
          stat_prefix: http
          http_filters:
          - name: envoy.filters.http.router
            typed_config: {"@type": type.googleapis.com/envoy.extensions.filters.http.router.v3.Router}
          route_config:
            virtual_hosts:
"#;

const ROUTES: usize = 10_000;
const CLUSTERS: usize = 2_000;
const HOSTS: usize = 100;
const ROUNDS: usize = 7;
