//! Floor 11: boot, signals, workers.
//!
//! [`main`] reads the command line, loads and builds the configuration, binds every socket, starts the workers, and then
//! waits on the main thread, serving the admin interface, until it is told to stop.

mod banner;
mod boot;
mod cli;
mod defaults;
pub mod demo;
pub mod local_ca;
mod run;
mod signals;
#[cfg(test)]
mod sweep;
mod workers;

use std::io::{IsTerminal, Write};
use std::process::ExitCode;

use clap::Parser;

pub use boot::validate;
pub use cli::{Cli, Command, Serve};

use crate::probe;

/// The whole program.
#[must_use]
pub fn main() -> ExitCode {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        // clap says 2 for a usage error; here 2 is a probe that could not connect.
        Err(error) => {
            let _ = error.print();
            return if error.use_stderr() { ExitCode::FAILURE } else { ExitCode::SUCCESS };
        }
    };
    match cli.command {
        None => run::serve(&cli.serve),
        Some(Command::Probe(args)) => on_one_thread(run_probe(args)),
        Some(Command::Demo { address }) => on_one_thread(run_demo(address)),
    }
}

async fn run_probe(args: probe::Args) -> ExitCode {
    probe::run(&args, &mut std::io::stdout(), probe::Paint::for_stdout()).await.into()
}

async fn run_demo(address: std::net::SocketAddr) -> ExitCode {
    let stop = async {
        // Without signals, the process ends as any other.
        let Ok(mut signals) = signals::Signals::new() else { return std::future::pending().await };
        while signals.next().await != signals::Asked::Stop {}
    };
    match demo::run(address, &mut std::io::stdout(), stop).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => complain(&error.to_string()),
    }
}

/// Runs a small task of the program on a runtime of its own.
fn on_one_thread(task: impl Future<Output = ExitCode>) -> ExitCode {
    match tokio::runtime::Builder::new_current_thread().enable_all().build() {
        Ok(runtime) => runtime.block_on(task),
        Err(error) => complain(&format!("the runtime cannot start: {error}")),
    }
}

/// Says on standard error why the program ends, and that it does.
fn complain(message: &str) -> ExitCode {
    let mut stderr = std::io::stderr().lock();
    let (red, plain) = if stderr.is_terminal() { ("\x1b[1;31m", "\x1b[0m") } else { ("", "") };
    // With nobody to read it there is nothing else to do.
    let _ = writeln!(stderr, "{red}error:{plain} {message}");
    ExitCode::FAILURE
}
