//! `send_disable_active_migration`: clients are asked to stay where they are, and served where they come from.
//!
//! quinn that forbids migration drops what comes from another address, and with it every client whose NAT gives it another
//! port. RFC 9000 §9 lets a server that asked for no active migration go on with such a client, as Envoy does. So quinn is left
//! to allow it, and the transport parameter is added where TLS is handed them all.

use std::sync::Arc;

use quinn::crypto::{Keys, ServerConfig, Session, UnsupportedVersion};
use quinn::{ConnectionId, Side};
use quinn_proto::transport_parameters::TransportParameters;

/// TLS that adds `disable_active_migration`.
pub(super) struct AskToStay(pub(super) Arc<dyn ServerConfig>);

impl ServerConfig for AskToStay {
    fn initial_keys(&self, version: u32, dst_cid: &ConnectionId) -> Result<Keys, UnsupportedVersion> {
        self.0.initial_keys(version, dst_cid)
    }

    fn retry_tag(&self, version: u32, orig_dst_cid: &ConnectionId, packet: &[u8]) -> [u8; 16] {
        self.0.retry_tag(version, orig_dst_cid, packet)
    }

    fn start_session(self: Arc<Self>, version: u32, params: &TransportParameters) -> Box<dyn Session> {
        let tls = Arc::clone(&self.0);
        match asking_to_stay(params) {
            Some(params) => tls.start_session(version, &params),
            // What quinn writes it can read.
            None => tls.start_session(version, params),
        }
    }
}

fn asking_to_stay(params: &TransportParameters) -> Option<TransportParameters> {
    let mut bytes = Vec::new();
    params.write(&mut bytes);
    bytes.extend_from_slice(&DISABLE_ACTIVE_MIGRATION);
    // Read as the client will.
    TransportParameters::read(Side::Client, &mut bytes.as_slice()).ok()
}

/// RFC 9000 §18.2: the id of `disable_active_migration`, which has no value: its length is 0.
const DISABLE_ACTIVE_MIGRATION: [u8; 2] = [0x0c, 0];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rfc9000_18_2_the_parameter_is_added_and_the_others_stay() {
        // `initial_max_data` of 4, `max_idle_timeout` of 9 and an id.
        let written = [0x04, 1, 4, 0x01, 1, 9, 0x0f, 2, 0xaa, 0xbb];
        let params = TransportParameters::read(Side::Client, &mut written.as_slice()).unwrap();
        let mut asked = Vec::new();
        asking_to_stay(&params).unwrap().write(&mut asked);
        let mut with = written.to_vec();
        with.extend([0x0c, 0]);
        let again = TransportParameters::read(Side::Client, &mut with.as_slice()).unwrap();
        let mut expected = Vec::new();
        again.write(&mut expected);
        assert_eq!(asked, expected);
        assert!(asked.windows(2).any(|pair| pair == [0x0c, 0]) && asked.len() == with.len());
    }
}
