//! Why the local CA cannot be had, in words that say which file and what to do.

use std::{error::Error, fmt, io, path::PathBuf};

/// Why `ensure` failed.
#[derive(Debug)]
pub enum LocalCaError {
    /// A file that is there cannot be read.
    Read {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// A file or the directory cannot be written.
    Write {
        /// The file or directory.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// A new CA is needed, and the one that is there was not made by Quicgate.
    ForeignAuthority {
        /// Its certificate.
        path: PathBuf,
    },
    /// A certificate could not be made.
    Issue(rcgen::Error),
    /// What was just written does not hold together: somebody else writes there without taking the lock.
    Unsound {
        /// The directory.
        dir: PathBuf,
    },
}

impl LocalCaError {
    /// Whether what is there may still serve: only replacing it failed.
    pub(super) fn is_about_writing(&self) -> bool {
        matches!(self, Self::Write { .. })
    }
}

impl fmt::Display for LocalCaError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Read { path, source } => {
                write!(
                    f,
                    "cannot read {}: {source}; let this user read it, or choose another directory with --state-dir DIR",
                    path.display()
                )
            }
            Self::Write { path, source } => {
                write!(
                    f,
                    "cannot write {}: {source}; choose a directory that this user may write with --state-dir DIR",
                    path.display()
                )
            }
            Self::ForeignAuthority { path } => write!(
                f,
                "{} was not made by Quicgate and no longer serves, so it is not overwritten: \
                 move it away, or choose another directory with --state-dir DIR",
                path.display()
            ),
            Self::Issue(source) => write!(f, "cannot make a certificate: {source}"),
            Self::Unsound { dir } => write!(
                f,
                "the certificates just written to {} do not belong together: another program writes there; \
                 stop it, or choose another directory with --state-dir DIR",
                dir.display()
            ),
        }
    }
}

impl Error for LocalCaError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match self {
            Self::Read { source, .. } | Self::Write { source, .. } => Some(source),
            Self::Issue(source) => Some(source),
            Self::ForeignAuthority { .. } | Self::Unsound { .. } => None,
        }
    }
}
