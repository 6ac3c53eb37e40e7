//! A backend of a site: an address and port, or a name that is looked up.

use std::fmt;
use std::net::{IpAddr, Ipv6Addr, SocketAddr};
use std::str::FromStr;

/// Where requests go.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Backend {
    /// An address.
    Address(SocketAddr),
    /// A name, which becomes addresses before anything serves.
    Name {
        /// The name.
        host: String,
        /// The port.
        port: u16,
    },
}

/// Why a text is no backend.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum BackendError {
    /// Nothing is there.
    Empty,
    /// It asks for what is not implemented: TLS, or another protocol.
    NotImplemented(&'static str),
    /// It is a URL; this is the part that is meant.
    Url(String),
    /// It has a path; this is what stands before.
    Path(String),
    /// It has no port.
    NoPort(String),
    /// It is only a port.
    OnlyPort,
    /// Its port is none.
    Port(String),
    /// An IPv6 address stands without brackets.
    Brackets,
    /// What stands in brackets is no IPv6 address.
    NotIpv6,
    /// It has four numbers, or three, and is no IPv4 address.
    NotIpv4,
    /// The host holds a character that names do not have, or is none.
    Host,
}

// === impl Backend ===

impl FromStr for Backend {
    type Err = BackendError;

    fn from_str(text: &str) -> Result<Self, BackendError> {
        without_scheme(text)?;
        if let Some((before, _)) = text.split_once('/') {
            return Err(BackendError::Path(before.to_owned()));
        }
        if text.bytes().all(|byte| byte.is_ascii_digit()) {
            return Err(if text.is_empty() { BackendError::Empty } else { BackendError::OnlyPort });
        }
        if text.parse::<Ipv6Addr>().is_ok() {
            return Err(BackendError::Brackets);
        }
        let (host, port) = match text.rsplit_once(':') {
            Some((host, port)) if !port.contains(']') => (host, port),
            _ => return Err(BackendError::NoPort(text.to_owned())),
        };
        let address = address(host)?;
        let port = match port.parse() {
            Ok(0) | Err(_) => return Err(BackendError::Port(port.to_owned())),
            Ok(number) => number,
        };
        Ok(match address {
            Some(ip) => Self::Address(SocketAddr::new(ip, port)),
            None => Self::Name { host: host.to_ascii_lowercase(), port },
        })
    }
}

impl fmt::Display for Backend {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Address(address) => address.fmt(f),
            Self::Name { host, port } => write!(f, "{host}:{port}"),
        }
    }
}

// === impl BackendError ===

impl fmt::Display for BackendError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let message = match self {
            Self::Empty => "is missing: write an address and port, with one comma between two of them",
            Self::NotImplemented(what) => {
                return write!(
                    f,
                    "asks for {what} to the backend, which is not implemented yet: give HOST:PORT of one that speaks HTTP/1.1 in the clear"
                );
            }
            Self::Url(authority) => return write!(f, "is a URL: write {} alone", shown(authority)),
            Self::Path(before) => {
                return write!(
                    f,
                    "has a path, and requests keep the one they came with: write {} alone",
                    shown(before)
                );
            }
            Self::NoPort(host) => return write!(f, "has no port: write {}:8080, or the port it has", shown(host)),
            Self::OnlyPort => "is a port alone: write 127.0.0.1 and a colon before it, or another address",
            Self::Port(port) => return write!(f, "has the port `{}`: ports are 1 to 65535", port.escape_debug()),
            Self::Brackets => "is an IPv6 address without brackets: write [::1]:8080",
            Self::NotIpv6 => "has no IPv6 address in its brackets: write [::1]:8080",
            Self::NotIpv4 => "has no IPv4 address, which is four numbers up to 255: write 127.0.0.1:8080",
            Self::Host => "has no host name or address before its port: write 127.0.0.1:8080 or app.internal:8080",
        };
        f.write_str(message)
    }
}

/// A host or authority as it may stand in advice.
fn shown(text: &str) -> String {
    if text.is_empty() { "the address".to_owned() } else { text.escape_debug().to_string() }
}

fn without_scheme(text: &str) -> Result<(), BackendError> {
    if text.starts_with("unix:") || text.starts_with('/') {
        return Err(BackendError::NotImplemented("a Unix socket"));
    }
    let Some((scheme, rest)) = text.split_once("://") else { return Ok(()) };
    Err(match scheme.to_ascii_lowercase().as_str() {
        "http" => BackendError::Url(rest.split('/').next().unwrap_or_default().to_owned()),
        "https" => BackendError::NotImplemented("TLS"),
        "h2" | "h2c" | "grpc" => BackendError::NotImplemented("HTTP/2"),
        "h3" => BackendError::NotImplemented("HTTP/3"),
        _ => BackendError::NotImplemented("another protocol"),
    })
}

/// The address that stands before the port; `None` for a name.
fn address(host: &str) -> Result<Option<IpAddr>, BackendError> {
    if let Some(inside) = host.strip_prefix('[') {
        let ip = inside.strip_suffix(']').and_then(|inside| inside.parse::<Ipv6Addr>().ok());
        return ip.map(|ip| Some(ip.into())).ok_or(BackendError::NotIpv6);
    }
    if host.contains(':') {
        return Err(BackendError::Brackets);
    }
    if let Ok(ip) = host.parse() {
        return Ok(Some(ip));
    }
    // Container names have underscores, which names on the Internet have not.
    let known = |char: char| char.is_ascii_alphanumeric() || "-_.".contains(char);
    let begins_well = host.starts_with(|char: char| char.is_ascii_alphanumeric() || char == '_');
    if !begins_well || !host.chars().all(known) || host.contains("..") || host.len() > 253 {
        return Err(BackendError::Host);
    }
    let last = host.trim_end_matches('.').rsplit('.').next().unwrap_or_default();
    if last.bytes().all(|byte| byte.is_ascii_digit()) { Err(BackendError::NotIpv4) } else { Ok(None) }
}
