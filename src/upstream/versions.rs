//! Which version of HTTP the hosts of a cluster are spoken to in, and how.

use std::sync::Arc;

use http::Version;

use crate::codec::h2::KeepAlive;
use crate::quic::QuicUpstream;
use crate::tls::ClientTls;
use crate::upstream::Alternatives;

/// How the version is found.
#[derive(Clone, Debug)]
pub enum Versions {
    /// It is always the same: `explicit_http_config`.
    One(Codec),
    /// It is that of the request: `use_downstream_protocol_config`.
    OfRequest {
        /// For HTTP/1.1 and HTTP/1.0.
        http1: Http1,
        /// For HTTP/2, and for HTTP/3 where there is nothing for that.
        http2: Http2,
        /// For HTTP/3.
        http3: Option<Box<Http3>>,
    },
    /// The TLS handshake agrees on it: `auto_config`.
    Agreed(Http1, Http2),
    /// The same, and HTTP/3 where a host has announced it: `auto_config` with `http3_protocol_options`.
    Announced {
        /// Where that is agreed on.
        http1: Http1,
        /// Where that is agreed on.
        http2: Http2,
        /// Where that is announced.
        http3: Box<Http3>,
        /// What is announced.
        alternatives: Arc<Alternatives>,
    },
}

/// One version.
#[derive(Clone, Debug)]
pub enum Codec {
    /// HTTP/1.1 over TCP.
    Http1(Http1),
    /// HTTP/2 over TCP.
    Http2(Http2),
    /// HTTP/3 over QUIC.
    Http3(Box<Http3>),
}

/// How HTTP/1.1 is spoken.
#[derive(Clone, Debug, Default)]
pub struct Http1 {
    /// What its handshakes need; `None` in the clear.
    pub tls: Option<ClientTls>,
    /// Whether trailers pass: Envoy's `enable_trailers`.
    pub trailers: bool,
    /// Whether the names of a request's fields are written With-Capitals.
    pub proper_case: bool,
}

/// How HTTP/2 is spoken.
#[derive(Clone, Debug, Default)]
pub struct Http2 {
    /// What its handshakes need; `None` in the clear, where both sides know beforehand (RFC 9113 §3.3).
    pub tls: Option<ClientTls>,
    /// Streams that may be open on one connection, as far as this side has a say.
    pub max_streams: u32,
    /// Bytes that an upstream may send unasked on one stream.
    pub stream_window: u32,
    /// Bytes that it may send unasked on one connection.
    pub connection_window: u32,
    /// Bytes that the table of HPACK may take which responses are read with; none is the 4,096 of RFC 7541.
    pub table_size: Option<u32>,
    /// How it is asked for signs of life.
    pub keep_alive: Option<KeepAlive>,
}

/// How HTTP/3 is spoken.
#[derive(Clone, Debug)]
pub struct Http3 {
    /// How hosts are reached.
    pub upstream: QuicUpstream,
    /// Whether QPACK may use more than the static table.
    pub qpack: bool,
}

/// How the connection for a request is spoken on.
#[derive(Clone, Copy, Debug)]
pub enum Way<'a> {
    /// In HTTP/1.1.
    Http1(&'a Http1),
    /// In HTTP/2.
    Http2(&'a Http2),
    /// In HTTP/3.
    Http3(&'a Http3),
    /// In what the handshake agrees on.
    Agreed(&'a Http1, &'a Http2),
}

impl Versions {
    /// How the connection for a request of this version is spoken on.
    #[must_use]
    pub fn of(&self, request: Version) -> Way<'_> {
        match self {
            Self::One(Codec::Http1(http1)) => Way::Http1(http1),
            Self::One(Codec::Http2(http2)) => Way::Http2(http2),
            Self::One(Codec::Http3(http3)) => Way::Http3(http3),
            // HTTP/3 is tried beside it.
            Self::Agreed(http1, http2) | Self::Announced { http1, http2, .. } => Way::Agreed(http1, http2),
            Self::OfRequest { http1, http2, http3 } => match (request, http3) {
                (Version::HTTP_3, Some(http3)) => Way::Http3(http3),
                // As in Envoy, HTTP/3 falls back by one version.
                (Version::HTTP_2 | Version::HTTP_3, _) => Way::Http2(http2),
                _ => Way::Http1(http1),
            },
        }
    }

    /// What handshakes need, where there are any. What they ask for does not depend on the version.
    #[must_use]
    pub fn tls(&self) -> Option<&ClientTls> {
        match self {
            Self::One(Codec::Http1(http1))
            | Self::OfRequest { http1, .. }
            | Self::Agreed(http1, _)
            | Self::Announced { http1, .. } => http1.tls.as_ref(),
            Self::One(Codec::Http2(http2)) => http2.tls.as_ref(),
            Self::One(Codec::Http3(http3)) => Some(&http3.upstream.tls),
        }
    }

    /// How HTTP/3 is spoken, where it is.
    #[must_use]
    pub fn http3(&self) -> Option<&Http3> {
        match self {
            Self::One(Codec::Http3(http3)) | Self::Announced { http3, .. } => Some(http3),
            Self::OfRequest { http3, .. } => http3.as_deref(),
            Self::One(_) | Self::Agreed(..) => None,
        }
    }

    /// What hosts have announced, where that is asked for.
    #[must_use]
    pub fn alternatives(&self) -> Option<&Alternatives> {
        if let Self::Announced { alternatives, .. } = self { Some(alternatives) } else { None }
    }

    /// Whether hosts are reached by TCP.
    #[must_use]
    pub fn is_over_tcp(&self) -> bool {
        !matches!(self, Self::One(Codec::Http3(_)))
    }

    /// Whether the trailers of a request of this version, and those of its response, pass. What is agreed on later may yet
    /// stop them.
    #[must_use]
    pub fn pass_trailers(&self, request: Version) -> bool {
        match self.of(request) {
            Way::Http1(http1) => http1.trailers,
            // Only HTTP/1 has an option against them.
            Way::Http2(_) | Way::Http3(_) | Way::Agreed(..) => true,
        }
    }
}
