//! The clients, and what running one of them gives.

use std::{
    path::Path,
    process::{Command, Stdio},
};

use serde::Deserialize;

use crate::python;

/// A public HTTP/3 client.
pub(crate) struct Peer {
    pub(crate) name: &'static str,
    /// The package it comes in.
    package: &'static str,
    /// The program that runs the cases with it, under `interop/peers`.
    script: &'static str,
}

/// What became of one peer.
pub(crate) enum Outcome {
    Ran(Vec<Cell>),
    /// It could not be run here, for this reason.
    Skipped(String),
}

/// What became of one case.
#[derive(Debug, Deserialize)]
pub(crate) struct Cell {
    pub(crate) case: String,
    pub(crate) passed: bool,
    /// What was seen, or why it failed.
    pub(crate) detail: String,
}

impl Peer {
    /// Runs all cases against the server at `url`, whose certificate `authority` signed.
    pub(crate) fn run(&self, url: &str, authority: &Path) -> Outcome {
        let python = match python::interpreter(self.package) {
            Ok(python) => python,
            Err(reason) => return Outcome::Skipped(reason),
        };
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("peers").join(self.script);
        let output = Command::new(python).arg(script).arg(url).arg(authority).stderr(Stdio::inherit()).output();
        let mut cells = match &output {
            Ok(output) => cells(&output.stdout),
            Err(error) => vec![Cell { case: "start".to_owned(), passed: false, detail: error.to_string() }],
        };
        if let Ok(output) = output
            && !output.status.success()
        {
            cells.push(Cell { case: "end".to_owned(), passed: false, detail: output.status.to_string() });
        }
        Outcome::Ran(cells)
    }
}

/// One line of JSON for each case; a line that is something else is a failure to show.
fn cells(output: &[u8]) -> Vec<Cell> {
    let cell = |line: &str| {
        serde_json::from_str(line).unwrap_or_else(|error| Cell {
            case: "output".to_owned(),
            passed: false,
            detail: format!("{error}: {line}"),
        })
    };
    String::from_utf8_lossy(output).lines().map(cell).collect()
}

/// The clients, in the order of their columns.
pub(crate) const PEERS: &[Peer] =
    &[Peer { name: "aioquic 1.7.2", package: "aioquic==1.7.2", script: "aioquic_client.py" }];
