//! Packages that pip installs, each in an environment of its own under `interop/.venv`.

use std::{io, path::Path, process::Command};

use super::{Home, Program, script, step};

/// The script `file`, run with `package` (`name==version`).
pub(super) fn prepare(package: &str, file: &str) -> io::Result<Program> {
    let home = Home::filled(".venv", package, |home| install(home, package))?;
    Ok(Program { command: vec![home.join("bin/python").display().to_string(), script(file)], version: None })
}

/// Makes an environment with `package`.
pub(super) fn install(home: &Path, package: &str) -> io::Result<()> {
    step(Command::new("python3").args(["-m", "venv"]).arg(home))?;
    let pip = ["-m", "pip", "install", "--quiet", "--disable-pip-version-check"];
    step(Command::new(home.join("bin/python")).args(pip).args(package.split(' ')))?;
    Ok(())
}
