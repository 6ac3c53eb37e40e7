//! Quicgate and the real Envoy before the same backend, over HTTP/3: `QUICGATE_ENVOY=PATH cargo bench --bench
//! h3_side_by_side`.
//!
//! The same configuration, one worker each, the same client, in turns. Shown are requests a second and processor time of the
//! whole program, as medians of rounds, and the ratio round by round. Backend and client share the machine with the program:
//! processor time is what compares, requests a second only tell that the load was one.

#![expect(
    clippy::print_stdout,
    clippy::expect_used,
    reason = "a benchmark prints what it measured and stops where it broke"
)]

#[path = "../rig/mod.rs"]
mod rig;
#[path = "../../tests/support/mod.rs"]
mod support;

use std::time::Instant;

use rig::backend::Backend;
use rig::client::Client;
use rig::figures::Figures;
use rig::{gateway, message, usage};
use support::process::Process;
use support::program::{Envoy, Gateway, Program};
use tokio::task::JoinSet;

fn main() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    runtime.block_on(async {
        let backend = Backend::start();
        let mut programs = vec![Program { workers: 1, ..Gateway::program() }];
        if std::env::var_os("QUICGATE_ENVOY").is_some() {
            programs.extend(Envoy::program().map(|envoy| Program { workers: 1, ..envoy }));
        } else {
            println!("skipped: envoy: QUICGATE_ENVOY names no program\n");
        }
        let mut processes = Vec::new();
        for program in &programs {
            processes.push(gateway::start(program, &backend).await);
        }
        for load in [&SMALL, &LARGE] {
            load.compare(&processes).await;
        }
    });
}

/// What clients ask for in one round.
struct Load {
    name: &'static str,
    bytes: u64,
    connections: u64,
    /// On each connection at once.
    streams: usize,
    /// On each connection.
    requests: u64,
    rounds: usize,
    /// What processor time is shown for.
    per: &'static str,
    /// How many of those an answer is.
    share: f64,
}

const SMALL: Load = Load {
    name: "small",
    bytes: 1 << 10,
    connections: 8,
    streams: 16,
    requests: 2500,
    rounds: 7,
    per: "1,000 requests",
    share: 0.001,
};

const LARGE: Load = Load {
    name: "large",
    bytes: 10 << 20,
    connections: 4,
    streams: 2,
    requests: 12,
    rounds: 5,
    per: "GiB",
    share: 10.0 / 1024.0,
};

/// What one program did in all rounds.
#[derive(Default)]
struct Outcome {
    rate: Figures,
    cost: Figures,
    failed: u64,
}

impl Load {
    async fn compare(&self, processes: &[Process]) {
        println!(
            "{}: {} KiB; {} rounds of {} requests, {} on each of {} connections at once\n",
            self.name,
            self.bytes >> 10,
            self.rounds,
            self.connections * self.requests,
            self.streams,
            self.connections
        );
        let mut outcomes: Vec<Outcome> = processes.iter().map(|_| Outcome::default()).collect();
        for _ in 0..self.rounds {
            for (process, outcome) in processes.iter().zip(&mut outcomes) {
                self.round(process, outcome).await;
            }
        }
        let unit = format!("CPU-s per {}", self.per);
        println!("{:<10} {:>12} {:>26} {:>20} {:>8}", "", "requests/s", unit, "(least to most)", "failed");
        for (process, outcome) in processes.iter().zip(&outcomes) {
            let (least, most) = outcome.cost.range();
            println!(
                "{:<10} {:>12.0} {:>26.4} {:>20} {:>8}",
                process.name,
                outcome.rate.median(),
                outcome.cost.median(),
                format!("({least:.4} to {most:.4})"),
                outcome.failed
            );
        }
        if let [ours, theirs] = outcomes.as_slice() {
            println!("\nquicgate / envoy, CPU: {:.2}", ours.cost.beside(&theirs.cost).median());
        }
        println!();
    }

    async fn round(&self, process: &Process, outcome: &mut Outcome) {
        let request = message::request(&format!("/bytes/{}", self.bytes));
        let mut clients = Vec::new();
        for _ in 0..self.connections {
            let client = Client::connect(process.address("http3"), WINDOW, false).await;
            // Connections to the backend and what else is made once are no part of it.
            client.get(&request).await.expect("an answer");
            clients.push(client);
        }
        let (before, began) = (usage::of_process(process.pid()), Instant::now());
        let mut loads = JoinSet::new();
        for client in clients.clone() {
            let (request, requests, streams, least) = (request.clone(), self.requests, self.streams, self.bytes);
            loads.spawn(async move { client.load(&request, requests, streams, least).await });
        }
        outcome.failed += loads.join_all().await.into_iter().sum::<u64>();
        let (took, spent) = (began.elapsed(), usage::of_process(process.pid()).saturating_sub(before));
        let requests = f64::from(u32::try_from(self.connections * self.requests).unwrap_or(u32::MAX));
        outcome.rate.push(requests / took.as_secs_f64());
        outcome.cost.push(spent.as_secs_f64() / (requests * self.share));
        clients.iter().for_each(Client::close);
    }
}

/// Bytes that the client lets come unasked.
const WINDOW: u32 = 16 << 20;
