//! Where a request goes.

use std::net::SocketAddr;
use std::sync::Arc;

use http::Version;

use crate::http::Protocol;
use crate::tls::Asked;
use crate::upstream::{Host, Way};

/// A host, and how it is reached.
#[derive(Clone, Copy, Debug)]
pub(super) struct Goal<'a> {
    /// The version of the request.
    pub(super) request: Version,
    pub(super) way: Way<'a>,
    pub(super) asked: &'a Arc<Asked>,
    pub(super) host: &'a Arc<Host>,
    /// Where it is reached: the host's own address, or what it has announced.
    pub(super) address: SocketAddr,
    /// The place of the host in the cluster.
    pub(super) index: usize,
}

impl Goal<'_> {
    /// What is spoken, or is tried first.
    pub(super) fn version(&self) -> Protocol {
        match self.way {
            Way::Http1(_) => Protocol::Http11,
            Way::Http2(_) | Way::Agreed(..) => Protocol::Http2,
            Way::Http3(_) => Protocol::Http3,
        }
    }

    /// What is spoken, where no handshake has to agree on it.
    pub(super) fn fixed_version(&self) -> Option<Protocol> {
        if matches!(self.way, Way::Agreed(..)) { None } else { Some(self.version()) }
    }

    /// Whether HTTP/1 writes the names of fields With-Capitals.
    pub(super) fn writes_proper_case(&self) -> bool {
        match self.way {
            Way::Http1(http1) | Way::Agreed(http1, _) => http1.proper_case,
            Way::Http2(_) | Way::Http3(_) => false,
        }
    }

    /// Streams that may be open on one connection, as far as this side has a say.
    pub(super) fn max_streams(&self) -> usize {
        let max = match self.way {
            Way::Http1(_) => 1,
            Way::Http2(http2) | Way::Agreed(_, http2) => http2.max_streams,
            Way::Http3(http3) => http3.upstream.max_streams,
        };
        usize::try_from(max).unwrap_or(usize::MAX)
    }
}
