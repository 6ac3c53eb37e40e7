//! The repository as its users have it: its texts, and a copy in which commands can be run.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use tempfile::TempDir;

use crate::support::certificates::Certificates;

/// A file of the repository, as text.
pub(crate) fn text(path: &str) -> String {
    fs::read_to_string(root().join(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}

/// The repository itself.
pub(crate) fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// The names of all files in `config/`.
pub(crate) fn examples() -> Vec<String> {
    let entries = fs::read_dir(root().join("config")).expect("the examples");
    let name = |entry: fs::DirEntry| entry.file_name().to_string_lossy().into_owned();
    let mut names: Vec<String> = entries.map(|entry| name(entry.expect("an example"))).collect();
    names.sort();
    names
}

/// A clone after the first start of the demo: `config/`, and `certs/` with what the examples read. What they expect in
/// `/etc/quicgate` is in `etc/`.
pub(crate) struct Clone(TempDir);

impl Clone {
    pub(crate) fn new() -> Self {
        let clone = Self(tempfile::tempdir().expect("a temporary directory"));
        let certificates = Certificates::of_this_run();
        for (directory, name) in [("certs", "localhost"), ("etc/certs", "tls")] {
            clone.write(&format!("{directory}/{name}.crt"), &certificates.certificate);
            clone.write(&format!("{directory}/{name}.key"), &certificates.key);
        }
        clone.write("certs/ca.crt", &certificates.authority);
        let etc = clone.path().join("etc").display().to_string();
        for name in examples() {
            let path = format!("config/{name}");
            clone.write(&path, &text(&path).replace("/etc/quicgate", &etc));
        }
        clone
    }

    pub(crate) fn path(&self) -> &Path {
        self.0.path()
    }

    pub(crate) fn write(&self, path: &str, text: &str) {
        let path: PathBuf = self.path().join(path);
        fs::create_dir_all(path.parent().expect("a file in a directory")).expect("a directory of our own");
        fs::write(path, text).expect("a file of our own");
    }

    /// Runs a program here.
    pub(crate) fn run(&self, program: impl AsRef<Path>, arguments: &[&str]) -> Said {
        let program = program.as_ref();
        let output = Command::new(program).args(arguments).current_dir(self.path()).output();
        let output = output.unwrap_or_else(|error| panic!("run {}: {error}", program.display()));
        let text = |bytes| String::from_utf8_lossy(bytes).into_owned();
        Said { code: output.status.code(), stdout: text(&output.stdout), stderr: text(&output.stderr) }
    }

    /// Runs `quicgate` here.
    pub(crate) fn quicgate(&self, arguments: &[&str]) -> Said {
        self.run(env!("CARGO_BIN_EXE_quicgate"), arguments)
    }

    /// `quicgate --mode validate` on a file here.
    pub(crate) fn validate(&self, path: &str) -> Said {
        self.quicgate(&["--mode", "validate", "-c", path])
    }
}

/// How a command ended and what it wrote.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Said {
    pub(crate) code: Option<i32>,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl Said {
    /// What `--mode validate` says of a file without a fault and without a warning.
    pub(crate) fn ok(path: &str) -> Self {
        Self { code: Some(0), stdout: format!("configuration '{path}' OK\n"), stderr: String::new() }
    }
}
