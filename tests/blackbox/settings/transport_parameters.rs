//! The transport parameters that a server sends, as they are on the wire: quinn keeps them to itself.

use std::any::Any;
use std::sync::{Arc, Mutex, PoisonError};

use quinn::crypto::rustls::QuicClientConfig;
use quinn::crypto::{ClientConfig, ExportKeyingMaterialError, HeaderKey, KeyPair, Keys, PacketKey, Session};
use quinn::{ConnectError, ConnectionId, Side};
use quinn_proto::TransportError;
use quinn_proto::transport_parameters::TransportParameters;

/// What was told in the last handshake.
#[derive(Clone, Debug, Default)]
pub(super) struct Told(Arc<Mutex<Vec<u8>>>);

impl Told {
    /// TLS that takes note.
    pub(super) fn over(&self, tls: QuicClientConfig) -> impl ClientConfig + 'static {
        Listening { tls: Arc::new(tls), told: self.clone() }
    }

    /// The value of the parameter with this id.
    pub(super) fn parameter(&self, id: u64) -> Option<Vec<u8>> {
        let told = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let mut rest = told.as_slice();
        while !rest.is_empty() {
            let (found, length) = (varint(&mut rest), varint(&mut rest));
            let (value, after) = rest.split_at(usize::try_from(length).expect("a length"));
            if found == id {
                return Some(value.to_vec());
            }
            rest = after;
        }
        None
    }
}

/// RFC 9000 §16.
fn varint(bytes: &mut &[u8]) -> u64 {
    let (first, _) = bytes.split_first().expect("an integer");
    let (taken, rest) = bytes.split_at(1 << (first >> 6));
    *bytes = rest;
    let number = taken.iter().fold(0, |number, byte| number << 8 | u64::from(*byte));
    number & (u64::MAX >> (64 - (8 * taken.len() - 2)))
}

struct Listening {
    tls: Arc<QuicClientConfig>,
    told: Told,
}

impl ClientConfig for Listening {
    fn start_session(
        self: Arc<Self>,
        version: u32,
        server_name: &str,
        params: &TransportParameters,
    ) -> Result<Box<dyn Session>, ConnectError> {
        let session = Arc::clone(&self.tls).start_session(version, server_name, params)?;
        Ok(Box::new(ListeningSession { session, told: self.told.clone() }))
    }
}

struct ListeningSession {
    session: Box<dyn Session>,
    told: Told,
}

impl Session for ListeningSession {
    fn initial_keys(&self, dst_cid: &ConnectionId, side: Side) -> Keys {
        self.session.initial_keys(dst_cid, side)
    }

    fn handshake_data(&self) -> Option<Box<dyn Any>> {
        self.session.handshake_data()
    }

    fn peer_identity(&self) -> Option<Box<dyn Any>> {
        self.session.peer_identity()
    }

    fn early_crypto(&self) -> Option<(Box<dyn HeaderKey>, Box<dyn PacketKey>)> {
        self.session.early_crypto()
    }

    fn early_data_accepted(&self) -> Option<bool> {
        self.session.early_data_accepted()
    }

    fn is_handshaking(&self) -> bool {
        self.session.is_handshaking()
    }

    fn read_handshake(&mut self, buf: &[u8]) -> Result<bool, TransportError> {
        self.session.read_handshake(buf)
    }

    fn transport_parameters(&self) -> Result<Option<TransportParameters>, TransportError> {
        let params = self.session.transport_parameters()?;
        if let Some(params) = &params {
            let mut told = self.told.0.lock().unwrap_or_else(PoisonError::into_inner);
            told.clear();
            params.write(&mut *told);
        }
        Ok(params)
    }

    fn write_handshake(&mut self, buf: &mut Vec<u8>) -> Option<Keys> {
        self.session.write_handshake(buf)
    }

    fn next_1rtt_keys(&mut self) -> Option<KeyPair<Box<dyn PacketKey>>> {
        self.session.next_1rtt_keys()
    }

    fn is_valid_retry(&self, orig_dst_cid: &ConnectionId, header: &[u8], payload: &[u8]) -> bool {
        self.session.is_valid_retry(orig_dst_cid, header, payload)
    }

    fn export_keying_material(
        &self,
        output: &mut [u8],
        label: &[u8],
        context: &[u8],
    ) -> Result<(), ExportKeyingMaterialError> {
        self.session.export_keying_material(output, label, context)
    }
}
