//! What was typed and cannot be done.

use std::{error::Error, fmt, io, path::PathBuf};

use http::HeaderName;
use rustls::pki_types::pem;

/// What was typed cannot be done.
#[derive(Debug)]
pub(super) enum UsageError {
    Url {
        url: String,
        why: &'static str,
    },
    Method {
        method: String,
    },
    Header {
        field: String,
    },
    ReservedHeader {
        name: HeaderName,
    },
    DataFile {
        path: PathBuf,
        source: io::Error,
    },
    CaFile {
        path: PathBuf,
        source: pem::Error,
    },
    /// The file holds no certificate that can be a root.
    NoRoot {
        path: PathBuf,
    },
    NoSystemRoots,
    Http3WithoutTls,
    /// The host is neither a name nor an address that TLS can verify.
    ServerName {
        host: String,
    },
}

impl UsageError {
    /// What to type instead, where there is one thing to say.
    pub(super) fn next_step(&self) -> Option<String> {
        match self {
            Self::Header { .. } => Some("write it as 'name: value'".into()),
            Self::Http3WithoutTls => Some("write https://, or leave --http3 out".into()),
            Self::NoSystemRoots => Some("install the system's CA certificates, or pass --cacert FILE".into()),
            Self::CaFile { .. } | Self::NoRoot { .. } => {
                Some("--cacert takes a PEM file; Quicgate's local CA is in certs/ca.crt".into())
            }
            _ => None,
        }
    }
}

impl fmt::Display for UsageError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Url { url, why } => write!(f, "cannot probe '{url}': {why}"),
            Self::Method { method } => write!(f, "'{method}' is not a method that the probe can send"),
            Self::Header { field } => write!(f, "'{field}' is not a header field"),
            Self::ReservedHeader { name } => write!(f, "'{name}' is set by the probe itself"),
            Self::DataFile { path, source } => write!(f, "cannot read {}: {source}", path.display()),
            Self::CaFile { path, source } => write!(f, "cannot read certificates from {}: {source}", path.display()),
            Self::NoRoot { path } => write!(f, "{} holds no certificate of an authority", path.display()),
            Self::NoSystemRoots => f.write_str("this system has no CA certificates"),
            Self::Http3WithoutTls => f.write_str("HTTP/3 is always encrypted"),
            Self::ServerName { host } => write!(f, "'{host}' is not a host name that a certificate can hold"),
        }
    }
}

impl Error for UsageError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match self {
            Self::DataFile { source, .. } => Some(source),
            Self::CaFile { source, .. } => Some(source),
            _ => None,
        }
    }
}
