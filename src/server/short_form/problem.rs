//! Why the options together make no edge.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::{fmt, io};

use crate::server::local_ca::LocalCaError;

/// What is wrong, of what is right option by option.
#[derive(Debug)]
pub(super) enum Problem {
    /// Two sites have one name and path.
    Twice(String),
    /// A backend's name has no address.
    LookUp { host: String, source: io::Error },
    /// Two listeners want one port of TCP: the options that say so.
    SamePort(u16, [&'static str; 2]),
    /// No port is free on TCP and UDP.
    NoPort(SocketAddr, io::Error),
    /// The name of a file cannot stand in a configuration.
    FileName(PathBuf),
    /// A file that is needed cannot be read.
    File { option: &'static str, path: PathBuf, source: io::Error },
    /// Certificates cannot be made.
    Certificates(LocalCaError),
    /// A configuration is given besides.
    Configuration,
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Twice(place) => write!(
                f,
                "--site {place} is given twice: give it once, with all its backends, as \
                 {place}=127.0.0.1:8080,127.0.0.1:8081"
            ),
            Self::LookUp { host, source } => write!(
                f,
                "the backend `{host}` has no address: {source}; correct the name, or give an address and port, as \
                 127.0.0.1:8080"
            ),
            Self::SamePort(port, [one, other]) => {
                write!(f, "{one} and {other} are both on port {port}: give one of them another port")
            }
            Self::NoPort(address, source) => {
                write!(f, "no port of {} is free on TCP and UDP: {source}; give one with --https-port", address.ip())
            }
            Self::FileName(path) => write!(
                f,
                "the file name `{}` cannot be written into a configuration: give one in UTF-8 and without control \
                 characters",
                shown(path)
            ),
            Self::File { option, path, source } => {
                write!(f, "{option}: cannot read `{}`: {source}; give a PEM file that this user may read", shown(path))
            }
            Self::Certificates(error) => write!(f, "{error}; or bring your own with --cert FILE --key FILE"),
            Self::Configuration => f.write_str(
                "the configuration is made of --site: leave -c and --config-yaml out, or serve a file with \
                 `quicgate -c FILE`",
            ),
        }
    }
}

/// The name of a file as a terminal may have it.
fn shown(path: &Path) -> String {
    path.display().to_string().escape_debug().to_string()
}

impl std::error::Error for Problem {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::LookUp { source, .. } | Self::NoPort(_, source) | Self::File { source, .. } => Some(source),
            Self::Certificates(error) => Some(error),
            Self::Twice(_) | Self::SamePort(..) | Self::FileName(_) | Self::Configuration => None,
        }
    }
}
