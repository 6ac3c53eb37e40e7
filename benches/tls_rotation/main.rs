//! Whether clients notice that certificates change: `cargo bench --bench tls_rotation`.
//!
//! A gateway with a watched directory serves 200 requests a second, over HTTP/1.1, HTTP/2 and HTTP/3, half of them over
//! connections that stay and half over new ones, while its certificate is replaced 50 times as Kubernetes does it. Counted are
//! requests and handshakes that failed, and how long it takes until a new connection is shown the new certificate. The exit code
//! says whether nothing failed.

#![expect(
    clippy::print_stdout,
    clippy::expect_used,
    reason = "a benchmark prints what it measured and stops where it broke"
)]

#[path = "../rig/mod.rs"]
mod rig;
#[path = "../../tests/support/mod.rs"]
mod support;

mod files;
mod load;

use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use files::Files;
use load::{Load, Tally};
use rig::figures::Figures;
use support::client::Version;
use support::process::Process;
use support::program::Gateway;
use tokio::task::{JoinSet, LocalSet};
use tokio::time::{Instant, MissedTickBehavior, interval, sleep_until};

fn main() -> ExitCode {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    LocalSet::new().block_on(&runtime, measure())
}

async fn measure() -> ExitCode {
    let mut files = Files::new();
    let process = Arc::new(Gateway::start(&configuration(&files)).await);
    println!("{ROTATIONS} rotations, one every {} ms, {RATE} requests a second\n", EVERY.as_millis());
    let end = Instant::now() + EVERY * ROTATIONS + Duration::from_secs(1);
    let mut loads = JoinSet::new();
    for (version, stays) in Version::ALL.into_iter().flat_map(|version| [(version, true), (version, false)]) {
        let load = Load { process: Arc::clone(&process), version, stays };
        loads.spawn_local(async move { (version, stays, load.run(PERIOD, end).await) });
    }
    let mut seen = Figures::default();
    let mut turns = interval(EVERY);
    turns.set_missed_tick_behavior(MissedTickBehavior::Delay);
    for _ in 0..ROTATIONS {
        turns.tick().await;
        let (leaf, began) = (files.rotate(), Instant::now());
        for version in [Version::Http1, Version::Http3] {
            while load::shown(&process, version).await != leaf {
                sleep_until(Instant::now() + Duration::from_millis(2)).await;
            }
        }
        seen.push(began.elapsed().as_secs_f64() * 1e3);
    }
    let mut failures = 0;
    let mut rows: Vec<(Version, bool, Tally)> = loads.join_all().await;
    rows.sort_by_key(|(version, stays, _)| (*version, !stays));
    for (version, stays, tally) in rows {
        let connections = if stays { "one connection" } else { "new connections" };
        println!(
            "{:<8} {connections:<16} {:>5} requests, {} failed, worst {:.1} ms",
            format!("{version:?}"),
            tally.requests,
            tally.failures,
            tally.worst.as_secs_f64() * 1e3
        );
        failures += tally.failures;
    }
    let (least, most) = seen.range();
    println!("\nnew certificate shown over TCP and QUIC after {:.0} ms ({least:.0} to {most:.0})", seen.median());
    counted(&process).await;
    println!("{}: nothing fails", if failures == 0 { "kept" } else { "BROKEN" });
    if failures == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

async fn counted(process: &Process) {
    let stats = process.stats().await;
    for name in ["ssl_context_update_by_sds", "key_rotation_failed", "ssl.connection_error"] {
        let all = stats.0.iter().filter(|(found, _)| found.starts_with("listener.") && found.ends_with(name));
        println!("{name}, both listeners: {}", all.map(|(_, count)| count).sum::<i64>());
    }
}

/// Listeners on TCP and QUIC with the certificate in the directory.
fn configuration(files: &Files) -> String {
    let directory = files.path().display().to_string();
    include_str!("gateway.yaml").replace("${certificates}", &directory)
}

const ROTATIONS: u32 = 50;
const EVERY: Duration = Duration::from_millis(400);
const RATE: u32 = 200;

/// Each of six loads asks so often.
const PERIOD: Duration = Duration::from_millis(30);
