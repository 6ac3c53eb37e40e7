//! The HTTP version of a message, as Envoy names it.

/// An HTTP version on either side of the gateway.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Protocol {
    /// HTTP/1.0.
    Http10,
    /// HTTP/1.1, RFC 9112.
    Http11,
    /// HTTP/2, RFC 9113.
    Http2,
    /// HTTP/3, RFC 9114.
    Http3,
}

impl Protocol {
    /// The name as `%PROTOCOL%` prints it.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Http10 => "HTTP/1.0",
            Self::Http11 => "HTTP/1.1",
            Self::Http2 => "HTTP/2",
            Self::Http3 => "HTTP/3",
        }
    }

    /// Whether a message of this version is framed on streams of its own (HTTP/2, HTTP/3).
    #[must_use]
    pub fn is_multiplexed(self) -> bool {
        matches!(self, Self::Http2 | Self::Http3)
    }
}

impl From<Protocol> for http::Version {
    fn from(protocol: Protocol) -> Self {
        match protocol {
            Protocol::Http10 => Self::HTTP_10,
            Protocol::Http11 => Self::HTTP_11,
            Protocol::Http2 => Self::HTTP_2,
            Protocol::Http3 => Self::HTTP_3,
        }
    }
}

impl From<http::Version> for Protocol {
    fn from(version: http::Version) -> Self {
        match version {
            http::Version::HTTP_09 | http::Version::HTTP_10 => Self::Http10,
            http::Version::HTTP_2 => Self::Http2,
            http::Version::HTTP_3 => Self::Http3,
            _ => Self::Http11,
        }
    }
}
