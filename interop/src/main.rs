//! `cargo run -p quicgate-interop`: public HTTP/3 clients against Quicgate, and a table of what works.
//!
//! It builds and starts the gateway with its demo backend, installs each client once into `interop/.venv`, runs its
//! cases and prints one table. With `--url` the server is another one that answers `/echo`, `/bytes/N` and
//! `/trailers`. The exit code is 1 when a case failed; a client that cannot be installed here is skipped by name.

mod certificates;
mod gateway;
mod matrix;
mod peer;
mod python;

use std::{
    io,
    path::{Path, PathBuf},
    process::ExitCode,
};

use clap::Parser;

use crate::{gateway::Gateway, matrix::Matrix, peer::PEERS};

/// Runs public HTTP/3 clients against Quicgate and prints what works.
#[derive(Parser)]
#[command(version)]
struct Options {
    /// A server that is already running, instead of a gateway of our own
    #[arg(long, value_name = "URL", requires = "cacert")]
    url: Option<String>,
    /// The certificate authority of that server, as PEM
    #[arg(long, value_name = "FILE", requires = "url")]
    cacert: Option<PathBuf>,
}

fn main() -> io::Result<ExitCode> {
    if let Options { url: Some(url), cacert: Some(authority) } = Options::parse() {
        return run(&url, &authority);
    }
    let gateway = Gateway::start()?;
    run(&gateway.url(), &gateway.authority())
}

fn run(url: &str, authority: &Path) -> io::Result<ExitCode> {
    let results = PEERS.iter().map(|peer| (peer, peer.run(url, authority))).collect();
    let matrix = Matrix::new(results);
    matrix.print(&mut io::stdout().lock())?;
    Ok(if matrix.has_failures() { ExitCode::FAILURE } else { ExitCode::SUCCESS })
}
