//! The probe against servers of every version, good and bad.

mod exchange;
mod failure;
mod session;

use clap::Parser;
use quicgate::probe::{self, Args, Outcome, Paint};
use rustls::ServerConfig;
use serde_json::Value;

#[derive(Parser)]
pub(crate) struct Cli {
    #[command(flatten)]
    probe: Args,
}

/// Runs the probe; the report is its JSON.
pub(crate) async fn probe(arguments: &[&str]) -> (Outcome, Value) {
    let cli = Cli::parse_from([&["probe", "--json"], arguments].concat());
    let mut out = Vec::new();
    let outcome = probe::run(&cli.probe, &mut out, Paint::Plain).await;
    let report: Value = serde_json::from_slice(&out).unwrap();
    assert_eq!(report["exit_code"], outcome.code());
    (outcome, report)
}

/// Runs the probe; the report is its table.
pub(crate) async fn table(arguments: &[&str]) -> String {
    let cli = Cli::parse_from([&["probe"], arguments].concat());
    let mut out = Vec::new();
    probe::run(&cli.probe, &mut out, Paint::Plain).await;
    String::from_utf8(out).unwrap()
}

/// The only value of a field in the report.
pub(crate) fn field<'a>(report: &'a Value, section: &str, name: &str) -> &'a str {
    let fields = report[section].as_array().unwrap();
    let values: Vec<_> = fields.iter().filter(|field| field[0] == name).collect();
    assert_eq!(values.len(), 1, "{name}: {report}");
    values[0][1].as_str().unwrap()
}

fn allow_early_data(config: &mut ServerConfig) {
    config.max_early_data_size = u32::MAX;
}
