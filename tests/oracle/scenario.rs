//! One row of the table: what a client does, on which stage, over which versions.

use crate::{
    stage::Stage,
    support::{client::Version, message::Request},
};

/// A row of the table.
#[derive(Clone, Debug)]
pub(crate) struct Scenario {
    pub(crate) name: &'static str,
    pub(crate) stage: Stage,
    pub(crate) versions: &'static [Version],
    pub(crate) act: Act,
}

/// What the client does, always on a connection of its own.
#[derive(Clone, Debug)]
pub(crate) enum Act {
    /// A whole exchange.
    Exchange(Request),
    /// Reads the first five bytes of the body, lets the backend go on, reads the rest.
    ReadThenRelease(Request),
    /// Leaves when the backend has the request, before any reply.
    LeaveBeforeReply(Request),
    /// Leaves when the first five bytes of the body are there.
    LeaveInReply(Request),
    /// Sends the head and a part of the body, never the rest, and reads a reply.
    Unfinished(Request, &'static str),
    /// Writes these bytes on the plain listener and reads a reply to a request of this method.
    Raw(&'static str, String),
    /// Does not get as far as an exchange.
    Handshake(Handshake),
}

/// A connection that fails before HTTP.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Handshake {
    /// A request without TLS, on the TLS listener.
    PlainHttp,
    /// Opens a connection on the TLS listener and closes it again.
    NothingSaid,
    /// The client does not trust the certificate: TLS over TCP.
    Distrust,
    /// The client does not trust the certificate: QUIC.
    QuicDistrust,
    /// No protocol in common: QUIC.
    QuicAlpn,
}

impl Scenario {
    /// A whole exchange over all three versions.
    pub(crate) fn exchange(name: &'static str, request: Request) -> Self {
        Self::new(name, Act::Exchange(request))
    }

    /// `GET path` over all three versions.
    pub(crate) fn get(name: &'static str, path: &str) -> Self {
        Self::exchange(name, get(path))
    }

    /// Bytes written by hand on HTTP/1.1.
    pub(crate) fn raw(name: &'static str, bytes: impl Into<String>) -> Self {
        Self::new(name, Act::Raw("GET", bytes.into())).over(&[Version::Http1])
    }

    /// A connection that does not get as far as an exchange. The version is the one it would have been.
    pub(crate) fn handshake(name: &'static str, fault: Handshake, version: &'static [Version]) -> Self {
        Self::new(name, Act::Handshake(fault)).over(version)
    }

    pub(crate) fn new(name: &'static str, act: Act) -> Self {
        Self { name, stage: Stage::Default, versions: &Version::ALL, act }
    }

    pub(crate) fn on(mut self, stage: Stage) -> Self {
        self.stage = stage;
        self
    }

    pub(crate) fn over(mut self, versions: &'static [Version]) -> Self {
        self.versions = versions;
        self
    }
}

/// A request for the virtual host most routes belong to.
pub(crate) fn get(path: &str) -> Request {
    Request::get(path).authority("a.test")
}

/// A request with a body, for the same.
pub(crate) fn post(path: &str, body: &'static str) -> Request {
    Request::post(path, body).authority("a.test")
}
