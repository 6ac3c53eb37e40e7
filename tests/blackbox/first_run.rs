//! The first minute: one command, nothing to prepare, and the commands that it prints.

use std::path::Path;
use std::process::{Child, Command, Stdio};

use crate::support::deadline::until;

/// The demo, started in a directory of its own with its ports moved out of the way of others.
struct Demo {
    child: Child,
    directory: tempfile::TempDir,
}

impl Demo {
    /// Starts it and returns what it printed once it is ready.
    async fn start() -> (Self, String) {
        let directory = tempfile::tempdir().expect("a temporary directory");
        let printed = directory.path().join("printed");
        let child = Command::new(env!("CARGO_BIN_EXE_quicgate"))
            .current_dir(directory.path())
            .args(["--concurrency", "2"])
            .stdin(Stdio::null())
            .stdout(std::fs::File::create(&printed).expect("a file of our own"))
            .stderr(std::fs::File::create(directory.path().join("stderr")).expect("a file of our own"))
            .spawn()
            .expect("run the gateway");
        let mut demo = Self { child, directory };
        let text = until("the demo to be ready, or another to hold its ports", async || {
            let text = std::fs::read_to_string(&printed).unwrap_or_default();
            let ended = demo.child.try_wait().expect("our own child").is_some();
            (ended || text.contains("Ctrl-C")).then_some(text)
        })
        .await;
        (demo, text)
    }

    fn path(&self) -> &Path {
        self.directory.path()
    }

    fn run(&self, line: &str) -> std::process::Output {
        let mut words = line.split_whitespace();
        let program = match words.next() {
            Some("quicgate") => env!("CARGO_BIN_EXE_quicgate"),
            Some(other) => other,
            None => panic!("no command in {line:?}"),
        };
        Command::new(program)
            .args(words)
            .current_dir(self.path())
            .output()
            .unwrap_or_else(|error| panic!("{line}: {error}"))
    }
}

impl Drop for Demo {
    fn drop(&mut self) {
        drop((self.child.kill(), self.child.wait()));
    }
}

/// One test, because the demo has fixed ports: those that it prints.
#[tokio::test]
async fn the_printed_commands_run() {
    let (demo, printed) = Demo::start().await;
    let errors = std::fs::read_to_string(demo.path().join("stderr")).unwrap_or_default();
    if errors.contains("is taken by another process") {
        eprintln!("skipped: the_printed_commands_run: something on this host holds the demo's ports: {errors}");
        return;
    }
    assert!(printed.starts_with("Quicgate "), "{printed}");
    assert!(
        printed.contains("https://localhost:10443   HTTP/3 (udp)  HTTP/2  HTTP/1.1   -> demo backend"),
        "{printed}"
    );
    assert!(printed.contains("admin http://localhost:9901"), "{printed}");
    let lines = printed.lines().skip_while(|line| !line.starts_with("Try")).take(2);
    let commands: Vec<&str> = lines.map(|line| line.trim_start_matches("Try").trim()).collect();
    assert_eq!(commands.len(), 2, "{printed}");
    for command in commands {
        if command.starts_with("curl") && Command::new("curl").arg("--version").output().is_err() {
            eprintln!("skipped: {command}: curl is not installed");
            continue;
        }
        let output = demo.run(command);
        let said = String::from_utf8_lossy(&output.stdout);
        assert!(output.status.success(), "{command}: {said} {}", String::from_utf8_lossy(&output.stderr));
    }
    let probe = demo.run("quicgate probe --http3 --json --cacert certs/ca.crt https://localhost:10443/trailers");
    let report: serde_json::Value = serde_json::from_slice(&probe.stdout).expect("the report is JSON");
    assert_eq!(report["status"], 200, "{report}");
    for (file, private) in [("ca.crt", false), ("ca.key", true), ("localhost.crt", false), ("localhost.key", true)] {
        use std::os::unix::fs::PermissionsExt;
        let mode = std::fs::metadata(demo.path().join("certs").join(file)).expect("it is there").permissions().mode();
        assert!(!private || mode.trailing_zeros() >= 6, "{file}: {mode:o}");
    }
}
