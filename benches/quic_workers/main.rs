//! QUIC with one worker and with several: what a handshake costs, what several workers carry, and how many datagrams come to a
//! worker that they are not for. `QUICGATE_ENVOY=PATH cargo bench --bench quic_workers`.
//!
//! Programs run in turns before the same backend, each with the same configuration. Client, backend and programs share the
//! machine: processor time is what compares, bytes a second tell that the load was one.

#![expect(
    clippy::print_stdout,
    clippy::expect_used,
    reason = "a benchmark prints what it measured and stops where it broke"
)]

#[path = "../rig/mod.rs"]
mod rig;
#[path = "../../tests/support/mod.rs"]
mod support;
mod visits;

use std::time::Instant;

use rig::backend::Backend;
use rig::client::Client;
use rig::figures::Figures;
use rig::{gateway, message, usage};
use support::deadline::until;
use support::process::Process;
use support::program::{Envoy, Gateway, Program};
use tokio::task::JoinSet;
use visits::Kind;

fn main() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    runtime.block_on(async {
        let backend = Backend::start();
        let mut programs = vec![Gateway::program()];
        if std::env::var_os("QUICGATE_ENVOY").is_some() {
            programs.extend(Envoy::program());
        } else {
            println!("skipped: envoy: QUICGATE_ENVOY names no program\n");
        }
        handshakes(&programs, &backend).await;
        downloads(&programs, &backend).await;
        steering(&backend).await;
    });
}

async fn start(program: &Program, workers: usize, backend: &Backend) -> Process {
    gateway::start(&Program { workers, ..program.clone() }, backend).await
}

/// Visits of clients that come once, and of clients that come again.
async fn handshakes(programs: &[Program], backend: &Backend) {
    println!("handshakes: one worker; {ROUNDS} rounds of {VISITS} connections with one request of 1 KiB each\n");
    let mut processes = Vec::new();
    for program in programs {
        processes.push(start(program, 1, backend).await);
    }
    println!("{:<10} {:<8} {:>20} {:>20} {:>8}", "", "", "CPU-ms a connection", "(least to most)", "failed");
    for kind in [Kind::Fresh, Kind::Resumed] {
        let mut costs = vec![Figures::default(); processes.len()];
        let mut failed = vec![0; processes.len()];
        for _ in 0..ROUNDS {
            for ((process, cost), failed) in processes.iter().zip(&mut costs).zip(&mut failed) {
                let before = usage::of_process(process.pid());
                *failed += visits::make(process.address("http3"), kind, VISITS).await;
                let spent = usage::of_process(process.pid()).saturating_sub(before);
                cost.push(spent.as_secs_f64() * 1000.0 / f64::from(VISITS));
            }
        }
        for ((process, cost), failed) in processes.iter().zip(&costs).zip(&failed) {
            let (least, most) = cost.range();
            let range = format!("({least:.3} to {most:.3})");
            println!("{:<10} {:<8} {:>20.3} {range:>20} {failed:>8}", process.name, kind.name(), cost.median());
        }
        if let [ours, theirs] = costs.as_slice() {
            println!("{:<10} {:<8} {:>20.2}", "ratio", kind.name(), ours.beside(theirs).median());
        }
    }
    println!();
}

/// The same downloads by one worker and by two.
async fn downloads(programs: &[Program], backend: &Backend) {
    println!("downloads: {ROUNDS} rounds of {DOWNLOADS} x 10 MiB on each of {CONNECTIONS} connections\n");
    println!("{:<10} {:>8} {:>10} {:>14} {:>22}", "", "workers", "MiB/s", "CPU-s per GiB", "MiB/s beside 1 worker");
    for program in programs {
        let processes = [start(program, 1, backend).await, start(program, 2, backend).await];
        let (mut rates, mut costs) = ([(); 2].map(|()| Figures::default()), [(); 2].map(|()| Figures::default()));
        for _ in 0..ROUNDS {
            for ((process, rate), cost) in processes.iter().zip(&mut rates).zip(&mut costs) {
                let (megabytes, spent) = download(process).await;
                rate.push(megabytes);
                cost.push(spent);
            }
        }
        let [one, two] = &rates;
        for ((workers, rate), cost) in [1, 2].iter().zip(&rates).zip(&costs) {
            let beside = if *workers == 1 { String::new() } else { format!("{:.2}", two.beside(one).median()) };
            let (name, rate, cost) = (program.name, rate.median(), cost.median());
            println!("{name:<10} {workers:>8} {rate:>10.0} {cost:>14.3} {beside:>22}");
        }
    }
    println!();
}

/// One round: MiB a second, and seconds of processor time a GiB.
async fn download(process: &Process) -> (f64, f64) {
    let request = message::request(&format!("/bytes/{LARGE}"));
    let mut clients = Vec::new();
    for _ in 0..CONNECTIONS {
        clients.push(Client::connect(process.address("http3"), WINDOW, false).await);
    }
    let (before, began) = (usage::of_process(process.pid()), Instant::now());
    let mut loads = JoinSet::new();
    for client in clients.clone() {
        let request = request.clone();
        loads.spawn(async move { client.load(&request, DOWNLOADS, 1, LARGE).await });
    }
    let failed: u64 = loads.join_all().await.into_iter().sum();
    assert_eq!(failed, 0, "downloads broke off");
    let (took, spent) = (began.elapsed(), usage::of_process(process.pid()).saturating_sub(before));
    clients.iter().for_each(Client::close);
    let megabytes = f64::from(CONNECTIONS) * f64::from(u32::try_from(DOWNLOADS).unwrap_or(u32::MAX)) * 10.0;
    (megabytes / took.as_secs_f64(), spent.as_secs_f64() * 1024.0 / megabytes)
}

/// Datagrams that came to another worker than theirs, where the kernel steers.
async fn steering(backend: &Backend) {
    println!("steering: {VISITS} connections, fresh and resumed\n");
    println!("{:>8} {:>12} {:>14} {:>8}", "workers", "datagrams", "steered wrong", "failed");
    for workers in [1, 2, 4, 8] {
        let process = start(&Gateway::program(), workers, backend).await;
        let mut failed = 0;
        for kind in [Kind::Fresh, Kind::Resumed] {
            failed += visits::make(process.address("http3"), kind, VISITS).await;
        }
        // What is counted of a connection is there when it is over.
        let stats = until("the end of all connections", async || {
            let stats = process.stats().await;
            (stats.of("listener.127.0.0.1_0.downstream_cx_active") == 0).then_some(stats)
        })
        .await;
        let of = |name: &str| stats.of(&format!("listener.127.0.0.1_0.quic.{name}"));
        let wrong = of("steering.handed_over") + of("steering.handed_over_dropped");
        println!("{workers:>8} {:>12} {wrong:>14} {failed:>8}", of("rx_datagrams"));
    }
}

const ROUNDS: usize = 5;

/// Connections of one round.
const VISITS: u32 = 200;

const CONNECTIONS: u32 = 8;

/// On each connection.
const DOWNLOADS: u64 = 6;

const LARGE: u64 = 10 << 20;

/// Bytes that the client lets come unasked.
const WINDOW: u32 = 16 << 20;
