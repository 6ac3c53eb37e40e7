//! What can go wrong once a server answers: in the TLS handshake, and in HTTP.

use std::{error::Error, fmt, io};

use rustls::{AlertDescription, CertificateError};

use super::{
    args::Version,
    target::{Scheme, Target},
};

/// Why the TLS handshake failed.
#[derive(Debug)]
pub(super) enum TlsFault {
    /// Ours or the peer's, as rustls says it.
    Rustls(rustls::Error),
    /// The QUIC handshake ended with this alert (RFC 9001 §4.8), without a cause of our own.
    Alert { code: u8, reason: String },
    /// The connection ended in the middle of the handshake.
    Broken(io::Error),
}

/// Why HTTP does not come out of a connection that stands.
#[derive(Debug)]
pub(super) enum ProtocolFault {
    Http1(hyper::Error),
    Http2(h2::Error),
    Http3(h3::error::StreamError),
    Http3Connection(h3::error::ConnectionError),
    Quic(quinn::ConnectionError),
    /// The server chose another protocol than the one asked for, or none.
    Alpn {
        wanted: Version,
        chosen: Option<String>,
    },
    /// RFC 9110 §8.6: the body is not as long as `content-length` says.
    Length {
        declared: u64,
        received: u64,
    },
    /// RFC 9114 §7.1: the stream ended inside a frame.
    FrameCut,
}

impl TlsFault {
    /// What to try next, where something is known to help.
    pub(super) fn next_step(&self, target: Option<&Target>) -> Option<String> {
        match self {
            Self::Rustls(rustls::Error::InvalidCertificate(error)) => certificate_step(error, target),
            Self::Rustls(rustls::Error::AlertReceived(AlertDescription::NoApplicationProtocol)) => {
                Some("the server does not speak this version here: try --http1, --http2 or --http3".into())
            }
            Self::Rustls(rustls::Error::AlertReceived(AlertDescription::CertificateRequired)) => {
                Some("the server wants a client certificate, which the probe does not have".into())
            }
            Self::Alert { code, .. } if *code == u8::from(AlertDescription::NoApplicationProtocol) => {
                Some("the server speaks QUIC, but not HTTP/3: try without --http3".into())
            }
            Self::Rustls(rustls::Error::InvalidMessage(_)) => {
                Some("the server does not speak TLS on this port: is it http:// that is meant?".into())
            }
            _ => None,
        }
    }

    /// From what a TLS stream's handshake returned.
    pub(super) fn of_io(error: io::Error) -> Self {
        match error.get_ref().and_then(|inner| inner.downcast_ref::<rustls::Error>()) {
            Some(inner) => Self::Rustls(inner.clone()),
            None => Self::Broken(error),
        }
    }
}

fn certificate_step(error: &CertificateError, target: Option<&Target>) -> Option<String> {
    let host = target.map(|target| target.host.as_str()).unwrap_or_default();
    match error {
        CertificateError::UnknownIssuer => Some(
            "pass --cacert certs/ca.crt if this is Quicgate's local CA, or --cacert FILE with the authority's certificate"
                .into(),
        ),
        CertificateError::BadSignature => {
            Some("the authority has been made anew: is the --cacert file the one that the server uses now?".into())
        }
        CertificateError::Expired | CertificateError::ExpiredContext { .. } => {
            Some("renew the server's certificate, or check this host's clock".into())
        }
        CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. } => {
            Some(format!("the certificate is for other names than {host}: use one of them, or another certificate"))
        }
        _ => None,
    }
}

impl ProtocolFault {
    /// What to try next, where something is known to help.
    pub(super) fn next_step(&self, target: Option<&Target>) -> Option<String> {
        let clear = target.is_some_and(|target| target.scheme == Scheme::Http);
        match self {
            Self::Http1(_) | Self::Http2(_) if clear => {
                Some("if this port speaks TLS, write https:// instead of http://".into())
            }
            Self::Alpn { wanted, .. } => Some(format!("the server does not offer {wanted} here: try another version")),
            _ => None,
        }
    }
}

impl fmt::Display for TlsFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Rustls(error) => error.fmt(f),
            Self::Alert { code, reason } if reason.is_empty() => {
                write!(f, "alert {code} ({:?})", AlertDescription::from(*code))
            }
            Self::Alert { code, reason } => write!(f, "alert {code} ({:?}): {reason}", AlertDescription::from(*code)),
            Self::Broken(error) => write!(f, "the connection ended in its middle: {error}"),
        }
    }
}

impl fmt::Display for ProtocolFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Http1(error) => {
                write!(f, "HTTP/1.1: {error}")?;
                error.source().map_or(Ok(()), |source| write!(f, ": {source}"))
            }
            Self::Http2(error) => write!(f, "HTTP/2: {error}"),
            Self::Http3(error) => write!(f, "HTTP/3: {error}"),
            Self::Http3Connection(error) => write!(f, "HTTP/3: {error}"),
            Self::Quic(error) => write!(f, "QUIC: {error}"),
            Self::Alpn { wanted, chosen: Some(chosen) } => write!(f, "asked for {wanted}, the server chose {chosen}"),
            Self::Alpn { wanted, chosen: None } => write!(f, "asked for {wanted}, the server chose no protocol"),
            Self::Length { declared, received } => {
                write!(f, "the body has {received} bytes, content-length says {declared}")
            }
            Self::FrameCut => f.write_str("HTTP/3: the response ended inside a frame"),
        }
    }
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Http1 => "HTTP/1.1",
            Self::Http2 => "HTTP/2",
            Self::Http3 => "HTTP/3",
        })
    }
}

impl Error for TlsFault {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match self {
            Self::Rustls(error) => Some(error),
            Self::Broken(error) => Some(error),
            Self::Alert { .. } => None,
        }
    }
}

impl Error for ProtocolFault {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match self {
            Self::Http1(error) => Some(error),
            Self::Http2(error) => Some(error),
            Self::Http3(error) => Some(error),
            Self::Http3Connection(error) => Some(error),
            Self::Quic(error) => Some(error),
            Self::Alpn { .. } | Self::Length { .. } | Self::FrameCut => None,
        }
    }
}
