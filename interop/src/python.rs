//! Clients written in Python, each in an environment of its own under `interop/.venv`.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

/// The interpreter of an environment that has `package` (`name==version`); `Err` says why there is none.
pub(crate) fn interpreter(package: &str) -> Result<PathBuf, String> {
    let home = Path::new(env!("CARGO_MANIFEST_DIR")).join(".venv").join(package);
    let python = home.join("bin").join("python");
    let complete = home.join("complete");
    if complete.exists() {
        return Ok(python);
    }
    run("python3", &["-m", "venv", "--clear", &home.to_string_lossy()])?;
    run(&python.to_string_lossy(), &["-m", "pip", "install", "--quiet", package])?;
    fs::write(&complete, "").map_err(|error| format!("{}: {error}", complete.display()))?;
    Ok(python)
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
