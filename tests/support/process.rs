//! A running program under test.
//!
//! Each process gets a directory of its own, which `${dir}` in its YAML names: the configuration, `server.crt` and
//! `server.key` (for `localhost` and `a.test`, under the authority of this run), what it says on its standard streams,
//! and the access logs it writes there. When a test fails, what it said is printed with the failure.

use std::{
    collections::BTreeMap,
    fs::{self, File},
    net::SocketAddr,
    path::Path,
    process::{Child, Command, ExitStatus, Stdio},
};

use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;
use tempfile::TempDir;

use super::{
    certificates::Certificates,
    client::{Client, Version},
    deadline::until,
    log::Log,
    message::{Reply, Request},
    program::Program,
    stats::Stats,
};

/// A running program; it is killed when dropped.
pub(crate) struct Process {
    pub(crate) name: &'static str,
    child: Child,
    directory: TempDir,
    admin: SocketAddr,
    listeners: BTreeMap<String, SocketAddr>,
}

impl Process {
    /// Starts `program` on this YAML and waits until it is LIVE.
    pub(crate) async fn start(program: &Program, yaml: &str) -> Self {
        Self::try_start(program, yaml).await.unwrap_or_else(|said| panic!("{} does not start: {said}", program.name))
    }

    /// As [`Self::start`]; `Err` holds what the program said when it ended instead.
    pub(crate) async fn try_start(program: &Program, yaml: &str) -> Result<Self, String> {
        let directory = tempfile::tempdir().expect("a temporary directory");
        let child = spawn(program, directory.path(), yaml);
        let nowhere = SocketAddr::from(([127, 0, 0, 1], 0));
        let mut process = Self { name: program.name, child, directory, admin: nowhere, listeners: BTreeMap::new() };
        process.admin = until("the file with the admin address", async || process.admin_address()).await?;
        until(format_args!("{} is LIVE", program.name), async || process.live().await).await?;
        process.listeners = listeners(&process.admin("/listeners?format=json").await.text());
        Ok(process)
    }

    /// Where the listener of this name listens.
    pub(crate) fn address(&self, listener: &str) -> SocketAddr {
        let found = self.listeners.get(listener).copied();
        found.unwrap_or_else(|| panic!("no listener {listener:?} among {:?}", self.listeners.keys()))
    }

    /// Connects to a listener under TLS, trusting the authority of this run.
    pub(crate) async fn client(&self, version: Version, listener: &str) -> Client {
        let address = self.address(listener);
        let tls = Certificates::of_this_run().client(&[version.alpn()]);
        let connected = match version {
            Version::Http1 => Client::http1(address, Some(tls)).await,
            Version::Http2 => Client::http2(address, Some(tls)).await,
            Version::Http3 => Client::http3(address, tls).await,
        };
        connected.unwrap_or_else(|error| panic!("connect to {listener} over {version:?}: {error}"))
    }

    /// Connects to a listener without TLS, over HTTP/1.1.
    pub(crate) async fn plain_client(&self, listener: &str) -> Client {
        let connected = Client::http1(self.address(listener), None).await;
        connected.unwrap_or_else(|error| panic!("connect to {listener}: {error}"))
    }

    /// GET on the admin interface.
    pub(crate) async fn admin(&self, path: &str) -> Reply {
        self.try_admin("GET", path).await.expect("the admin interface answers")
    }

    /// POST on the admin interface.
    pub(crate) async fn admin_post(&self, path: &str) -> Reply {
        self.try_admin("POST", path).await.expect("the admin interface answers")
    }

    /// Counters and gauges used so far, by name.
    pub(crate) async fn stats(&self) -> Stats {
        Stats::parse(&self.admin("/stats?usedonly").await.text())
    }

    /// The log written to this file of `${dir}`.
    pub(crate) fn log(&self, file: &str) -> Log {
        Log::new(self.directory.path().join(file))
    }

    /// Its directory, `${dir}` in the YAML.
    pub(crate) fn directory(&self) -> &Path {
        self.directory.path()
    }

    pub(crate) fn standard_error(&self) -> String {
        fs::read_to_string(self.directory.path().join(STANDARD_ERROR)).unwrap_or_default()
    }

    pub(crate) fn standard_output(&self) -> String {
        fs::read_to_string(self.directory.path().join(STANDARD_OUTPUT)).unwrap_or_default()
    }

    pub(crate) fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Asks it to stop, as a service manager would.
    pub(crate) fn terminate(&self) {
        self.signal(Signal::TERM);
    }

