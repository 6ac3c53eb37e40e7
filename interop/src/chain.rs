//! `client → gateway → server`: a gateway as an HTTP/3 client, with what it counts and what the server sees of it.

use std::{
    fs, io,
    path::{Path, PathBuf},
    process::Command,
    sync::mpsc::{Receiver, sync_channel},
    thread,
};

use serde::Serialize;

use crate::{
    admin::Admin,
    ask::{Ask, Said},
    backends::{Backends, PATIENCE, filled, free_udp_port},
    case::{Case, ENDLESS, Verdict},
    files::Files,
    program::Running,
    provision::{self, Program},
    upstream::{Leaves, Upstream},
};

/// What stands in front of a server.
pub(crate) enum Front {
    Quicgate,
    /// The real Envoy.
    Envoy(Program),
}

/// A server with what is behind it and the front before it; all end with this value.
pub(crate) struct Chain<'a> {
    url: String,
    authority: PathBuf,
    admin: Admin,
    client: &'a Program,
    files: &'a Files,
    front: Running,
    server: Running,
    backends: Backends,
}

/// What a server is told, as its last argument, in JSON.
#[derive(Serialize)]
struct Start<'a> {
    port: u16,
    /// `server.crt` and `server.key` are here, and there is room for its files.
    directory: &'a Path,
    /// Ports of the backends, for a server that is a proxy.
    demo: u16,
    backend: u16,
}

impl<'a> Chain<'a> {
    /// Starts `server`, then `front`, which asks it over HTTP/3. `directory` has the certificates.
    pub(crate) fn start(
        server: &Program,
        front: &Front,
        client: &'a Program,
        directory: &Path,
        files: &'a Files,
    ) -> io::Result<Self> {
        let backends = Backends::start()?;
        let start =
            Start { port: free_udp_port()?, directory, demo: backends.demo_port, backend: backends.backend.port() };
        let json = serde_json::to_string(&start).map_err(io::Error::other)?;
        let server = started(command(server)?.arg(json), READY)?;
        let port = free_udp_port()?;
        let values = [
            ("port", port.to_string()),
            ("upstream", start.port.to_string()),
            ("dir", directory.display().to_string()),
            ("socket", front.socket().to_owned()),
        ];
        let values = values.each_ref().map(|(name, value)| (*name, value.as_str()));
        let (file, admin) = (directory.join("front.yaml"), directory.join("front-admin"));
        fs::write(&file, filled(include_str!("front.yaml"), &values))?;
        let front = front.start(&file, &admin, 1)?;
        let (url, authority) = (format!("https://localhost:{port}"), directory.join("ca.crt"));
        Ok(Self { url, authority, admin: Admin::at(&admin)?, client, files, front, server, backends })
    }

    /// Runs all cases.
    pub(crate) fn run(&mut self, upstream: &Upstream) -> io::Result<Vec<Verdict>> {
        let run = |case: &Case| {
            if let Some((_, reason)) = upstream.cannot.iter().find(|(cannot, _)| cannot == case) {
                return Ok(Verdict::Cannot((*reason).to_owned()));
            }
            self.files.clear()?;
            match case {
                Case::Cancel => self.cancel(),
                Case::Goaway => self.goaway(upstream.leaves).map(|done| done.map_or_else(Verdict::Failed, Verdict::Ok)),
                _ => Ok(case.verdict(self.ask(*case).put_to(&self.client.command), self.files)),
            }
        };
        Case::ALL.iter().map(run).collect()
    }

    fn ask(&self, case: Case) -> Ask {
        // The front itself stays.
        Ask { await_goaway: false, ..case.ask(&self.url, &self.authority, self.files) }
    }

    /// The client gives a download up, and so must the front, on a connection that goes on.
    fn cancel(&self) -> io::Result<Verdict> {
        let connections = self.admin.stat(CONNECTIONS)?;
        let verdict = Case::Cancel.verdict(self.ask(Case::Cancel).put_to(&self.client.command), self.files);
        if !matches!(verdict, Verdict::Ok(_)) {
            return Ok(verdict);
        }
        let logged = self.front.line(&format!("access {ENDLESS} "), PATIENCE)?;
        let mut words = logged.split(' ').skip(2);
        let (sent, flags) = (words.next(), words.next().unwrap_or_default());
        if sent == ENDLESS.rsplit('/').next() {
            return Ok(Verdict::Failed("the front took all of it".to_owned()));
        }
        if self.server.line(CANCELLED, PATIENCE).is_err() {
            return Ok(Verdict::Failed("the server does not know of it".to_owned()));
        }
        Ok(match self.admin.stat(CONNECTIONS)? - connections {
            0 => {
                Verdict::Ok(format!("the server knows of it; served again on the same connection; logged with {flags}"))
            }
            _ => Verdict::Failed("served again on another connection".to_owned()),
        })
    }

