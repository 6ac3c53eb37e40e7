//! Plays the table on one program and keeps what was seen.

use std::{collections::BTreeMap, time::Duration};

use serde_json::Value;
use tokio::time::{Instant, interval, timeout};

use crate::{
    act::Actor,
    backstage::Backstage,
    facts::Facts,
    scenario::{Act, Handshake, Scenario},
    stage::Stage,
    support::{client::Version, log::Log, process::Process, program::Program, stats::Stats},
};

/// What one program did.
#[derive(Debug, Default)]
pub(crate) struct Performance {
    /// The facts of every scenario, by its row in the table, over every version it has.
    pub(crate) facts: BTreeMap<(usize, Version), Facts>,
    /// Stages the program would not start on, with what it said.
    pub(crate) refused: Vec<(Stage, String)>,
}

/// Plays all `scenarios`, each stage on a process of its own; `rewrite` may alter the YAML.
pub(crate) async fn play(
    program: &Program,
    backstage: &Backstage,
    scenarios: &[Scenario],
    rewrite: impl Fn(String) -> String,
) -> Performance {
    let mut performance = Performance::default();
    for stage in Stage::ALL {
        let process = match Process::try_start(program, &rewrite(stage.yaml(backstage))).await {
            Ok(process) => process,
            Err(said) => {
                performance.refused.push((stage, said));
                continue;
            }
        };
        let mut observer = Observer::new(process, backstage).await;
        for (row, scenario) in scenarios.iter().enumerate().filter(|(_, scenario)| scenario.stage == stage) {
            for version in scenario.versions {
                performance.facts.insert((row, *version), observer.observe(scenario, *version).await);
            }
        }
    }
    performance
}

/// Watches one process from scenario to scenario.
struct Observer<'a> {
    actor: Actor<'a>,
    backstage: &'a Backstage,
    log: Log,
    connections: Log,
    stats: Stats,
}

impl<'a> Observer<'a> {
    async fn new(process: Process, backstage: &'a Backstage) -> Self {
        let (log, connections) = (process.log("access.log"), process.log("connections.log"));
        let stats = traffic(process.stats().await);
        Self { actor: Actor { process, backstage }, backstage, log, connections, stats }
    }

    async fn observe(&mut self, scenario: &Scenario, version: Version) -> Facts {
        let mut facts = Facts::default();
        self.start_afresh().await;
        let mut body = 0;
        match timeout(PATIENCE, self.actor.perform(&scenario.act, version)).await {
            Ok(Some(reply)) => {
                body = reply.body.len();
                facts.reply(&reply, self.backstage);
            }
            Ok(None) => {}
            Err(_) => facts.note("reply", "nothing, for too long".to_owned()),
        }
        let seen = self.settle(Expected::of(&scenario.act)).await;
        for line in &seen.lines {
            facts.line("log", line, body, self.backstage);
        }
        if let Act::Handshake(_) = scenario.act {
            for line in &seen.connections {
                facts.line("connection", line, body, self.backstage);
            }
        }
        facts.counters(&seen.stats.since(&self.stats));
        facts
    }

    /// Ends what the scenario before left behind: connections kept to the backend, and what they still count.
    async fn start_afresh(&mut self) {
        self.backstage.backend.hold();
        self.backstage.backend.hang_up();
        let mut ticks = interval(TICK);
        let end = Instant::now() + PATIENCE;
        loop {
            ticks.tick().await;
            let stats = traffic(self.actor.process.stats().await);
            let moved = stats.0 != self.stats.0;
            self.stats = stats;
            // Backends under TLS keep theirs: nothing is counted of those that stay.
            let kept = self.stats.of("cluster.backend.upstream_cx_active") != 0;
            if !moved && !kept || Instant::now() > end {
                break;
            }
        }
        self.log.lines_so_far();
        self.connections.lines_so_far();
    }

    /// Reads on until nothing is active, all lines expected are written, and nothing moves any more.
    ///
    /// A program that never comes to rest, or writes too little, is seen as it is when patience ends.
    async fn settle(&mut self, expected: Expected) -> Seen {
        let mut seen = Seen { lines: Vec::new(), connections: Vec::new(), stats: self.stats.clone() };
        let mut ticks = interval(TICK);
        let end = Instant::now() + PATIENCE;
        loop {
            ticks.tick().await;
            let lines = seen.lines.len() + seen.connections.len();
            seen.lines.extend(self.log.lines_so_far());
            seen.connections.extend(self.connections.lines_so_far());
            let stats = traffic(self.actor.process.stats().await);
            let moved = stats.0 != seen.stats.0 || lines != seen.lines.len() + seen.connections.len();
            seen.stats = stats;
            let all = seen.lines.len() >= expected.lines && seen.connections.len() >= expected.connections;
            if all && !moved && seen.at_rest() || Instant::now() > end {
                return seen;
            }
        }
    }
}

/// Lines a scenario should leave in each log.
struct Expected {
    lines: usize,
    connections: usize,
}

impl Expected {
    fn of(act: &Act) -> Self {
        let lines = usize::from(!matches!(act, Act::Handshake(_)));
        let over_quic = matches!(act, Act::Handshake(Handshake::QuicAlpn | Handshake::QuicDistrust));
        Self { lines, connections: usize::from(lines == 0 && !over_quic) }
    }
}

/// What a scenario left behind, up to now.
struct Seen {
    lines: Vec<Value>,
    connections: Vec<Value>,
    stats: Stats,
}

impl Seen {
    /// No connection and no exchange is open; connections to backends may be kept.
    fn at_rest(&self) -> bool {
        let open = ["downstream_cx_active", "downstream_rq_active", "upstream_rq_active"];
        let is_open = |name: &str| open.iter().any(|ending| name.ends_with(ending));
        self.stats.0.iter().all(|(name, value)| *value == 0 || !is_open(name))
    }
}

/// What moves by itself, or because it is looked at, left out.
fn traffic(mut stats: Stats) -> Stats {
    let of_traffic = ["http.plain.", "http.tls.", "http.quic.", "http2.", "http3.", "cluster.", "listener.127."];
    stats.0.retain(|name, _| of_traffic.iter().any(|prefix| name.starts_with(prefix)));
    stats
}

/// Longer than any timer of the table, shorter than anyone's patience.
const PATIENCE: Duration = Duration::from_secs(5);

const TICK: Duration = Duration::from_millis(10);
