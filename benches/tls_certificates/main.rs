//! What many certificates cost: `cargo bench --bench tls_certificates`.
//!
//! A listener on TCP has 10,000 ECDSA certificates in files, one a name, in one context; beside it, another process has ten. How
//! long the program takes to start, what it has in memory then, and what a full handshake costs its threads, for names from
//! everywhere in the list, in turns. The same of the real Envoy where `QUICGATE_ENVOY` names it. The exit code says whether the
//! bounds were kept.

#![expect(
    clippy::print_stdout,
    clippy::expect_used,
    reason = "a benchmark prints what it measured and stops where it broke"
)]

#[path = "../rig/mod.rs"]
mod rig;
#[path = "../../tests/support/mod.rs"]
mod support;

mod made;
mod visitor;

use std::path::Path;
use std::process::ExitCode;
use std::time::{Duration, Instant};

use made::{configuration, make};
use rig::figures::Figures;
use rig::usage;
use support::process::Process;
use support::program::{Gateway, Program};
use visitor::Visitor;

fn main() -> ExitCode {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    runtime.block_on(measure())
}

async fn measure() -> ExitCode {
    let directory = tempfile::tempdir().expect("a directory");
    make(directory.path(), MANY);
    println!("{MANY} certificates (ECDSA P-256, in files) beside {FEW}, {ROUNDS} rounds of {HANDSHAKES} handshakes\n");
    let ours = program(&Gateway::program(), directory.path()).await;
    let mut kept = true;
    for (what, figure, bound) in [
        ("start", ours.start, START),
        ("resident memory, MiB", ours.memory, MEMORY),
        ("a handshake with many / with few", ours.ratio, RATIO),
    ] {
        let below = figure < bound;
        println!("{}: {what}: {figure:.2}, below {bound}", if below { "kept" } else { "BROKEN" });
        kept &= below;
    }
    println!();
    match std::env::var_os("QUICGATE_ENVOY") {
        Some(executable) => {
            let arguments = &["--use-dynamic-base-id", "--log-level", "error"];
            let envoy = Program { name: "envoy", executable: executable.into(), workers: 2, arguments };
            program(&envoy, directory.path()).await;
        }
        None => println!("skipped: envoy: QUICGATE_ENVOY names no program"),
    }
    if kept { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// What was measured of a program with many certificates.
struct Measured {
    /// Seconds.
    start: f64,
    /// MiB.
    memory: f64,
    /// What a handshake costs beside one of the same program with few certificates.
    ratio: f64,
}

async fn program(program: &Program, directory: &Path) -> Measured {
    let (few, few_took) = start(program, directory, FEW).await;
    let (many, took) = start(program, directory, MANY).await;
    let memory = |process: &Process| mebibytes(usage::memory_of_process(process.pid()).0);
    let (before, after) = (memory(&few), memory(&many));
    println!("{:<10} start with {FEW}: {few_took:.2} s, {before:.1} MiB", program.name);
    println!("{:<10} start with {MANY}: {took:.2} s, {after:.1} MiB", program.name);
    let (mut costs, mut times) = ([Figures::default(), Figures::default()], [Figures::default(), Figures::default()]);
    for round in 0..ROUNDS {
        for (place, (process, count)) in [(&few, FEW), (&many, MANY)].into_iter().enumerate() {
            let (cost, time) = handshakes(process, count, round).await;
            let figures = costs.get_mut(place).zip(times.get_mut(place));
            let (costs, times) = figures.expect("two programs");
            costs.push(cost.as_secs_f64() * 1e6);
            times.push(time.as_secs_f64() * 1e6);
        }
    }
    let [[few_cost, many_cost], [few_time, many_time]] = [&costs, &times];
    println!(
        "{:<10} a handshake: {:.0} us of processor time with {FEW}, {:.0} us with {MANY}; {:.0} us and {:.0} us to the client",
        program.name,
        few_cost.median(),
        many_cost.median(),
        few_time.median(),
        many_time.median()
    );
    let ratio = many_cost.beside(few_cost);
    let (least, most) = ratio.range();
    println!("{:<10} many / few: {:.2} ({least:.2} to {most:.2})\n", program.name, ratio.median());
    Measured { start: took, memory: after, ratio: ratio.median() }
}

async fn start(program: &Program, directory: &Path, count: usize) -> (Process, f64) {
    let yaml = configuration(directory, count);
    let began = Instant::now();
    let process = Process::start(program, &yaml).await;
    (process, began.elapsed().as_secs_f64())
}

/// Full handshakes for names from the whole list: processor time and time of one.
async fn handshakes(process: &Process, count: usize, round: usize) -> (Duration, Duration) {
    let visitor = Visitor::new(process.address("https"));
    visitor.comes(0).await;
    let (began, before) = (Instant::now(), usage::of_process(process.pid()));
    for number in 0..HANDSHAKES {
        // A step that has no divisor in common with the number of names meets them all.
        visitor.comes((number * 7919 + round) % count).await;
    }
    let each = u32::try_from(HANDSHAKES).unwrap_or(u32::MAX);
    (usage::of_process(process.pid()).saturating_sub(before) / each, began.elapsed() / each)
}

fn mebibytes(kibibytes: u64) -> f64 {
    f64::from(u32::try_from(kibibytes).unwrap_or(u32::MAX)) / 1024.0
}

const MANY: usize = 10_000;
const FEW: usize = 10;
const HANDSHAKES: usize = 1000;
const ROUNDS: usize = 7;

/// Seconds.
const START: f64 = 2.0;

/// MiB.
const MEMORY: f64 = 150.0;

/// A handshake is as dear with many certificates, but for what the processor's caches do not hold.
const RATIO: f64 = 1.25;
