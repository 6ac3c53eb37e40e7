//! Programs of Debian's stable release, unpacked under `interop/.peers` with every library they need.
//!
//! apt fetches and checks them with a state of its own, which takes nothing for installed; nothing is installed on this
//! machine. They run with their own loader and C library, so they run on another Debian, too.

use std::{
    fs, io,
    path::{Path, PathBuf},
    process::Command,
};

use super::{Home, Program, progress, script, step};

/// The script `file`, told in `QUICGATE_PEER` how to run what `package` holds.
pub(super) fn prepare(package: &str, file: &str) -> io::Result<Program> {
    let home = Home::filled(".peers", package, |home| fill(home, package))?;
    let version = fs::read_to_string(home.join("version"))?;
    let root = home.join("root").display().to_string();
    Ok(Program { command: vec!["python3".to_owned(), script(file), root], version: Some(version) })
}

/// Downloads `package` and all it depends on, and unpacks them.
fn fill(home: &Path, package: &str) -> io::Result<()> {
    if !Path::new(KEYRING).exists() {
        return Err(io::Error::other(format!("needs apt and Debian's keys in {KEYRING}")));
    }
    let state = home.join("apt");
    for folder in ["state/lists/partial", "cache/archives/partial", "etc"] {
        fs::create_dir_all(state.join(folder))?;
    }
    fs::write(state.join("status"), "")?;
    fs::write(state.join("etc/sources.list"), format!("deb [signed-by={KEYRING}] {ARCHIVE} {RELEASE} main\n"))?;
    step(apt("apt-get", &state).arg("update"))?;
    step(apt("apt-get", &state).args(["install", "--yes", "--download-only", "--no-install-recommends", package]))?;
    let root = home.join("root");
    let mut packages = 0;
    for file in fs::read_dir(state.join("cache/archives"))? {
        let file = file?.path();
        if file.extension().is_some_and(|extension| extension == "deb") {
            step(Command::new("dpkg-deb").arg("-x").arg(&file).arg(&root))?;
            packages += 1;
        }
    }
    progress(&format!("{package}: {packages} packages unpacked"));
    let shown = step(apt("apt-cache", &state).args(["show", "--no-all-versions", package]))?;
    let version = shown.lines().find_map(|line| line.strip_prefix("Version: ")).unwrap_or("of unknown version");
    fs::write(home.join("version"), upstream(version))?;
    fs::remove_dir_all(state)
}

/// `tool` with everything it reads and writes under `state`.
fn apt(tool: &str, state: &Path) -> Command {
    let mut command = Command::new(tool);
    let mut set = |name: &str, value: PathBuf| {
        command.arg("-o").arg(format!("{name}={}", value.display()));
    };
    set("Dir::State", state.join("state"));
    set("Dir::State::status", state.join("status"));
    set("Dir::Cache", state.join("cache"));
    set("Dir::Etc::sourcelist", state.join("etc/sources.list"));
    set("Dir::Etc::sourceparts", state.join("etc"));
    set("Dir::Etc::preferencesparts", state.join("etc"));
    command.args(["-o", "APT::Sandbox::User="]);
    command
}

/// The version without what Debian adds to it.
fn upstream(version: &str) -> &str {
    let version = version.split_once(':').map_or(version, |(_, version)| version);
    version.rsplit_once('-').map_or(version, |(version, _)| version)
}

const ARCHIVE: &str = "http://deb.debian.org/debian";
const RELEASE: &str = "trixie";
const KEYRING: &str = "/usr/share/keyrings/debian-archive-keyring.gpg";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_upstream_version() {
        assert_eq!(upstream("8.14.1-2+deb13u5"), "8.14.1");
        assert_eq!(upstream("1:1.2-3-4"), "1.2-3");
        assert_eq!(upstream("1.0"), "1.0");
    }
}
