//! The gateway under test: built from this workspace, in front of its own demo backend.

use std::{
    env, fs,
    io::{self, BufRead, BufReader},
    net::{Ipv4Addr, UdpSocket},
    path::{Path, PathBuf},
    process::{Child, ChildStdout, Command, Stdio},
};

use tempfile::TempDir;

use crate::certificates;

/// A running gateway and the backend behind it; both end with this value.
pub(crate) struct Gateway {
    directory: TempDir,
    port: u16,
    _programs: [Running; 2],
}

impl Gateway {
    /// Builds the gateway, starts the demo backend, then the gateway, and waits until it says that it is ready.
    pub(crate) fn start() -> io::Result<Self> {
        let quicgate = build()?;
        let directory = tempfile::tempdir()?;
        certificates::write(directory.path())?;
        let demo = Running::start(Command::new(&quicgate).args(["demo", "--address", "127.0.0.1:0"]), "http://")?;
        let port = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()?.port();
        let yaml = include_str!("gateway.yaml")
            .replace("${port}", &port.to_string())
            .replace("${demo}", &demo.port()?.to_string())
            .replace("${dir}", &directory.path().display().to_string());
        let file = directory.path().join("gateway.yaml");
        fs::write(&file, yaml)?;
        let gateway = Running::start(Command::new(&quicgate).arg("-c").arg(&file), "ready in")?;
        Ok(Self { directory, port, _programs: [demo, gateway] })
    }

    pub(crate) fn url(&self) -> String {
        format!("https://localhost:{}", self.port)
    }

    /// The authority that signed its certificate.
    pub(crate) fn authority(&self) -> PathBuf {
        self.directory.path().join("ca.crt")
    }
}

/// A program that has said the line that was waited for.
struct Running {
    child: Child,
    line: String,
    /// Kept, so that what it prints later does not end it.
    output: BufReader<ChildStdout>,
}

impl Running {
    /// Starts `command` and waits for a line that contains `sign`.
    fn start(command: &mut Command, sign: &str) -> io::Result<Self> {
        let mut child = command.stdin(Stdio::null()).stdout(Stdio::piped()).spawn()?;
        let output = child.stdout.take().ok_or_else(|| io::Error::other("a pipe that was asked for"))?;
        let mut running = Self { child, line: String::new(), output: BufReader::new(output) };
        while !running.line.contains(sign) {
            running.line.clear();
            if running.output.read_line(&mut running.line)? == 0 {
                return Err(io::Error::other(format!("{command:?} ended without saying `{sign}`")));
            }
        }
        Ok(running)
    }

    /// The port of the address in its line.
    fn port(&self) -> io::Result<u16> {
        let after = self.line.split("127.0.0.1:").nth(1).unwrap_or_default();
        let digits: String = after.chars().take_while(char::is_ascii_digit).collect();
        digits.parse().map_err(|_| io::Error::other(format!("no address in {:?}", self.line)))
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // It may have ended already.
        drop((self.child.kill(), self.child.wait()));
    }
}

/// Has Cargo build `quicgate` in the profile of this program, and says where it is.
fn build() -> io::Result<PathBuf> {
    let cargo = env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let profile: &[&str] = if cfg!(debug_assertions) { &[] } else { &["--release"] };
    let manifest = Path::new(env!("CARGO_MANIFEST_DIR")).join("../Cargo.toml");
    let arguments = ["build", "--quiet", "--package", "quicgate", "--bin", "quicgate", "--manifest-path"];
    let status = Command::new(cargo).args(arguments).arg(manifest).args(profile).status()?;
    if !status.success() {
        return Err(io::Error::other("the gateway does not build"));
    }
    Ok(env::current_exe()?.with_file_name("quicgate"))
}
