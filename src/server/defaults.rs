//! What is served without a configuration: the embedded default, in front of a demo backend, under a local CA.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use super::local_ca::{self, LocalCa, LocalCaError, Names};
use crate::config::Source;

/// The embedded default with what it needs on this host.
#[derive(Debug)]
pub(super) struct Demo {
    /// The certificates.
    pub ca: LocalCa,
    /// The configuration.
    pub source: Source,
}

impl Demo {
    /// Prepares the default for a demo backend at `backend`, with certificates in `state_dir`.
    ///
    /// # Errors
    /// When there is no directory in which certificates could be made.
    pub(super) fn prepare(state_dir: Option<&Path>, backend: SocketAddr) -> Result<Self, LocalCaError> {
        let ca = certificates(state_dir, Path::new("certs"), &Names::loopback())?;
        let text = TEXT
            .replace(LEAF, &ca.leaf_cert.to_string_lossy())
            .replace(KEY, &ca.leaf_key.to_string_lossy())
            .replace(BACKEND, &format!("port_value: {}", backend.port()));
        Ok(Self { ca, source: Source::Text { name: "default.yaml".to_owned(), text } })
    }
}

/// Makes or finds certificates for these names, `below` `state_dir`; where none is given, below the current directory, or,
/// where that cannot be written, below the user's directory for state.
///
/// # Errors
/// When there is no directory in which certificates could be made.
pub(super) fn certificates(state_dir: Option<&Path>, below: &Path, names: &Names) -> Result<LocalCa, LocalCaError> {
    let now = SystemTime::now();
    let ensure = |dir: &Path| local_ca::ensure(&dir.join(below), names, now);
    match (state_dir, ensure(state_dir.unwrap_or(Path::new(".")))) {
        (None, Err(error)) => match user_state() {
            Some(dir) => ensure(&dir).map_err(|_| error),
            None => Err(error),
        },
        (_, outcome) => outcome,
    }
}

/// `$XDG_STATE_HOME/quicgate`, or what stands for it.
fn user_state() -> Option<PathBuf> {
    let given = |name| std::env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
    let state = given("XDG_STATE_HOME").or_else(|| Some(given("HOME")?.join(".local/state")))?;
    Some(state.join("quicgate"))
}

/// The default: a file like any other, which also loads as it stands.
const TEXT: &str = include_str!("../../config/default.yaml");
const LEAF: &str = "certs/localhost.crt";
const KEY: &str = "certs/localhost.key";
const BACKEND: &str = "port_value: 10081";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_default_names_what_is_replaced() {
        for name in [LEAF, KEY, BACKEND] {
            assert!(TEXT.contains(name), "{name}");
        }
    }
}
