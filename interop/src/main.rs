//! `cargo run -p quicgate-interop`: public HTTP/3 clients against Quicgate, and a table of what works.
//!
//! It builds and starts the gateway with its backends, installs each client once under `interop/.venv` and
//! `interop/.peers`, runs the cases and prints one table. With `--url` the server is another one that answers as the
//! demo backend does; with `--servers` servers of others stand behind the real Envoy. The exit code is 1 when a case failed; a client that cannot be had here is skipped by name.

mod adapter;
mod ask;
mod backend;
mod backends;
mod case;
mod certificates;
mod files;
mod gateway;
mod matrix;
mod peer;
mod program;
mod provision;
mod upstream;

use std::{
    io::{self, Write},
    path::{Path, PathBuf},
    process::ExitCode,
};

use clap::Parser;

use crate::{
    case::Case,
    files::Files,
    matrix::{Matrix, Outcome, Row},
    peer::{PEERS, Peer, REFERENCE, Server, at_gateways, at_server},
    provision::Source,
    upstream::{Chain, FRONT, UPSTREAMS, Upstream},
};

/// Runs public HTTP/3 clients against Quicgate and prints what works.
#[derive(Parser)]
#[command(version, after_help = cases())]
struct Options {
    /// What to run, by the beginnings of the names [default: all but what takes minutes to build]
    #[arg(value_name = "NAME")]
    names: Vec<String>,
    /// Run servers of others behind the real Envoy, instead of clients against Quicgate
    #[arg(long, conflicts_with_all = ["all", "url"])]
    servers: bool,
    /// Run the clients that take minutes to build, too
    #[arg(long)]
    all: bool,
    /// Say what was seen in the cases that are ok, too
    #[arg(long)]
    details: bool,
    /// A server that is already running, instead of a gateway of our own
    #[arg(long, value_name = "URL", requires = "cacert")]
    url: Option<String>,
    /// The certificate authority of that server, as PEM
    #[arg(long, value_name = "FILE", requires = "url")]
    cacert: Option<PathBuf>,
}

fn main() -> io::Result<ExitCode> {
    let options = Options::parse();
    let directory = tempfile::tempdir()?;
    certificates::write(directory.path())?;
    let bench = Bench { files: Files::write(directory.path())?, directory: directory.path(), options: &options };
    let mut matrix = Matrix::default();
    if options.servers {
        for upstream in UPSTREAMS.iter().filter(|upstream| options.names(upstream.name)) {
            matrix.push(bench.upstream(upstream)?);
        }
    } else {
        for peer in PEERS.iter().filter(|peer| options.names(peer.name)) {
            matrix.push(bench.peer(peer)?);
        }
    }
    matrix.print(&mut io::stdout().lock(), options.details)?;
    Ok(if matrix.has_failures() { ExitCode::FAILURE } else { ExitCode::SUCCESS })
}

impl Options {
    /// Whether `name` is one of those asked for.
    fn names(&self, name: &str) -> bool {
        self.names.is_empty() || self.names.iter().any(|asked| name.starts_with(asked))
    }
}

/// Where rows are made.
struct Bench<'a> {
    files: Files,
    directory: &'a Path,
    options: &'a Options,
}

impl Bench<'_> {
    /// One client against Quicgate, or against the server that was named.
    fn peer(&self, peer: &Peer) -> io::Result<Row> {
        if peer.heavy && !self.options.all && self.options.names.is_empty() {
            let reason = "takes minutes to build: run it with --all".to_owned();
            return Ok(Row::new(peer.name, peer.stack, Outcome::Skipped(reason)));
        }
        writeln!(io::stderr(), "{}", peer.name)?;
        let client = match peer.source.prepare() {
            Ok(client) => client,
            Err(error) => return Ok(Row::new(peer.name, peer.stack, Outcome::Skipped(error.to_string()))),
        };
        let verdicts = match (&self.options.url, &self.options.cacert) {
            (Some(url), Some(authority)) => at_server(&client, &Server { url, authority, cannot: &[] }, &self.files)?,
            _ => at_gateways(&client, self.directory, &self.files)?,
        };
        Ok(Row::new(&client.named(peer.name), peer.stack, Outcome::Ran(verdicts)))
    }

    /// One server behind the real Envoy, asked by the reference client.
    fn upstream(&self, upstream: &Upstream) -> io::Result<Row> {
        writeln!(io::stderr(), "{} behind Envoy", upstream.name)?;
        let prepared = [upstream.source, FRONT, REFERENCE].map(Source::prepare);
        let [server, front, client] = match prepared {
            [Ok(server), Ok(front), Ok(client)] => [server, front, client],
            others => {
                let reason = others.into_iter().filter_map(Result::err).map(|error| error.to_string()).next();
                let skipped = Outcome::Skipped(reason.unwrap_or_default());
                return Ok(Row::new(upstream.name, upstream.stack, skipped));
            }
        };
        let chain = Chain::start(&server, &front, self.directory)?;
        let target = Server { url: &chain.url(), authority: chain.authority(), cannot: upstream.cannot };
        let verdicts = at_server(&client, &target, &self.files)?;
        Ok(Row::new(&server.named(upstream.name), upstream.stack, Outcome::Ran(verdicts)))
    }
}

/// What the columns mean, for `--help`.
fn cases() -> String {
    let line = |case: &Case| format!("\n  {:9}  {}", case.heading(), case.meaning());
    format!("Cases:{}", Case::ALL.iter().map(line).collect::<String>())
}
