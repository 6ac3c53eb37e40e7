//! What serving HTTP/3 costs: `cargo bench --bench h3_server`.
//!
//! Three servers on the same quinn with the gateway's transport: ours, the h3 crate's, and raw QUIC streams that carry the
//! same bytes with no HTTP. Each has a thread of its own, and only the processor time of that thread counts; the client is
//! the same for all and writes prepared bytes. Rounds go in turns, so that whatever else the machine does falls on all.

#![expect(
    clippy::print_stdout,
    clippy::expect_used,
    reason = "a benchmark prints what it measured and stops where it broke"
)]

mod allocations;
mod answers;
mod long_path;
#[path = "../rig/mod.rs"]
mod rig;
mod servers;
#[path = "../../tests/support/mod.rs"]
mod support;

use std::time::Duration;

use rig::client::Client;
use rig::figures::Figures;
use rig::{message, usage};
use servers::{Kind, Server};

#[global_allocator]
static ALLOCATOR: allocations::Counting = allocations::Counting;

fn main() {
    let servers = [Kind::Quicgate, Kind::H3, Kind::Raw].map(Server::start);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    runtime.block_on(async {
        small(&servers).await;
        bulk(&servers).await;
        long_path::measure(&servers).await;
    });
}

async fn small(servers: &[Server; 3]) {
    println!(
        "small: GET with 12 fields, answer of {} bytes; {SMALL_ROUNDS} rounds of {REQUESTS} requests, {} streams on each \
         of {CONNECTIONS} connections at once\n",
        answers::SMALL,
        STREAMS
    );
    let mut figures: [Figures; 3] = Default::default();
    for round in 0..SMALL_ROUNDS {
        for at in (0..3).map(|at| (at + round) % 3) {
            let (Some(server), Some(figures)) = (servers.get(at), figures.get_mut(at)) else { continue };
            let requests = message::request("/small");
            let spent = load(server, &requests, REQUESTS).await;
            figures.push(spent.as_secs_f64() * 1e6 / f64::from(REQUESTS));
        }
    }
    println!("{:<12} {:>22} {:>24} {:>14}", "", "CPU a request", "(least to most)", "beside h3");
    show(&figures, "us", 1);
    let mut allocated = Vec::new();
    for server in servers.iter().take(2) {
        let requests = message::request("/small");
        allocations::count(true);
        load(server, &requests, COUNTED).await;
        allocations::count(false);
        let (calls, bytes) = allocations::taken();
        allocated.push((server.kind.name(), calls, bytes));
    }
    println!("\n{:<12} {:>22} {:>24}", "", "allocations a request", "bytes allocated");
    for (name, calls, bytes) in allocated {
        let of_one = |total: u64| f64::from(u32::try_from(total).unwrap_or(u32::MAX)) / f64::from(COUNTED + WARM_UP);
        println!("{name:<12} {:>22.1} {:>24.0}", of_one(calls), of_one(bytes));
    }
}

/// Has a server answer so many requests, after some that do not count; its processor time.
async fn load(server: &Server, request: &bytes::Bytes, count: u32) -> Duration {
    let mut clients = Vec::new();
    for _ in 0..CONNECTIONS {
        clients.push(Client::connect(server.address, WINDOW, true).await);
    }
    let run = async |count: u32| {
        let each = u64::from(count) / CONNECTIONS as u64;
        let mut tasks = tokio::task::JoinSet::new();
        for client in clients.clone() {
            let request = request.clone();
            tasks.spawn(async move { client.load(&request, each, STREAMS, answers::SMALL as u64).await });
        }
        let failed: u64 = tasks.join_all().await.into_iter().sum();
        assert_eq!(failed, 0, "{} failed requests", server.kind.name());
    };
    run(WARM_UP).await;
    let before = usage::of_thread(server.thread);
    run(count).await;
    let spent = usage::of_thread(server.thread).saturating_sub(before);
    clients.iter().for_each(Client::close);
    spent
}

async fn bulk(servers: &[Server; 3]) {
    println!(
        "\nbulk: {} MiB in chunks of {} KiB on one stream; {BULK_ROUNDS} rounds\n",
        answers::BULK >> 20,
        answers::CHUNK >> 10
    );
    let mut figures: [Figures; 3] = Default::default();
    let request = message::request("/bulk");
    for round in 0..BULK_ROUNDS {
        for at in (0..3).map(|at| (at + round) % 3) {
            let (Some(server), Some(figures)) = (servers.get(at), figures.get_mut(at)) else { continue };
            let client = Client::connect(server.address, WINDOW, true).await;
            let before = usage::of_thread(server.thread);
            let count = client.get(&request).await.expect("a whole answer");
            assert!(count >= answers::BULK, "{count} bytes");
            let spent = usage::of_thread(server.thread).saturating_sub(before);
            client.close();
            figures.push(spent.as_secs_f64() * 1e3 * f64::from(1 << 10) / f64::from(answers::BULK_MEBIBYTES));
        }
    }
    println!("{:<12} {:>22} {:>24} {:>14}", "", "CPU a GiB", "(least to most)", "beside raw");
    show(&figures, "ms", 2);
}

/// A table of what each server used, with the ratio to one of them.
fn show(figures: &[Figures; 3], unit: &str, beside: usize) {
    let [ours, h3, raw] = figures;
    let other = [ours, h3, raw].get(beside).copied().unwrap_or(raw);
    for (kind, figures) in [Kind::Quicgate, Kind::H3, Kind::Raw].into_iter().zip(figures) {
        let (least, most) = figures.range();
        let range = format!("({least:.1} to {most:.1})");
        let ratio = figures.beside(other).median();
        println!("{:<12} {:>19.1} {unit} {range:>24} {ratio:>14.2}", kind.name(), figures.median());
    }
}

const CONNECTIONS: usize = 4;
const STREAMS: usize = 32;
const REQUESTS: u32 = 40_000;
const WARM_UP: u32 = 4_000;
const COUNTED: u32 = 20_000;
const SMALL_ROUNDS: usize = 9;
const BULK_ROUNDS: usize = 7;

/// Bytes that the client lets come unasked.
const WINDOW: u32 = 16 << 20;
