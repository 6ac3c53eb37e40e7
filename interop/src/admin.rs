//! The admin interface of a gateway: Quicgate's, and what Envoy's has in common with it.

use std::{
    fs,
    io::{self, Read, Write},
    net::TcpStream,
    path::Path,
    thread,
    time::{Duration, Instant},
};

/// Where it listens.
pub(crate) struct Admin {
    address: String,
}

impl Admin {
    /// `path` is what the gateway was given as `--admin-address-path`.
    pub(crate) fn at(path: &Path) -> io::Result<Self> {
        Ok(Self { address: fs::read_to_string(path)? })
    }

    /// Asks the clients to go, while what is in flight goes on.
    pub(crate) fn drain(&self) -> io::Result<()> {
        self.ask("POST", "/drain_listeners?graceful").map(drop)
    }

    /// The counter or gauge of this name.
    pub(crate) fn stat(&self, name: &str) -> io::Result<u64> {
        let answer = self.ask("GET", &format!("/stats?filter={name}"))?;
        let value = answer.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(": "));
        let value = value.ok_or_else(|| io::Error::other(format!("/stats has no `{name}`")))?;
        value.trim().parse().map_err(io::Error::other)
    }

    /// Waits until the counter of this name is above `before`.
    pub(crate) fn above(&self, name: &str, before: u64, patience: Duration) -> io::Result<()> {
        let until = Instant::now() + patience;
        while self.stat(name)? <= before {
            if Instant::now() > until {
                return Err(io::Error::other(format!("`{name}` stays {before}")));
            }
            thread::yield_now();
        }
        Ok(())
    }

    fn ask(&self, method: &str, path: &str) -> io::Result<String> {
        let mut stream = TcpStream::connect(&self.address)?;
        write!(stream, "{method} {path} HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n")?;
        let mut answer = String::new();
        stream.read_to_string(&mut answer)?;
        if answer.starts_with("HTTP/1.1 200") {
            return Ok(answer);
        }
        Err(io::Error::other(format!("{path} answered {:?}", answer.lines().next().unwrap_or_default())))
    }
}
