//! What clients can make the gateway hold: `cargo bench --bench h3_memory`.
//!
//! 100 clients grant 64 MiB and ask for 1 GiB each. When the answers flow, half of them stop reading and the others stop
//! acknowledging: nothing of what they send gets through any more. The gateway, a process of its own, may then take no more
//! than 100 MiB over what it had; the backend runs in this process. The clients are quinn's: those that do not read hold in
//! this process what they granted, about 3 GiB together. The exit code says whether the bound was kept.

#![expect(
    clippy::print_stdout,
    clippy::expect_used,
    reason = "a benchmark prints what it measured and stops where it broke"
)]

#[path = "../rig/mod.rs"]
mod rig;
#[path = "../../tests/support/mod.rs"]
mod support;

use std::process::ExitCode;
use std::time::Duration;

use quinn::RecvStream;
use rig::backend::Backend;
use rig::client::Client;
use rig::relay::{self, Relay};
use rig::{gateway, message, usage};
use support::program::Gateway;
use tokio::time::{Instant, sleep};

fn main() -> ExitCode {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    runtime.block_on(measure())
}

async fn measure() -> ExitCode {
    let backend = Backend::start();
    let gateway = gateway::start(&Gateway::program(), &backend).await;
    let address = gateway.address("http3");
    // What is made once, by the first exchange, is no growth.
    let first = Client::connect(address, WINDOW, false).await;
    first.get(&message::request("/bytes/1024")).await.expect("an answer");
    first.close();
    let (before, _) = usage::memory_of_process(gateway.pid());
    println!("{CLIENTS} clients, {} MiB granted by each, 1 GiB asked for by each\n", WINDOW >> 20);
    show("before", before, 0);

    let request = message::request("/bytes/1073741824");
    let (mut stopped, mut silenced) = (Vec::new(), Vec::new());
    for index in 0..CLIENTS {
        if index % 2 == 0 {
            let client = Client::connect(address, WINDOW, false).await;
            let mut stream = client.ask(&request).await.expect("a stream");
            read(&mut stream, 1).await;
            stopped.push((client, stream));
        } else {
            let relay = Relay::start(address, relay::NONE).await;
            let client = Client::connect(relay.address(), WINDOW, false).await;
            let mut stream = client.ask(&request).await.expect("a stream");
            // The path has shown what it can carry before nothing is acknowledged any more.
            read(&mut stream, FLOWING).await;
            relay.silence();
            silenced.push((relay, client, stream));
        }
    }
    let (all, _) = usage::memory_of_process(gateway.pid());
    show("when all have come", all, before);
    let quiet = settle(&backend).await;
    let (after, peak) = usage::memory_of_process(gateway.pid());
    show("when it had settled", after, before);
    show("at most", peak, before);
    println!(
        "\nthe backend could write {} MiB, and nothing for the last {} s",
        backend.written() >> 20,
        quiet.as_secs()
    );
    let clients = stopped.iter().map(|(client, _)| client).chain(silenced.iter().map(|(_, client, _)| client));
    let lost = clients.filter(|client| client.connection.close_reason().is_some()).count();
    println!("connections that were lost meanwhile: {lost}");
    let kept = peak.saturating_sub(before) < BOUND;
    println!("{}: growth below {} MiB", if kept { "kept" } else { "BROKEN" }, BOUND >> 10);
    if kept && lost == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// Reads at least so many bytes.
async fn read(stream: &mut RecvStream, least: usize) {
    let mut count = 0;
    while count < least {
        let chunk = stream.read_chunk(usize::MAX, true).await.expect("a connection").expect("more of the answer");
        count += chunk.bytes.len();
    }
}

/// Waits until the backend has written nothing for a while.
async fn settle(backend: &Backend) -> Duration {
    let (mut written, mut since) = (backend.written(), Instant::now());
    while since.elapsed() < QUIET {
        sleep(Duration::from_millis(200)).await;
        if backend.written() != written {
            (written, since) = (backend.written(), Instant::now());
        }
    }
    QUIET
}

fn show(when: &str, kibibytes: u64, before: u64) {
    let growth =
        if before == 0 { String::new() } else { format!("+{:.1}", mebibytes(kibibytes.saturating_sub(before))) };
    println!("{when:<24} {:>10.1} MiB {growth:>12}", mebibytes(kibibytes));
}

fn mebibytes(kibibytes: u64) -> f64 {
    f64::from(u32::try_from(kibibytes).unwrap_or(u32::MAX)) / 1024.0
}

const CLIENTS: usize = 100;

/// Bytes that each client grants.
const WINDOW: u32 = 64 << 20;

/// Bytes that a client reads before it acknowledges nothing any more.
const FLOWING: usize = 4 << 20;

/// How long nothing must have been written.
const QUIET: Duration = Duration::from_secs(5);

/// Kibibytes of growth.
const BOUND: u64 = 100 << 10;
