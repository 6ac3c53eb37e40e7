//! The TLS of QUIC towards upstreams: quinn's rustls, watched for what the server has agreed on.

use std::any::Any;
use std::sync::{Arc, Mutex, PoisonError};

use quinn::crypto::rustls::QuicClientConfig;
use quinn::crypto::{self, ClientConfig, ExportKeyingMaterialError, HeaderKey, KeyPair, Keys, PacketKey};
use quinn::{ConnectError, ConnectionId, Side};
use quinn_proto::TransportError;
use quinn_proto::transport_parameters::TransportParameters;

use super::hello::ServerHello;
use crate::observe::access_log::Tls;
use crate::tls;

/// What one handshake has agreed on, as far as it got.
#[derive(Debug, Default)]
pub(in crate::quic) struct Heard(Mutex<Option<ServerHello>>);

impl Heard {
    /// For logs and statistics, and whether a session was resumed.
    pub(in crate::quic) fn agreed(&self) -> (Tls, bool) {
        let hello = self.0.lock().unwrap_or_else(PoisonError::into_inner).unwrap_or_default();
        (tls::facts_of(hello.suite, hello.group), hello.resumes)
    }
}

/// A configuration that looks at the one handshake it makes.
pub(in crate::quic) struct Listening {
    inner: Arc<QuicClientConfig>,
    heard: Arc<Heard>,
}

impl Listening {
    pub(in crate::quic) fn new(inner: QuicClientConfig) -> (Self, Arc<Heard>) {
        let heard = Arc::<Heard>::default();
        (Self { inner: Arc::new(inner), heard: Arc::clone(&heard) }, heard)
    }
}

impl ClientConfig for Listening {
    fn start_session(
        self: Arc<Self>,
        version: u32,
        server_name: &str,
        params: &TransportParameters,
    ) -> Result<Box<dyn crypto::Session>, ConnectError> {
        let inner = Arc::clone(&self.inner).start_session(version, server_name, params)?;
        Ok(Box::new(Session { inner, heard: Arc::clone(&self.heard), clear: Some(Vec::new()) }))
    }
}

/// One handshake.
struct Session {
    inner: Box<dyn crypto::Session>,
    heard: Arc<Heard>,
    /// What came of a message that is not encrypted, until there are keys.
    clear: Option<Vec<u8>>,
}

impl Session {
    /// Takes the next piece of what comes before there are keys: a `HelloRetryRequest` perhaps, and a `ServerHello`, which has
    /// the same form (RFC 8446 §4.1.3, §4.1.4).
    fn hear(&mut self, piece: &[u8]) {
        let Some(clear) = &mut self.clear else { return };
        if clear.len() + piece.len() > LONGEST {
            // It is none that rustls takes.
            self.clear = None;
            return;
        }
        clear.extend_from_slice(piece);
        if let Some(hello) = ServerHello::read(clear) {
            clear.clear();
            *self.heard.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(hello);
        }
    }
}

impl crypto::Session for Session {
    fn initial_keys(&self, dst_cid: &ConnectionId, side: Side) -> Keys {
        self.inner.initial_keys(dst_cid, side)
    }

    fn handshake_data(&self) -> Option<Box<dyn Any>> {
        self.inner.handshake_data()
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
        let ready = self.inner.read_handshake(buf)?;
        self.hear(buf);
        Ok(ready)
    }

    fn transport_parameters(&self) -> Result<Option<TransportParameters>, TransportError> {
        self.inner.transport_parameters()
    }

    fn write_handshake(&mut self, buf: &mut Vec<u8>) -> Option<Keys> {
        let keys = self.inner.write_handshake(buf);
        if keys.is_some() {
            // RFC 9001 §4.1.3: what comes from now on is encrypted.
            self.clear = None;
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

/// Bytes of a `ServerHello`: a little more than its largest share of a key (X25519MLKEM768: 1,120 bytes).
const LONGEST: usize = 8192;
