//! Floor 11: boot, signals, workers.
//!
//! [`main`] reads the command line, loads and builds the configuration, binds every socket, starts the workers, and then
//! waits on the main thread, serving the admin interface, until it is told to stop.

mod banner;
mod boot;
mod cli;
mod defaults;
pub mod demo;
mod envoy_flags;
pub mod local_ca;
#[cfg(test)]
mod panics;
mod run;
pub mod short_form;
mod signals;
mod support_list;
#[cfg(test)]
mod sweep;
mod workers;

use std::io::{IsTerminal, Write};
use std::process::ExitCode;

use clap::Parser;

pub use boot::validate;
pub use cli::{Cli, Command, ConfigCommand, Serve};
pub use envoy_flags::{DrainStrategy, EnvoyFlags, IpVersion};
pub use support_list::Args as SupportListArgs;

use crate::{admin, probe};

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
        None => serve(&cli.serve),
        Some(Command::Run(args)) => short_form::run(&args),
        Some(Command::Expand(args)) => short_form::expand(&args),
        Some(Command::Config { command: ConfigCommand::Support(args) }) => support_list::run(&args),
        Some(Command::Probe(args)) => on_one_thread(run_probe(args)),
        Some(Command::Demo { address }) => on_one_thread(run_demo(address)),
    }
}

fn serve(options: &Serve) -> ExitCode {
    if options.envoy.hot_restart_version {
        let _ = writeln!(std::io::stdout().lock(), "{}", admin::HOT_RESTART_VERSION);
        return ExitCode::SUCCESS;
    }
    match options.refusal() {
        Some(reason) => complain(&reason),
        None => run::serve(options),
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
