//! Whose alternatives are known: a name that handshakes ask for, or an address where they ask for none, and the port of TCP.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use crate::tls::Asked;

/// An origin behind a cluster; its scheme is https.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Origin {
    /// A name in lower case, and the port.
    Named(Arc<str>, u16),
    /// A host whose connections ask for no name.
    Address(SocketAddr),
}

impl Origin {
    /// What a connection to `host` that asks for `asked` speaks for.
    #[must_use]
    pub fn of(asked: &Asked, host: SocketAddr) -> Self {
        asked.sni().map_or(Self::Address(host), |name| Self::Named(Arc::clone(name), host.port()))
    }

    /// As it is written in a configuration.
    pub(super) fn written(hostname: &str, port: u16) -> Self {
        match hostname.parse::<IpAddr>() {
            Ok(ip) => Self::Address(SocketAddr::new(ip, port)),
            Err(_) => Self::Named(Arc::from(hostname.to_ascii_lowercase()), port),
        }
    }

    /// The name; an address has none.
    pub(super) fn name(&self) -> Option<&str> {
        match self {
            Self::Named(name, _) => Some(name),
            Self::Address(_) => None,
        }
    }

    /// The port of TCP.
    pub(super) fn port(&self) -> u16 {
        match self {
            Self::Named(_, port) => *port,
            Self::Address(address) => address.port(),
        }
    }

    /// Whether that is the host of this origin.
    pub(super) fn is_on(&self, host: &str) -> bool {
        match self {
            Self::Named(name, _) => name.eq_ignore_ascii_case(host),
            Self::Address(address) => {
                host.trim_matches(['[', ']']).parse::<IpAddr>().is_ok_and(|host| host == address.ip())
            }
        }
    }
}
