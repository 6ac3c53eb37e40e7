//! The programs that can be put under test: Quicgate, and the real Envoy it is measured by.

use std::{path::PathBuf, process::Command};

use super::{envoy, process::Process};

/// Quicgate, as this package builds it.
pub(crate) struct Gateway;

impl Gateway {
    /// Starts it on this YAML and waits until it is LIVE. An `admin` block is added when there is none.
    pub(crate) async fn start(yaml: &str) -> Process {
        Process::start(&Self::program(), yaml).await
    }

    pub(crate) fn program() -> Program {
        let executable = PathBuf::from(env!("CARGO_BIN_EXE_quicgate"));
        Program { name: "quicgate", executable, workers: 2, arguments: &[] }
    }

    /// A command of its own, for tests of the command line.
    pub(crate) fn command() -> Command {
        Command::new(env!("CARGO_BIN_EXE_quicgate"))
    }
}

/// The real Envoy.
pub(crate) struct Envoy;

impl Envoy {
    /// Starts it as [`Gateway::start`] does; `Err` says why there is no Envoy here.
    pub(crate) async fn start(yaml: &str) -> Result<Process, String> {
        Ok(Process::start(&Self::program()?, yaml).await)
    }

    pub(crate) fn program() -> Result<Program, String> {
        let arguments = &["--use-dynamic-base-id", "--file-flush-interval-msec", "10", "--log-level", "warning"];
        Ok(Program { name: "envoy", executable: envoy::executable()?, workers: 2, arguments })
    }
}

/// What to run.
#[derive(Clone, Debug)]
pub(crate) struct Program {
    pub(crate) name: &'static str,
    pub(crate) executable: PathBuf,
    pub(crate) workers: usize,
    /// What is said beside the configuration and the number of workers.
    pub(crate) arguments: &'static [&'static str],
}
