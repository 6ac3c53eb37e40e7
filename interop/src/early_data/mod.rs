//! `--early-data N`: clients that come back, with one worker and with more, at Quicgate and at the real Envoy.
//!
//! Each client takes a ticket from one connection and sends a request in early data on the next, from another port. What is
//! counted is whether the server took it, and, at the backend, which requests came with `early-data: 1`: before the handshake
//! was complete.

mod backend;

use std::{
    fs,
    io::{self, Write},
    path::Path,
    process::Command,
    time::Duration,
};

use serde::{Deserialize, Serialize};

use self::backend::Backend;
use crate::{
    backends::{filled, free_udp_port},
    chain::Front,
    program,
    provision::{Program, Source},
    upstream::ENVOY,
};

/// Runs both clients against both gateways with every number of workers, and prints a row for each.
pub(crate) fn run(clients: u32, directory: &Path, out: &mut impl Write) -> io::Result<()> {
    let fronts = [("Quicgate", Front::Quicgate), ("Envoy 1.40.0", Front::Envoy(ENVOY.prepare()?))];
    let asking: Vec<(String, Program)> = CLIENTS
        .iter()
        .map(|(name, source)| source.prepare().map(|client| (client.named(name), client)))
        .collect::<io::Result<_>>()?;
    writeln!(out, "{}", heading())?;
    for (client, program) in &asking {
        for workers in WORKERS {
            for (name, front) in &fronts {
                let counted = one(front, program, (workers, clients), directory)?;
                writeln!(out, "{}", row(client, workers, name, &counted, clients))?;
            }
        }
    }
    Ok(())
}

/// What came of one run.
struct Counted {
    said: Seen,
    /// Requests that the backend got early: those without content, and the others.
    early: (usize, usize),
}

fn one(front: &Front, client: &Program, (workers, clients): (u32, u32), directory: &Path) -> io::Result<Counted> {
    let backend = Backend::start()?;
    let port = free_udp_port()?;
    let values = [
        ("port", port.to_string()),
        ("backend", backend.port().to_string()),
        ("dir", directory.display().to_string()),
        ("socket", front.socket().to_owned()),
    ];
    let values = values.each_ref().map(|(name, value)| (*name, value.as_str()));
    let (file, admin) = (directory.join("early_data.yaml"), directory.join("early-data-admin"));
    fs::write(&file, filled(include_str!("early_data.yaml"), &values))?;
    let _running = front.start(&file, &admin, workers)?;
    let ask = Ask { url: format!("https://localhost:{port}"), authority: &directory.join("ca.crt"), clients };
    let json = serde_json::to_string(&ask).map_err(io::Error::other)?;
    let (name, arguments) = client.command.split_first().ok_or_else(|| io::Error::other("an empty command"))?;
    let output = program::output(Command::new(name).args(arguments).arg(json), PATIENCE)?;
    let line = output.lines().last().unwrap_or_default();
    match serde_json::from_str(line).map_err(io::Error::other)? {
        Said::Seen(said) => Ok(Counted { said, early: backend.early() }),
        Said::Failed(reason) => Err(io::Error::other(reason)),
    }
}

/// What the adapters of this are told.
#[derive(Serialize)]
struct Ask<'a> {
    url: String,
    authority: &'a Path,
    clients: u32,
}

/// What they say.
#[derive(Deserialize)]
#[serde(rename_all = "lowercase")]
enum Said {
    Seen(Seen),
    Failed(String),
}

/// Of the clients that came back.
#[derive(Deserialize)]
struct Seen {
    /// Those whose session was resumed, where the client shows it.
    resumed: Option<u32>,
    /// Those whose early data was accepted.
    accepted: u32,
    /// Those all of whose requests were answered.
    answered: u32,
}

fn heading() -> String {
    format!(
        "{:20} {:>7}  {:12}  {:>9}  {:>9}  {:>9}  {:>9}  {:>10}",
        "client", "workers", "gateway", "resumed", "accepted", "answered", "GET early", "POST early"
    )
}

fn row(client: &str, workers: u32, front: &str, counted: &Counted, clients: u32) -> String {
    let of = |count: u32| format!("{count}/{clients}");
    let Counted { said, early: (get, post) } = counted;
    let resumed = said.resumed.map_or("not shown".to_owned(), of);
    let (accepted, answered) = (of(said.accepted), of(said.answered));
    format!("{client:20} {workers:>7}  {front:12}  {resumed:>9}  {accepted:>9}  {answered:>9}  {get:>9}  {post:>10}")
}

const CLIENTS: [(&str, Source); 2] = [
    ("aioquic 1.7.2", Source::Python { package: "aioquic==1.7.2", script: "aioquic_early_data.py" }),
    ("gtlsclient", Source::Debian { package: "ngtcp2-client", script: "gtlsclient_early_data.py" }),
];

const WORKERS: [u32; 4] = [1, 2, 4, 8];

/// How long all clients of one run may take.
const PATIENCE: Duration = Duration::from_secs(1800);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_row_stands_under_its_heading() {
        let said = Seen { resumed: None, accepted: 29, answered: 30 };
        let row = row("gtlsclient", 2, "Envoy 1.40.0", &Counted { said, early: (29, 0) }, 30);
        assert_eq!(row.len(), heading().len(), "{row}");
        assert!(row.contains("not shown") && row.contains("29/30"), "{row}");
    }

    #[test]
    fn a_client_says_what_it_saw() {
        let said = serde_json::from_str("{\"seen\": {\"resumed\": null, \"accepted\": 1, \"answered\": 2}}").unwrap();
        assert!(matches!(said, Said::Seen(Seen { resumed: None, accepted: 1, answered: 2 })));
    }
}
