//! Programs that speak something on top of HTTP, on both sides of gateways: gRPC and WebSocket.
//!
//! A server of others stands behind one gateway, or behind two with another version of HTTP between them; each client asks
//! it through them. The clients judge by themselves, because only they see calls and messages: they print a verdict for
//! each case, and what the front gateway logged is looked at here.

mod catalogue;
mod gateways;

use std::{collections::BTreeMap, io, path::Path, time::Duration};

use serde::Serialize;

pub(crate) use self::catalogue::APPLICATIONS;
use self::gateways::{Between, Gateways};
use crate::{
    backends::{PATIENCE, filled, port_in},
    case::Verdict,
    chain::{Front, READY, command},
    matrix::{Outcome, Row},
    program::{self, Running},
    provision::{Program, Source},
};

/// Something that is spoken on top of HTTP.
pub(crate) struct Application {
    pub(crate) name: &'static str,
    pub(crate) cases: &'static [Case],
    server: Source,
    /// The version of HTTP that the server takes, without TLS.
    serves: Version,
    clients: &'static [Client],
    /// What stands between the two gateways, or nothing when there is one.
    ways: &'static [Option<Between>],
}

/// A case, of which the client and the server know what is done in it.
pub(crate) struct Case {
    /// The client calls it this, and so does the head of its column.
    pub(crate) heading: &'static str,
    pub(crate) meaning: &'static str,
    /// What the front has to log for it, with the version for `${protocol}`. Lines are looked for in the order of the cases.
    logged: Option<&'static str>,
}

/// A client of others, or of ours made of their parts.
struct Client {
    name: &'static str,
    stack: &'static str,
    speaks: Version,
    source: Source,
}

/// A version of HTTP.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Version {
    Http1,
    Http2,
    Http3,
}

/// What a client is told, as its last argument, in JSON.
#[derive(Serialize)]
struct Told<'a> {
    port: u16,
    authority: &'a Path,
    /// `h1`, `h2` or `h3`.
    speaks: &'a str,
}

impl Application {
    /// The heads of the columns.
    pub(crate) fn headings(&self) -> Vec<&'static str> {
        self.cases.iter().map(|case| case.heading).collect()
    }

    /// Runs the clients that are `named` on every way; `directory` has the certificates.
    pub(crate) fn rows(
        &self,
        front: impl Fn() -> io::Result<Front>,
        named: impl Fn(&str) -> bool,
        directory: &Path,
    ) -> io::Result<Vec<Row>> {
        let clients: Vec<_> = self.clients.iter().filter(|client| named(client.name) || named(self.name)).collect();
        let mut rows = Vec::new();
        if clients.is_empty() {
            return Ok(rows);
        }
        let (server, front) = match self.server.prepare().and_then(|server| Ok((server, front()?))) {
            Ok(prepared) => prepared,
            Err(error) => {
                let skipped =
                    |client: &&Client| Row::new(client.name, client.stack, Outcome::Skipped(error.to_string()));
                return Ok(clients.iter().map(skipped).collect());
            }
        };
        let running = Running::start(&mut command(&server)?)?;
        let port = port_in(&running.line(READY, PATIENCE)?)?;
        for between in self.ways {
            let gateways = Gateways::start(&front, *between, (self.serves, port), directory)?;
            for client in &clients {
                let hops = client.hops(*between, self.serves);
                let (name, outcome) = match client.source.prepare() {
                    Ok(program) => {
                        (program.named(client.name), Outcome::Ran(self.run(&program, client.speaks, &gateways)))
                    }
                    Err(error) => (client.name.to_owned(), Outcome::Skipped(error.to_string())),
                };
                rows.push(Row::new(&format!("{name}, {hops}"), client.stack, outcome));
            }
        }
        Ok(rows)
    }

    fn run(&self, client: &Program, speaks: Version, gateways: &Gateways) -> Vec<Verdict> {
        let said = gateways.ask(client, speaks.name());
        let verdict = |case: &Case| {
            let verdict = match &said {
                Ok(verdicts) => verdicts.get(case.heading).cloned(),
                Err(error) => Some(Verdict::Failed(error.to_string())),
            };
            let verdict = verdict.unwrap_or_else(|| Verdict::Failed("the client says nothing of it".to_owned()));
            match (&verdict, case.logged) {
                (Verdict::Ok(_), Some(line)) => {
                    match gateways.logged(&filled(line, &[("protocol", speaks.logged())])) {
                        Ok(()) => verdict,
                        Err(error) => Verdict::Failed(error.to_string()),
                    }
                }
                _ => verdict,
            }
        };
        self.cases.iter().map(verdict).collect()
    }
}

impl Gateways {
    /// What `client` makes of each case.
    fn ask(&self, client: &Program, speaks: &str) -> io::Result<BTreeMap<String, Verdict>> {
        let json = serde_json::to_string(&Told { port: self.port, authority: &self.authority, speaks })?;
        let output = program::output(command(client)?.arg(json), ALL_CASES)?;
        let line = output.lines().last().unwrap_or_default();
        serde_json::from_str(line).map_err(|error| io::Error::other(format!("the client printed {line:?}: {error}")))
    }
}

impl Client {
    /// `h2 -> h3 -> h2`.
    fn hops(&self, between: Option<Between>, serves: Version) -> String {
        let hops = [Some(self.speaks), between.map(Between::version), Some(serves)];
        let hops: Vec<_> = hops.into_iter().flatten().map(Version::name).collect();
        hops.join(" -> ")
    }
}

impl Version {
    fn name(self) -> &'static str {
        match self {
            Self::Http1 => "h1",
            Self::Http2 => "h2",
            Self::Http3 => "h3",
        }
    }

    /// As `%PROTOCOL%` says it.
    fn logged(self) -> &'static str {
        match self {
            Self::Http1 => "HTTP/1.1",
            Self::Http2 => "HTTP/2",
            Self::Http3 => "HTTP/3",
        }
    }
}

/// How long all cases of a client may take.
const ALL_CASES: Duration = Duration::from_secs(120);
