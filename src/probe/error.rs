//! Why a probe failed, and what a person can do next.

use std::{error::Error, fmt, io, net::SocketAddr, time::Duration};

use super::{
    fault::{ProtocolFault, TlsFault},
    outcome::Outcome,
    target::Target,
    usage::UsageError,
};

/// Why there is no whole response.
#[derive(Debug)]
pub(super) enum ProbeError {
    Usage(UsageError),
    /// The host's name has no address.
    Resolve {
        host: String,
        source: io::Error,
    },
    /// Nobody answers, address by address.
    Connect(Vec<Unreachable>),
    /// The TLS handshake failed.
    Tls(TlsFault),
    /// The connection stands, but HTTP does not come out of it.
    Protocol(ProtocolFault),
    /// The time was up.
    Timeout {
        phase: Phase,
        after: Duration,
    },
}

/// One address, tried in vain.
#[derive(Debug)]
pub(super) struct Unreachable {
    pub(super) address: SocketAddr,
    pub(super) transport: Transport,
    pub(super) source: io::Error,
}

/// What carries the connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Transport {
    Tcp,
    Udp,
}

/// What was being waited for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Phase {
    Resolving,
    Connecting(Transport),
    Handshaking,
    Responding,
}

impl ProbeError {
    pub(super) fn outcome(&self) -> Outcome {
        match self {
            Self::Usage(_) => Outcome::Other,
            Self::Resolve { .. }
            | Self::Connect(_)
            | Self::Timeout { phase: Phase::Resolving | Phase::Connecting(_), .. } => Outcome::NotConnected,
            Self::Tls(_) => Outcome::TlsFailed,
            Self::Protocol(_) | Self::Timeout { .. } => Outcome::ProtocolFailed,
        }
    }

    /// What to try next, where something is known to help.
    pub(super) fn next_step(&self, target: Option<&Target>) -> Option<String> {
        let port = target.map(|target| target.port).unwrap_or_default();
        match self {
            Self::Usage(error) => error.next_step(),
            Self::Resolve { .. } => Some("check the name, or write an address instead".into()),
            Self::Connect(attempts) if attempts.iter().any(|attempt| attempt.transport == Transport::Udp) => {
                Some(format!("is there an HTTP/3 listener on UDP port {port}? Without --http3 the probe uses TCP"))
            }
            Self::Connect(_) => Some(format!("is the server running, and listening on TCP port {port}?")),
            Self::Timeout { phase: Phase::Connecting(Transport::Udp), .. } => Some(format!(
                "is there an HTTP/3 listener, and does every firewall let UDP port {port} through? Without --http3 the probe uses TCP"
            )),
            Self::Timeout { .. } => Some("allow more time with --timeout-s N".into()),
            Self::Tls(fault) => fault.next_step(target),
            Self::Protocol(fault) => fault.next_step(target),
        }
    }
}

impl From<UsageError> for ProbeError {
    fn from(error: UsageError) -> Self {
        Self::Usage(error)
    }
}

impl fmt::Display for ProbeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Usage(error) => error.fmt(f),
            Self::Resolve { host, source } => write!(f, "{host} does not resolve: {source}"),
            Self::Connect(attempts) => {
                f.write_str("no connection")?;
                for (index, attempt) in attempts.iter().enumerate() {
                    let before = if index == 0 { ": " } else { "; " };
                    write!(f, "{before}{} ({}): {}", attempt.address, attempt.transport, attempt.source)?;
                }
                Ok(())
            }
            Self::Tls(fault) => write!(f, "the TLS handshake failed: {fault}"),
            Self::Protocol(fault) => fault.fmt(f),
            Self::Timeout { phase, after } => write!(f, "no answer within {} s, while {phase}", after.as_secs()),
        }
    }
}

impl fmt::Display for Transport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Tcp => "tcp",
            Self::Udp => "udp",
        })
    }
}

impl fmt::Display for Phase {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Resolving => f.write_str("resolving the name"),
            Self::Connecting(transport) => write!(f, "connecting over {transport}"),
            Self::Handshaking => f.write_str("waiting for the TLS handshake"),
            Self::Responding => f.write_str("waiting for the response"),
        }
    }
}

impl Error for ProbeError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match self {
            Self::Usage(error) => Some(error),
            Self::Resolve { source, .. } => Some(source),
            Self::Tls(fault) => Some(fault),
            Self::Protocol(fault) => Some(fault),
            Self::Connect(_) | Self::Timeout { .. } => None,
        }
    }
}
