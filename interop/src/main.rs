//! `cargo run -p quicgate-interop`: public HTTP/3 clients against Quicgate, public HTTP/3 servers behind it, programs that
//! speak gRPC and WebSocket through it, and tables of what works for each.
//!
//! It builds and starts the gateway with its backends, installs each client and server once under `interop/.venv` and
//! `interop/.peers`, runs the cases and prints the tables. With `--url` the clients' server is another one that answers as
//! the demo backend does; with `--servers-behind-envoy` the servers stand behind the real Envoy. The exit code is 1 when a
//! case failed; what cannot be had here is skipped by name. `--early-data` counts clients that come back, and nothing else.

mod adapter;
mod admin;
mod applications;
mod ask;
mod backend;
mod backends;
mod case;
mod certificates;
mod chain;
mod early_data;
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
    applications::{APPLICATIONS, Application},
    case::Case,
    chain::{Chain, Front},
    files::Files,
    matrix::{Matrix, Outcome, Row},
    peer::{PEERS, Peer, REFERENCE, Server, at_gateways, at_server},
    upstream::{ENVOY, UPSTREAMS, Upstream},
};

/// Runs public HTTP/3 clients against Quicgate and servers behind it, and prints what works.
#[derive(Parser)]
#[command(version, after_help = cases())]
struct Options {
    /// What to run, by the beginnings of the names [default: all but what takes minutes to build]
    #[arg(value_name = "NAME")]
    names: Vec<String>,
    /// Run the servers behind the real Envoy, for reference, and nothing else
    #[arg(long, conflicts_with_all = ["all", "url"])]
    servers_behind_envoy: bool,
    /// Let so many clients come back with early data, here and at the real Envoy, and nothing else
    #[arg(long, value_name = "CLIENTS", conflicts_with_all = ["all", "url", "servers_behind_envoy", "names"])]
    early_data: Option<u32>,
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
    if let Some(clients) = options.early_data {
        early_data::run(clients, directory.path(), &mut io::stdout().lock())?;
        return Ok(ExitCode::SUCCESS);
    }
    let bench = Bench { files: Files::write(directory.path())?, directory: directory.path(), options: &options };
    let mut matrices = Vec::new();
    if !options.servers_behind_envoy {
        matrices.push(bench.clients()?);
    }
    if options.url.is_none() {
        matrices.push(bench.servers()?);
        for application in APPLICATIONS {
            matrices.push(bench.application(application)?);
        }
    }
    let out = &mut io::stdout().lock();
    for matrix in &matrices {
        matrix.print(out, options.details)?;
    }
    Ok(if matrices.iter().any(Matrix::has_failures) { ExitCode::FAILURE } else { ExitCode::SUCCESS })
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
    fn clients(&self) -> io::Result<Matrix> {
        let named = PEERS.iter().filter(|peer| self.options.names(peer.name));
        let rows = named.map(|peer| self.peer(peer)).collect::<io::Result<_>>()?;
        let server = self.options.url.as_deref().unwrap_or("Quicgate");
        Ok(Matrix::new(format!("Clients, against {server}"), headings(), rows))
    }

    fn servers(&self) -> io::Result<Matrix> {
        let named = UPSTREAMS.iter().filter(|upstream| self.options.names(upstream.name));
        let rows = named.map(|upstream| self.upstream(upstream)).collect::<io::Result<_>>()?;
        Ok(Matrix::new(format!("Servers, behind {}", self.front_name()), headings(), rows))
    }

    fn application(&self, application: &Application) -> io::Result<Matrix> {
        writeln!(io::stderr(), "{}", application.name)?;
        let rows = application.rows(|| self.front(), |name| self.options.names(name), self.directory)?;
        Ok(Matrix::new(format!("{}, through {}", application.name, self.front_name()), application.headings(), rows))
    }

    fn front_name(&self) -> &'static str {
        if self.options.servers_behind_envoy { "the real Envoy" } else { "Quicgate" }
    }

    fn front(&self) -> io::Result<Front> {
        Ok(if self.options.servers_behind_envoy { Front::Envoy(ENVOY.prepare()?) } else { Front::Quicgate })
    }

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
            (Some(url), Some(authority)) => at_server(&client, &Server { url, authority }, &self.files)?,
            _ => at_gateways(&client, self.directory, &self.files)?,
        };
        Ok(Row::new(&client.named(peer.name), peer.stack, Outcome::Ran(verdicts)))
    }

    /// One server behind a front, asked by the reference client.
    fn upstream(&self, upstream: &Upstream) -> io::Result<Row> {
        writeln!(io::stderr(), "{} as a server", upstream.name)?;
        let prepared = || {
            let front = self.front()?;
            Ok((upstream.source.prepare()?, front, REFERENCE.prepare()?))
        };
        let (server, front, client) = match prepared() {
            Ok(prepared) => prepared,
            Err(error) => {
                let error: io::Error = error;
                return Ok(Row::new(upstream.name, upstream.stack, Outcome::Skipped(error.to_string())));
            }
        };
        let mut chain = Chain::start(&server, &front, &client, self.directory, &self.files)?;
        let verdicts = chain.run(upstream)?;
        Ok(Row::new(&server.named(upstream.name), upstream.stack, Outcome::Ran(verdicts)))
    }
}

/// What the columns mean, for `--help`.
fn cases() -> String {
    let line = |heading: &str, meaning: &str| format!("\n  {heading:11}  {meaning}");
    let mut cases: String = Case::ALL.iter().map(|case| line(case.heading(), case.meaning())).collect();
    for application in APPLICATIONS {
        cases.extend(["\n\nCases of ", application.name, ":"]);
        cases.extend(application.cases.iter().map(|case| line(case.heading, case.meaning)));
    }
    format!("Cases:{cases}")
}

/// The heads of the columns of clients and servers.
fn headings() -> Vec<&'static str> {
    Case::ALL.map(Case::heading).to_vec()
}
