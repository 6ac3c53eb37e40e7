//! Makes clients and servers of others ready to run, once, in `interop/.venv` and `interop/.peers`.

mod cargo;
mod debian;
mod python;

use std::{
    fs,
    io::{self, Write},
    path::{Path, PathBuf},
    process::Command,
    time::Duration,
};

use crate::program;

pub(crate) use self::cargo::build;

/// Where a program comes from.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Source {
    /// A script of `interop/peers` in an environment with this package (`name==version`).
    Python { package: &'static str, script: &'static str },
    /// A script of `interop/peers` that runs programs of Debian.
    Debian { package: &'static str, script: &'static str },
    /// A program of this package.
    Own { bin: &'static str },
    /// A package of its own under `interop`, which is no member of the workspace.
    Apart { folder: &'static str },
}

/// A program that is ready to run.
#[derive(Clone, Debug)]
pub(crate) struct Program {
    pub(crate) command: Vec<String>,
    /// The version of what it runs, where that is known only now.
    pub(crate) version: Option<String>,
}

impl Program {
    /// The name of what it runs, with its version.
    pub(crate) fn named(&self, name: &str) -> String {
        match &self.version {
            Some(version) => format!("{name} {version}"),
            None => name.to_owned(),
        }
    }
}

impl Source {
    /// Installs or builds it if that was not done yet; an error says why it cannot be had here.
    pub(crate) fn prepare(self) -> io::Result<Program> {
        match self {
            Self::Python { package, script } => python::prepare(package, script),
            Self::Debian { package, script } => debian::prepare(package, script),
            Self::Own { bin } => {
                Ok(Program { command: vec![build("quicgate-interop", bin)?.display().to_string()], version: None })
            }
            Self::Apart { folder } => cargo::apart(folder),
        }
    }
}

/// A directory that is filled once; only a full one counts.
struct Home {
    path: PathBuf,
}

impl Home {
    /// `interop/FOLDER/NAME`, filled by `fill` if it is not full yet.
    fn filled(folder: &str, name: &str, fill: impl FnOnce(&Path) -> io::Result<()>) -> io::Result<PathBuf> {
        let home = Self { path: interop().join(folder).join(name) };
        let complete = home.path.join("complete");
        if !complete.exists() {
            progress(&format!("{name}: installing into interop/{folder}"));
            if home.path.exists() {
                fs::remove_dir_all(&home.path)?;
            }
            fs::create_dir_all(&home.path)?;
            fill(&home.path)?;
            fs::write(complete, "")?;
        }
        Ok(home.path)
    }
}

/// The folder of this package.
fn interop() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// The file of `interop/peers`.
fn script(name: &str) -> String {
    interop().join("peers").join(name).display().to_string()
}

/// Runs a step of an installation.
fn step(command: &mut Command) -> io::Result<String> {
    program::output(command, PATIENCE)
}

/// Says what takes long.
fn progress(line: &str) {
    // Nobody reads it: no reason to stop.
    let _ = writeln!(io::stderr(), "{line}");
}

/// How long one step may take: a network that does not answer ends here.
const PATIENCE: Duration = Duration::from_secs(120);
