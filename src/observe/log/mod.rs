//! The process's own log: one line per event, to standard error or to a file.
//!
//! Every floor logs through `tracing`; the target, which is the module's path, names the component: `quicgate::listener::tcp`
//! is `listener`. `server` calls [`Logs::install`] once; `admin` changes levels while the process runs ([`Levels`]). A line
//! that a peer can provoke goes through [`Limited`] first. Levels are Envoy's, and so is the syntax of a line ([`Pattern`]).

mod level;
mod limited;
mod line;
mod pattern;

use std::fmt;
use std::fs::{File, OpenOptions};
use std::io::{self, IsTerminal as _, Write};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use tracing_subscriber::Registry;
use tracing_subscriber::layer::SubscriberExt as _;

pub use level::{Level, LevelError, Levels, components};
pub use limited::Limited;
pub use pattern::{Pattern, PatternError};

use self::line::Lines;

/// Where log lines go.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Destination {
    /// Standard error, in colours where it is a terminal.
    #[default]
    Stderr,
    /// A file that is appended to.
    File(PathBuf),
}

/// The log, once it is set up. Clones are the same log.
#[derive(Clone, Debug)]
pub struct Logs {
    levels: Levels,
    output: Arc<Output>,
}

/// A log that cannot be set up.
#[derive(Debug)]
pub enum LogError {
    /// The file cannot be opened.
    Open {
        /// Its path.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// Another log has been installed in this process.
    Installed,
}

/// What lines are written to.
struct Output {
    to: Mutex<Box<dyn Write + Send>>,
    /// The file's path, where it is one.
    path: Option<PathBuf>,
    colours: bool,
}

// === impl Logs ===

impl Logs {
    /// Sends every event of the process to `destination`, filtered by `levels`, in lines of this `pattern`.
    ///
    /// # Errors
    /// [`LogError`] where the file cannot be opened, or where there is a log already.
    pub fn install(levels: Levels, destination: &Destination, pattern: Pattern) -> Result<Self, LogError> {
        let output = Arc::new(Output::open(destination)?);
        let lines = Registry::default().with(Lines::new(levels.clone(), Arc::clone(&output), pattern));
        tracing::subscriber::set_global_default(lines).map_err(|_| LogError::Installed)?;
        Ok(Self { levels, output })
    }

    /// The levels, to read and to change.
    #[must_use]
    pub fn levels(&self) -> &Levels {
        &self.levels
    }

    /// Opens the log file anew, after a rotation has moved it away; nothing where lines go to standard error.
    ///
    /// # Errors
    /// [`LogError::Open`]; the old file is then written on.
    pub fn reopen(&self) -> Result<(), LogError> {
        match &self.output.path {
            None => Ok(()),
            Some(path) => {
                self.output.replace(Box::new(open(path)?));
                Ok(())
            }
        }
    }
}

// === impl Output ===

impl Output {
    fn open(destination: &Destination) -> Result<Self, LogError> {
        Ok(match destination {
            Destination::Stderr => {
                Self { to: Mutex::new(Box::new(io::stderr())), path: None, colours: io::stderr().is_terminal() }
            }
            Destination::File(path) => {
                Self { to: Mutex::new(Box::new(open(path)?)), path: Some(path.clone()), colours: false }
            }
        })
    }

    /// Writes one whole line. Where that fails there is no place to say so.
    fn write(&self, line: &str) {
        let mut to = self.to.lock().unwrap_or_else(PoisonError::into_inner);
        let _ = to.write_all(line.as_bytes());
    }

    fn replace(&self, to: Box<dyn Write + Send>) {
        *self.to.lock().unwrap_or_else(PoisonError::into_inner) = to;
    }
}

impl fmt::Debug for Output {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Output").field("path", &self.path).field("colours", &self.colours).finish_non_exhaustive()
    }
}

// === impl LogError ===

impl fmt::Display for LogError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Open { path, source } => {
                write!(f, "cannot open the log file {}: {source}; name a file that can be written", path.display())
            }
            Self::Installed => f.write_str("this process has a log already: set it up once, at the start"),
        }
    }
}

impl std::error::Error for LogError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Open { source, .. } => Some(source),
            Self::Installed => None,
        }
    }
}

fn open(path: &Path) -> Result<File, LogError> {
    let opened = OpenOptions::new().append(true).create(true).open(path);
    opened.map_err(|source| LogError::Open { path: path.to_owned(), source })
}

#[cfg(test)]
mod tests;