    pub(crate) fn signal(&self, signal: Signal) {
        kill_process(Pid::from_child(&self.child), signal).expect("signal our own child");
    }

    /// Waits for its end.
    pub(crate) async fn exit(&mut self) -> ExitStatus {
        let name = self.name;
        until(format_args!("the end of {name}"), async || self.child.try_wait().expect("our own child")).await
    }

    async fn try_admin(&self, method: &str, path: &str) -> Option<Reply> {
        let client = Client::http1(self.admin, None).await.ok()?;
        Some(client.send(Request::new(method, path)).await)
    }

    fn admin_address(&mut self) -> Option<Result<SocketAddr, String>> {
        let written = fs::read_to_string(self.directory.path().join(ADMIN_ADDRESS)).ok();
        match written.and_then(|text| text.trim().parse().ok()) {
            Some(address) => Some(Ok(address)),
            None => self.ended().map(Err),
        }
    }

    async fn live(&mut self) -> Option<Result<(), String>> {
        match self.try_admin("GET", "/ready").await {
            Some(ready) if ready.status == 200 && ready.text().trim() == "LIVE" => Some(Ok(())),
            _ => self.ended().map(Err),
        }
    }

    /// How it ended and what it said, if it has ended.
    fn ended(&mut self) -> Option<String> {
        let status = self.child.try_wait().expect("our own child")?;
        Some(format!("{status}\n{}", self.standard_error()))
    }
}

impl Drop for Process {
    #[expect(clippy::print_stderr, reason = "what the program said belongs to the failure of the test")]
    fn drop(&mut self) {
        // It may have ended already.
        drop(self.child.kill());
        drop(self.child.wait());
        if !std::thread::panicking() {
            return;
        }
        for entry in fs::read_dir(self.directory.path()).into_iter().flatten().flatten() {
            let name = entry.file_name().to_string_lossy().into_owned();
            if name == STANDARD_ERROR || entry.path().extension().is_some_and(|extension| extension == "log") {
                let text = fs::read_to_string(entry.path()).unwrap_or_default();
                eprintln!("--- {} {name} ---\n{text}", self.name);
            }
        }
    }
}

fn spawn(program: &Program, directory: &Path, yaml: &str) -> Child {
    let path = directory.display().to_string();
    let mut yaml = yaml.replace("${dir}", &path);
    if !yaml.lines().any(|line| line.starts_with("admin:")) {
        yaml.push_str(ADMIN);
    }
    let certificates = Certificates::of_this_run();
    let written = [
        ("config.yaml", &yaml),
        ("ca.crt", &certificates.authority),
        ("server.crt", &certificates.certificate),
        ("server.key", &certificates.key),
    ];
    for (name, text) in written {
        fs::write(directory.join(name), text).expect("write to a directory of our own");
    }
    let stream = |name| File::create(directory.join(name)).expect("write to a directory of our own");
    Command::new(&program.executable)
        .arg("-c")
        .arg(directory.join("config.yaml"))
        .arg("--admin-address-path")
        .arg(directory.join(ADMIN_ADDRESS))
        .args(["--concurrency", &program.workers.to_string()])
        .args(program.arguments)
        // The authority of this run is all that the system trusts.
        .env("SSL_CERT_FILE", directory.join("ca.crt"))
        .env_remove("SSL_CERT_DIR")
        .stdin(Stdio::null())
        .stdout(stream(STANDARD_OUTPUT))
        .stderr(stream(STANDARD_ERROR))
        .spawn()
        .unwrap_or_else(|error| panic!("run {}: {error}", program.executable.display()))
}

/// Names and addresses in the answer of `/listeners?format=json`.
fn listeners(json: &str) -> BTreeMap<String, SocketAddr> {
    let answer: Value = serde_json::from_str(json).expect("/listeners answers JSON");
    let status = |listener: &Value| {
        let address = &listener["local_address"]["socket_address"];
        let ip = address["address"].as_str()?.parse().ok()?;
        let port = u16::try_from(address["port_value"].as_u64()?).ok()?;
        Some((listener["name"].as_str()?.to_owned(), SocketAddr::new(ip, port)))
    };
    answer["listener_statuses"].as_array().into_iter().flatten().filter_map(status).collect()
}

const ADMIN_ADDRESS: &str = "admin-address";

const STANDARD_ERROR: &str = "stderr";

const STANDARD_OUTPUT: &str = "stdout";

const ADMIN: &str = "
admin:
  address: { socket_address: { address: 127.0.0.1, port_value: 0 } }
";
