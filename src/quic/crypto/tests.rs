//! Handshakes in which something of TLS panics.

use super::*;
use crate::observe::stats::Store;

/// Panics whatever it is asked.
struct Trap;

impl crypto::Session for Trap {
    fn initial_keys(&self, _: &ConnectionId, _: Side) -> Keys {
        panic!("on purpose")
    }

    fn handshake_data(&self) -> Option<Box<dyn Any>> {
        panic!("on purpose")
    }

    fn peer_identity(&self) -> Option<Box<dyn Any>> {
        panic!("on purpose")
    }

    fn early_crypto(&self) -> Option<(Box<dyn HeaderKey>, Box<dyn PacketKey>)> {
        panic!("on purpose")
    }

    fn early_data_accepted(&self) -> Option<bool> {
        panic!("on purpose")
    }

    fn is_handshaking(&self) -> bool {
        panic!("on purpose")
    }

    fn read_handshake(&mut self, _: &[u8]) -> Result<bool, TransportError> {
        panic!("on purpose")
    }

    fn transport_parameters(&self) -> Result<Option<TransportParameters>, TransportError> {
        panic!("on purpose")
    }

    fn write_handshake(&mut self, _: &mut Vec<u8>) -> Option<Keys> {
        panic!("on purpose")
    }

    fn next_1rtt_keys(&mut self) -> Option<KeyPair<Box<dyn PacketKey>>> {
        panic!("on purpose")
    }

    fn is_valid_retry(&self, _: &ConnectionId, _: &[u8], _: &[u8]) -> bool {
        panic!("on purpose")
    }

    fn export_keying_material(&self, _: &mut [u8], _: &[u8], _: &[u8]) -> Result<(), ExportKeyingMaterialError> {
        panic!("on purpose")
    }
}

impl ServerConfig for Trap {
    fn initial_keys(&self, _: u32, _: &ConnectionId) -> Result<Keys, UnsupportedVersion> {
        panic!("on purpose")
    }

    fn retry_tag(&self, _: u32, _: &ConnectionId, _: &[u8]) -> [u8; 16] {
        panic!("on purpose")
    }

    fn start_session(self: Arc<Self>, _: u32, _: &TransportParameters) -> Box<dyn crypto::Session> {
        Box::new(Trap)
    }
}

#[test]
fn a_panic_in_the_choice_of_a_configuration_is_the_end_of_that_handshake() {
    let store = Store::new();
    let scope = store.scope("listener.x");
    let configurations = Arc::new(Configurations { first: Arc::new(Trap), others: Vec::new() });
    let choose: Choose = Arc::new(|_| panic!("on purpose"));
    let choosing = Arc::new(Choosing { configurations, choose, panics: Panics::new(&scope) });
    let params = TransportParameters::read(Side::Client, &mut [].as_slice()).unwrap();
    let mut session = choosing.start_session(1, &params);
    // A message of a type that says nothing, whole.
    assert!(session.read_handshake(&[1, 0, 0, 0]).is_err());
    assert_eq!(scope.counter("quic.panics").value(), 1);
}

#[test]
fn a_panic_in_a_handshake_is_the_end_of_that_handshake() {
    let store = Store::new();
    let scope = store.scope("listener.x");
    let panics = Panics::new(&scope);
    let error = read(&mut Trap, &panics, b"anything").unwrap_err();
    assert_eq!(error.code, TransportErrorCode::INTERNAL_ERROR);
    assert!(write(&mut Trap, &panics, &mut Vec::new()).is_none());
    assert_eq!(scope.counter("quic.panics").value(), 2);
}
