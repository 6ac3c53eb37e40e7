//! Several TLS configurations on one listener: the first message of a client says which of them its handshake is made with.
//!
//! quinn wants a session before there is a message. So the session that it gets holds what comes until the message is whole,
//! then starts the one of the configuration that was chosen, hands it all, and stands aside. Nothing is answered before.

use std::any::Any;
use std::sync::Arc;

use quinn::crypto::{
    ExportKeyingMaterialError, HeaderKey, KeyPair, Keys, PacketKey, ServerConfig, Session, UnsupportedVersion,
};
use quinn::{ConnectionId, Side};
use quinn_proto::transport_parameters::TransportParameters;
use quinn_proto::{TransportError, TransportErrorCode};

use super::super::caught::Panics;
use super::Agreed;
use super::hello::{Asked, ClientHello};

/// Which configuration a client gets for what it asks for; `None` where there is none for it.
pub type Choose = Arc<dyn Fn(&Asked) -> Option<usize> + Send + Sync>;

/// What there is to choose from.
pub(in crate::quic) struct Configurations {
    pub(in crate::quic) first: Arc<dyn ServerConfig>,
    pub(in crate::quic) others: Vec<Arc<dyn ServerConfig>>,
}

impl Configurations {
    fn get(&self, place: usize) -> Option<&Arc<dyn ServerConfig>> {
        match place.checked_sub(1) {
            None => Some(&self.first),
            Some(place) => self.others.get(place),
        }
    }
}

/// The configurations of a listener, for one connection.
pub(in crate::quic) struct Choosing {
    /// Of which the first is there in any case.
    pub(in crate::quic) configurations: Arc<Configurations>,
    pub(in crate::quic) choose: Choose,
    pub(in crate::quic) panics: Panics,
}

impl ServerConfig for Choosing {
    fn initial_keys(&self, version: u32, dst_cid: &ConnectionId) -> Result<Keys, UnsupportedVersion> {
        // RFC 9001 §5.2: they depend on nothing that is configured.
        self.configurations.first.initial_keys(version, dst_cid)
    }

    fn retry_tag(&self, version: u32, orig_dst_cid: &ConnectionId, packet: &[u8]) -> [u8; 16] {
        self.configurations.first.retry_tag(version, orig_dst_cid, packet)
    }

    fn start_session(self: Arc<Self>, version: u32, params: &TransportParameters) -> Box<dyn Session> {
        // As good as any, until there is one that was chosen; and it often is the one.
        let session = Arc::clone(&self.configurations.first).start_session(version, params);
        let asked = Some(ClientHello::default());
        Box::new(Chosen { from: self, version, params: *params, asked, held: Vec::new(), place: 0, session })
    }
}

/// One handshake.
struct Chosen {
    from: Arc<Choosing>,
    version: u32,
    params: TransportParameters,
    /// The first message, until it is whole.
    asked: Option<ClientHello>,
    held: Vec<u8>,
    /// Which configuration the session is of.
    place: usize,
    /// Knows nothing until the first message is whole.
    session: Box<dyn Session>,
}

impl Chosen {
    /// Goes on with the configuration for what the client asks for.
    fn choose(&mut self, asked: &Asked) -> Result<(), TransportError> {
        let Choosing { choose, panics, .. } = self.from.as_ref();
        let chosen = panics.caught("a handshake", || choose(asked)).flatten();
        let configuration = chosen.and_then(|chosen| Some((chosen, self.from.configurations.get(chosen)?)));
        let Some((chosen, configuration)) = configuration else {
            return Err(refusal(UNRECOGNIZED_NAME, "no filter chain matches"));
        };
        if chosen != self.place {
            self.session = Arc::clone(configuration).start_session(self.version, &self.params);
            self.place = chosen;
        }
        Ok(())
    }
}

impl Session for Chosen {
    fn initial_keys(&self, dst_cid: &ConnectionId, side: Side) -> Keys {
        self.session.initial_keys(dst_cid, side)
    }

    fn handshake_data(&self) -> Option<Box<dyn Any>> {
        let agreed = self.session.handshake_data()?.downcast::<Agreed>().ok()?;
        Some(Box::new(Agreed { configuration: self.place, ..*agreed }))
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
        let Some(asked) = &mut self.asked else { return self.session.read_handshake(buf) };
        self.held.extend_from_slice(buf);
        match asked.read(buf) {
            Some(asked) => {
                self.asked = None;
                self.choose(&asked)?;
                self.session.read_handshake(&std::mem::take(&mut self.held))
            }
            None if self.held.len() > MOST_HELD => Err(refusal(DECODE_ERROR, "the first message is too long")),
            None => Ok(false),
        }
    }

    fn transport_parameters(&self) -> Result<Option<TransportParameters>, TransportError> {
        self.session.transport_parameters()
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

/// The end of a handshake, by an alert of TLS (RFC 9001 §4.8).
fn refusal(alert: u8, reason: &str) -> TransportError {
    TransportError { code: TransportErrorCode::crypto(alert), frame: None, reason: reason.to_owned() }
}

/// RFC 8446 §6.2.
const DECODE_ERROR: u8 = 50;
const UNRECOGNIZED_NAME: u8 = 112;

/// Bytes of a first message: as many as TLS libraries take.
const MOST_HELD: usize = 64 << 10;