    /// The server goes while a response is on its way: it comes whole, and the next request goes to a new connection.
    fn goaway(&mut self, leaves: Leaves) -> io::Result<Result<String, String>> {
        let (connections, notices) = (self.admin.stat(CONNECTIONS)?, self.admin.stat(NOTICES)?);
        let held = self.begin(Case::Goaway);
        let arrived = self.backends.backend.arrived().recv_timeout(PATIENCE);
        if arrived.is_err() {
            return Ok(Err("the request does not arrive".to_owned()));
        }
        self.server.tell("drain")?;
        self.server.line(DRAINING, PATIENCE)?;
        if leaves == Leaves::ForGood {
            self.backends.backend.release();
            let whole = self.end(Case::Goaway, &held)?;
            self.server.line(READY, PATIENCE)?;
            return Ok(
                whole.and(self.next(connections, "the response came whole, and the next of the server started again")?)
            );
        }
        if leaves == Leaves::WithNextResponse
            && let Err(failure) = self.asked(Case::Get)?
        {
            return Ok(Err(format!("the last request of the connection: {failure}")));
        }
        self.admin.above(NOTICES, notices, PATIENCE)?;
        let next = self.next(connections, "the next on a new connection meanwhile, and the response came whole")?;
        self.backends.backend.release();
        Ok(self.end(Case::Goaway, &held)?.and(next))
    }

    /// Another request, which has to go to a new connection.
    fn next(&self, connections: u64, said: &str) -> io::Result<Result<String, String>> {
        if let Err(failure) = self.asked(Case::Get)? {
            return Ok(Err(format!("the next request: {failure}")));
        }
        Ok(match self.admin.stat(CONNECTIONS)? - connections {
            1 => Ok(said.to_owned()),
            more => Err(format!("the next request: {more} new connections")),
        })
    }

    fn asked(&self, case: Case) -> io::Result<Result<(), String>> {
        let ended = self.begin(case);
        self.end(case, &ended)
    }

    fn begin(&self, case: Case) -> Receiver<Said> {
        let (ended, end) = sync_channel(1);
        let (ask, command) = (self.ask(case), self.client.command.clone());
        // Nobody waits for it any more when the run has failed.
        thread::spawn(move || ended.send(ask.put_to(&command)));
        end
    }

    fn end(&self, case: Case, ended: &Receiver<Said>) -> io::Result<Result<(), String>> {
        Ok(match ended.recv().map_err(io::Error::other)? {
            Said::Seen(seen) => case.reply(&seen, self.files).map(drop),
            Said::Cannot(reason) | Said::Failed(reason) => Err(reason),
        })
    }
}

impl Front {
    /// What the configuration of its UDP socket needs beside `quic_options`.
    pub(crate) fn socket(&self) -> &'static str {
        match self {
            Self::Quicgate => "",
            // Without it Envoy drops batches of datagrams on loopback.
            Self::Envoy(_) => ", downstream_socket_config: { prefer_gro: true }",
        }
    }

    /// Starts it with so many workers, and waits until it is ready.
    pub(crate) fn start(&self, file: &Path, admin: &Path, workers: u32) -> io::Result<Running> {
        let concurrency = ["--concurrency".to_owned(), workers.to_string()];
        match self {
            Self::Quicgate => {
                let mut quicgate = Command::new(provision::build("quicgate", "quicgate")?);
                quicgate.args(concurrency).args(["--log-level", "error", "--admin-address-path"]).arg(admin);
                started(quicgate.arg("-c").arg(file), "ready in")
            }
            Self::Envoy(program) => started(command(program)?.arg(file).arg(admin).args(concurrency), READY),
        }
    }
}

pub(crate) fn command(program: &Program) -> io::Result<Command> {
    let (name, arguments) = program.command.split_first().ok_or_else(|| io::Error::other("an empty command"))?;
    let mut command = Command::new(name);
    command.args(arguments);
    Ok(command)
}

/// Starts a program and waits until it says that it is ready.
pub(crate) fn started(command: &mut Command, sign: &str) -> io::Result<Running> {
    let running = Running::start(command)?;
    running.line(sign, PATIENCE)?;
    Ok(running)
}

/// What the programs of `interop/peers` print.
pub(crate) const READY: &str = "interop: ready";
const CANCELLED: &str = "interop: cancelled";
const DRAINING: &str = "interop: draining";

/// What a front counts: its connections to the server, and those that the server wanted to end.
const CONNECTIONS: &str = "cluster.server.upstream_cx_total";
const NOTICES: &str = "cluster.server.upstream_cx_close_notify";
