//! Programs that Cargo builds: those of this workspace, and packages apart from it that need more than a C compiler.

use std::{
    env,
    ffi::OsString,
    io,
    path::{Path, PathBuf},
    process::Command,
    time::Duration,
};

use super::{Home, Program, interop, progress, python};
use crate::program;

/// Has Cargo build a program of the workspace in the profile of this one, and says where it is.
pub(crate) fn build(package: &str, bin: &str) -> io::Result<PathBuf> {
    let profile: &[&str] = if cfg!(debug_assertions) { &[] } else { &["--release"] };
    let manifest = interop().join("../Cargo.toml");
    let arguments = ["build", "--quiet", "--locked", "--package", package, "--bin", bin, "--manifest-path"];
    let status = Command::new(cargo()).args(arguments).arg(manifest).args(profile).status()?;
    if !status.success() {
        return Err(io::Error::other(format!("`{bin}` of `{package}` does not build")));
    }
    Ok(env::current_exe()?.with_file_name(bin))
}

/// Builds the package in `interop/FOLDER`, with cmake and libclang installed by pip.
pub(super) fn apart(folder: &str) -> io::Result<Program> {
    let tools = Home::filled(".venv", TOOLS, |home| python::install(home, TOOLS))?;
    let target = interop().join(".peers").join(folder);
    progress(&format!("{folder}: building in interop/.peers; the first time takes minutes"));
    let mut command = Command::new(cargo());
    command.args(["build", "--quiet", "--locked", "--manifest-path"]);
    command.arg(interop().join(folder).join("Cargo.toml")).arg("--target-dir").arg(&target);
    command.env("PATH", with_first(&tools.join("bin"))?);
    command.env("LIBCLANG_PATH", libclang(&tools)?);
    // The libclang of pip comes without the headers of a compiler: those of the C compiler will do.
    let headers = program::output(Command::new("cc").arg("-print-file-name=include"), BUILD)?;
    command.env("BINDGEN_EXTRA_CLANG_ARGS", format!("-I{}", headers.trim()));
    program::output(&mut command, BUILD)?;
    let binary = target.join("debug").join(format!("quicgate-interop-{folder}"));
    Ok(Program { command: vec![binary.display().to_string()], version: None })
}

fn cargo() -> OsString {
    env::var_os("CARGO").unwrap_or_else(|| "cargo".into())
}

/// The search path with `folder` before the rest.
fn with_first(folder: &Path) -> io::Result<OsString> {
    let path = env::var_os("PATH").unwrap_or_default();
    env::join_paths(std::iter::once(folder.to_owned()).chain(env::split_paths(&path))).map_err(io::Error::other)
}

/// The folder that holds libclang in the environment `tools`.
fn libclang(tools: &Path) -> io::Result<String> {
    let ask = "import clang, pathlib; print(pathlib.Path(clang.__path__[0]) / 'native')";
    Ok(program::output(Command::new(tools.join("bin/python")).args(["-c", ask]), BUILD)?.trim().to_owned())
}

const TOOLS: &str = "cmake==4.4.4 libclang==18.1.1";

/// How long a build may take.
const BUILD: Duration = Duration::from_secs(1800);
