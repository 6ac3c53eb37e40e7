//! The TLS of QUIC servers: quinn's rustls, watched.
//!
//! quinn shows the protocol and the name that was asked for, and nothing else of a handshake. [`Watched`] hands everything on
//! to quinn's own configuration and looks at the messages that pass: whether early data was asked for (`ClientHello`), whether
//! there are keys for it, which session, cipher and group were agreed on (`ServerHello`). What it saw is [`Agreed`], in place of
//! quinn's `HandshakeData`.

mod choosing;
mod client;
mod hello;

use std::any::Any;
use std::sync::Arc;

use quinn::crypto::rustls::{HandshakeData, QuicServerConfig};
use quinn::crypto::{
    self, ExportKeyingMaterialError, HeaderKey, KeyPair, Keys, PacketKey, ServerConfig, UnsupportedVersion,
};
use quinn::{ConnectionId, Side};
use quinn_proto::transport_parameters::TransportParameters;
use quinn_proto::{TransportError, TransportErrorCode};
use rustls::quic::Suite;

use super::caught::Panics;
use crate::observe::access_log::Tls;
use crate::observe::stats::{Counter, Scope};
use crate::tls::{self, ServerTls};
use hello::{ClientHello, ServerHello};

pub use choosing::Choose;
pub(super) use choosing::{Choosing, Configurations};
pub(super) use client::{Heard, Listening};
pub use hello::Asked;

/// What a server and its client have agreed on: what `quinn::Connection::handshake_data` holds.
#[derive(Clone, Debug)]
pub struct Agreed {
    /// Which of the listener's TLS configurations it is.
    pub configuration: usize,
    /// The name that the client asked for.
    pub server_name: Option<String>,
    /// For logs and statistics.
    pub tls: Tls,
    /// Whether the client has resumed a session.
    pub resumed: bool,
    /// Whether the handshake is complete (RFC 9001 §4.1.1): the client has shown that it heard the server.
    pub complete: bool,
}

/// `listener.<address>.quic.*`: what became of early data. Counted with the first flight of a client, whether or not its
/// handshake ends.
#[derive(Clone, Debug)]
pub(super) struct EarlyDataStats {
    /// `early_data_accepted`
    accepted: Counter,
    /// `early_data_rejected`: such a client has to send it again when the handshake is complete.
    rejected: Counter,
}

impl EarlyDataStats {
    /// `scope` is the listener's.
    pub(super) fn new(scope: &Scope) -> Self {
        let counter = |what: &str| scope.counter(&format!("quic.early_data_{what}"));
        Self { accepted: counter("accepted"), rejected: counter("rejected") }
    }
}

/// A configuration that looks at the handshakes it makes, each with the certificates that are in use when it begins.
pub(super) struct Watched {
    /// For what does not depend on them.
    inner: Arc<QuicServerConfig>,
    tls: ServerTls,
    initial: Suite,
    early_data: EarlyDataStats,
    panics: Panics,
}

impl Watched {
    /// `None` where `initial` is not the suite of Initial packets.
    pub(super) fn new(tls: &ServerTls, initial: Suite, early_data: EarlyDataStats, panics: Panics) -> Option<Self> {
        let inner = QuicServerConfig::with_initial(Arc::clone(&tls.now().config), initial).ok()?;
        Some(Self { inner: Arc::new(inner), tls: tls.clone(), initial, early_data, panics })
    }
}

impl ServerConfig for Watched {
    fn initial_keys(&self, version: u32, dst_cid: &ConnectionId) -> Result<Keys, UnsupportedVersion> {
        self.inner.initial_keys(version, dst_cid)
    }

    fn retry_tag(&self, version: u32, orig_dst_cid: &ConnectionId, packet: &[u8]) -> [u8; 16] {
        self.inner.retry_tag(version, orig_dst_cid, packet)
    }

    fn start_session(self: Arc<Self>, version: u32, params: &TransportParameters) -> Box<dyn crypto::Session> {
        let config = QuicServerConfig::with_initial(Arc::clone(&self.tls.now().config), self.initial);
        // It was the right suite before.
        let config = config.map_or_else(|_| Arc::clone(&self.inner), Arc::new);
        Box::new(Session {
            inner: config.start_session(version, params),
            early_data: self.early_data.clone(),
            panics: self.panics.clone(),
            asked: Some(ClientHello::default()),
            answered: None,
            encrypts: false,
        })
    }
}

