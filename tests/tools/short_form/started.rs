//! A `quicgate run`, started in a directory of its own.

use std::fs::{self, File};
use std::net::SocketAddr;
use std::path::Path;
use std::process::{Child, Command, Stdio};

use tempfile::TempDir;

use crate::support::certificates::Certificates;
use crate::support::client::{Client, Version};
use crate::support::deadline::until;
use crate::support::ports;
use crate::support::program::Gateway;

/// A running edge; it is killed when dropped.
pub(super) struct Started {
    child: Child,
    directory: TempDir,
    /// What it printed once it was ready.
    pub(super) banner: String,
    pub(super) https: SocketAddr,
    pub(super) http: SocketAddr,
    authority: String,
}

impl Started {
    /// `quicgate run` on loopback with these options, one `--site` for each of `sites`, and ports that are free.
    pub(super) async fn with(sites: &[String], options: &[&str]) -> Self {
        for _ in 0..ATTEMPTS {
            if let Some(started) = Self::attempt(sites, options).await {
                return started;
            }
        }
        panic!("the port for http was taken {ATTEMPTS} times before it was bound");
    }

    /// `None` when another program was faster to take the port for http, which is not the edge's choice.
    async fn attempt(sites: &[String], options: &[&str]) -> Option<Self> {
        let directory = tempfile::tempdir().unwrap();
        let http = SocketAddr::from(([127, 0, 0, 1], ports::reserve()));
        let (printed, errors) = (directory.path().join("printed"), directory.path().join("errors"));
        let mut child = Gateway::command()
            .arg("run")
            .args(sites.iter().flat_map(|site| ["--site", site]))
            .args(["--address", "127.0.0.1", "--https-port", "0", "--http-port", &http.port().to_string()])
            .args(["--admin-address", "127.0.0.1:0", "--concurrency", "2"])
            .args(options)
            .current_dir(directory.path())
            .stdin(Stdio::null())
            .stdout(File::create(&printed).unwrap())
            .stderr(File::create(&errors).unwrap())
            .spawn()
            .unwrap();
        let banner = until("the edge is ready, or has ended", async || {
            let text = fs::read_to_string(&printed).unwrap_or_default();
            let ended = child.try_wait().unwrap().is_some();
            (ended || text.contains("Ctrl-C")).then_some(text)
        })
        .await;
        if !banner.contains("Ctrl-C") {
            let said = fs::read_to_string(&errors).unwrap();
            assert!(said.contains("is taken by another process"), "{said}");
            return None;
        }
        let port = banner.split("https://localhost:").nth(1).unwrap().split_whitespace().next().unwrap();
        let authority = fs::read_dir(directory.path().join("certs/sites"))
            .ok()
            .map(|mut entries| fs::read_to_string(entries.next().unwrap().unwrap().path().join("ca.crt")).unwrap());
        let authority = authority.unwrap_or_else(|| Certificates::of_this_run().authority.clone());
        let https = SocketAddr::from(([127, 0, 0, 1], port.parse().unwrap()));
        Some(Self { child, directory, banner, https, http, authority })
    }

    /// A connection of that version under TLS, which trusts the authority made by the edge, or that of this run.
    pub(super) async fn client(&self, version: Version) -> Client {
        let tls = Certificates::client_trusting(&self.authority, &[version.alpn()]);
        let connected = match version {
            Version::Http1 => Client::http1(self.https, Some(tls)).await,
            Version::Http2 => Client::http2(self.https, Some(tls)).await,
            Version::Http3 => Client::http3(self.https, tls).await,
        };
        connected.unwrap_or_else(|error| panic!("connect over {version:?}: {error}\n{}", self.errors()))
    }

    /// A connection to the port in the clear.
    pub(super) async fn clear(&self) -> Client {
        Client::http1(self.http, None).await.unwrap()
    }

    /// A command of the banner, run in the directory of the edge by a shell, which finds this `quicgate`.
    pub(super) async fn shell(&self, line: &str) -> std::process::Output {
        let folder = Path::new(env!("CARGO_BIN_EXE_quicgate")).parent().unwrap().display().to_string();
        let path = format!("{folder}:{}", std::env::var("PATH").unwrap_or_default());
        let mut command = Command::new("sh");
        command.args(["-c", line]).env("PATH", path).current_dir(self.path());
        // The backend answers on this thread's runtime: the wait must not block it.
        tokio::task::spawn_blocking(move || command.output().unwrap()).await.unwrap()
    }

    pub(super) fn path(&self) -> &Path {
        self.directory.path()
    }

    fn errors(&self) -> String {
        fs::read_to_string(self.path().join("errors")).unwrap_or_default()
    }
}

impl Drop for Started {
    fn drop(&mut self) {
        drop((self.child.kill(), self.child.wait()));
    }
}

const ATTEMPTS: usize = 5;
