//! Floods of QUIC, and good clients meanwhile: `cargo bench --bench quic_floods`.
//!
//! Three floods, each before a gateway of its own with two workers, with 100 good clients while it lasts: first packets from
//! many addresses, a client that sends each datagram from another address, and a client that uses up connection ids as fast
//! as it gets them. The last needs aioquic: `QUICGATE_AIOQUIC` names a Python that has it. A flood ends after so many packets
//! or so long. All good clients have to be served, and the gateway may grow by no more than 64 MiB: the exit code says whether
//! that was so. Times are told, not judged.

#![expect(
    clippy::print_stdout,
    clippy::expect_used,
    reason = "a benchmark prints what it measured and stops where it broke"
)]

mod ids;
mod initials;
mod moves;
#[path = "../rig/mod.rs"]
mod rig;
#[path = "../../tests/support/mod.rs"]
mod support;

use std::net::SocketAddr;
use std::process::ExitCode;
use std::time::Duration;

use rig::backend::Backend;
use rig::client::Client;
use rig::{gateway, message, usage};
use support::process::Process;
use support::program::Gateway;
use tokio::task::JoinSet;
use tokio::time::{Instant, interval, timeout};

fn main() -> ExitCode {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    let kept = runtime.block_on(async {
        [under(initials::flood).await, under(moves::flood).await, under(ids::flood).await].into_iter().all(|kept| kept)
    });
    if kept { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// Starts a gateway, has it flooded, and looks how good clients fare; whether what is promised was kept.
async fn under(flood: impl AsyncFnOnce(SocketAddr) -> Option<String>) -> bool {
    let backend = Backend::start();
    let gateway = gateway::start(&Gateway::program(), &backend).await;
    let address = gateway.address("http3");
    // What is made once, by the first exchanges, is no growth.
    serve(address, 4, Duration::ZERO).await;
    let (before, _) = usage::memory_of_process(gateway.pid());
    let (quiet, _) = serve(address, GOOD, EVERY).await;
    let began = Instant::now();
    let (told, (flooded, failed)) = tokio::join!(flood(address), serve(address, GOOD, EVERY));
    let Some(told) = told else { return true };
    let lasted = began.elapsed();
    let (after, peak) = usage::memory_of_process(gateway.pid());
    let (later, failed_later) = serve(address, GOOD / 10, EVERY).await;
    println!("{told}");
    println!(
        "in {:.1} s, with {GOOD} good clients meanwhile, one every {} ms",
        lasted.as_secs_f64(),
        EVERY.as_millis()
    );
    println!("good clients that failed: {failed} during it, {failed_later} after it");
    for (when, times) in [("before", quiet), ("during", flooded), ("after", later)] {
        let [median, worst] = [times.len() / 2, times.len().saturating_sub(1)].map(|index| millis(times.get(index)));
        println!("handshake and request {when} it: median {median} ms, worst {worst} ms");
    }
    println!("resident memory: {} before, {} at most, {} after", mib(before), mib(peak), mib(after));
    counters(&gateway).await;
    let kept = failed + failed_later == 0 && peak.saturating_sub(before) < BOUND;
    println!("{}: all are served, growth below {} MiB\n", if kept { "kept" } else { "BROKEN" }, BOUND >> 10);
    kept
}

/// So many clients one after the other begins a handshake and asks once: how long each took, in order, and how many failed.
async fn serve(address: SocketAddr, clients: usize, every: Duration) -> (Vec<Duration>, usize) {
    let mut tasks = JoinSet::new();
    let mut clock = interval(every.max(Duration::from_millis(1)));
    for _ in 0..clients {
        clock.tick().await;
        tasks.spawn(async move {
            let began = Instant::now();
            let exchange = async {
                let client = Client::connect(address, 1 << 20, true).await;
                let length = client.get(&message::request("/bytes/1024")).await;
                client.close();
                length
            };
            let length = timeout(PATIENCE, exchange).await.ok().flatten();
            length.is_some_and(|length| length > 1024).then(|| began.elapsed())
        });
    }
    let mut times = Vec::new();
    // A client that could not connect has panicked.
    while let Some(done) = tasks.join_next().await {
        times.extend(done.ok().flatten());
    }
    times.sort_unstable();
    let failed = clients - times.len();
    (times, failed)
}

/// What the gateway counted of all this.
async fn counters(gateway: &Process) {
    let stats = gateway.stats().await;
    let names = [
        "downstream_cx_total",
        "downstream_pre_cx_timeout",
        "quic.retry_sent",
        "quic.handshakes_refused",
        "quic.amplification_dropped",
        "quic.steering.handed_over_dropped",
    ];
    for name in names {
        println!("{name}: {}", stats.of(&format!("listener.127.0.0.1_0.{name}")));
    }
}

fn millis(time: Option<&Duration>) -> String {
    time.map_or_else(|| "-".to_owned(), |time| format!("{:.1}", time.as_secs_f64() * 1000.0))
}

fn mib(kibibytes: u64) -> String {
    let (whole, rest) = (kibibytes >> 10, kibibytes % 1024);
    format!("{whole}.{} MiB", rest * 10 / 1024)
}

/// Good clients at each time.
const GOOD: usize = 100;

/// How often one of them comes.
const EVERY: Duration = Duration::from_millis(80);

/// How long a good client waits.
const PATIENCE: Duration = Duration::from_secs(20);

/// Kibibytes by which the gateway may grow.
const BOUND: u64 = 64 << 10;