/// Hands a message to TLS. What is configured of it is called here, too: which certificate, which session.
fn read(tls: &mut dyn crypto::Session, panics: &Panics, message: &[u8]) -> Result<bool, TransportError> {
    panics.caught("a handshake", || tls.read_handshake(message)).unwrap_or_else(|| Err(broken()))
}

/// Takes what TLS has to say.
fn write(tls: &mut dyn crypto::Session, panics: &Panics, to: &mut Vec<u8>) -> Option<Keys> {
    panics.caught("a handshake", || tls.write_handshake(to)).flatten()
}

/// The end of a handshake in which something of ours has panicked.
fn broken() -> TransportError {
    TransportError { code: TransportErrorCode::INTERNAL_ERROR, frame: None, reason: "TLS broke off".to_owned() }
}

/// One handshake.
struct Session {
    inner: Box<dyn crypto::Session>,
    early_data: EarlyDataStats,
    panics: Panics,
    /// The first message of the client, until it is whole.
    asked: Option<ClientHello>,
    /// The last message that was written without a key: after a `HelloRetryRequest` there is another.
    answered: Option<ServerHello>,
    encrypts: bool,
}

impl crypto::Session for Session {
    fn initial_keys(&self, dst_cid: &ConnectionId, side: Side) -> Keys {
        self.inner.initial_keys(dst_cid, side)
    }

    fn handshake_data(&self) -> Option<Box<dyn Any>> {
        let known = self.inner.handshake_data()?.downcast::<HandshakeData>().ok()?;
        let hello = self.answered.unwrap_or_default();
        Some(Box::new(Agreed {
            configuration: 0,
            server_name: known.server_name,
            tls: tls::facts_of(hello.suite, hello.group),
            resumed: hello.resumes,
            complete: !self.inner.is_handshaking(),
        }))
    }

    fn peer_identity(&self) -> Option<Box<dyn Any>> {
        self.inner.peer_identity()
    }

    fn early_crypto(&self) -> Option<(Box<dyn HeaderKey>, Box<dyn PacketKey>)> {
        self.inner.early_crypto()
    }

    fn early_data_accepted(&self) -> Option<bool> {
        self.inner.early_data_accepted()
    }

    fn is_handshaking(&self) -> bool {
        self.inner.is_handshaking()
    }

    fn read_handshake(&mut self, buf: &[u8]) -> Result<bool, TransportError> {
        let ready = read(self.inner.as_mut(), &self.panics, buf)?;
        if let Some(asked) = self.asked.as_mut().and_then(|hello| hello.read(buf)) {
            self.asked = None;
            if asked.early_data {
                // RFC 8446 §4.2.10: there are keys for what is accepted, and for nothing else.
                let EarlyDataStats { accepted, rejected } = &self.early_data;
                if self.inner.early_crypto().is_some() { accepted.inc() } else { rejected.inc() }
            }
        }
        Ok(ready)
    }

    fn transport_parameters(&self) -> Result<Option<TransportParameters>, TransportError> {
        self.inner.transport_parameters()
    }

    fn write_handshake(&mut self, buf: &mut Vec<u8>) -> Option<Keys> {
        let before = buf.len();
        let keys = write(self.inner.as_mut(), &self.panics, buf);
        if !self.encrypts {
            self.answered = buf.get(before..).and_then(ServerHello::read).or(self.answered);
            self.encrypts = keys.is_some();
        }
        keys
    }

    fn next_1rtt_keys(&mut self) -> Option<KeyPair<Box<dyn PacketKey>>> {
        self.inner.next_1rtt_keys()
    }

    fn is_valid_retry(&self, orig_dst_cid: &ConnectionId, header: &[u8], payload: &[u8]) -> bool {
        self.inner.is_valid_retry(orig_dst_cid, header, payload)
    }

    fn export_keying_material(
        &self,
        output: &mut [u8],
        label: &[u8],
        context: &[u8],
    ) -> Result<(), ExportKeyingMaterialError> {
        self.inner.export_keying_material(output, label, context)
    }
}

#[cfg(test)]
mod tests;
