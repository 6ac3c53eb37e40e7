//! With which codes connections are closed, and by whom: `http3.downstream.{rx,tx}.quic_connection_close_error_code_*`.
//!
//! The first part of the names is Envoy's. Behind it stands the name that an RFC gives to the code on the wire, where Envoy has
//! QUICHE's word for it (to a client that does not send that, it says `QUIC_IETF_GQUIC_ERROR_MISSING` whatever the code was).
//! What is on no wire, as a timeout, has QUICHE's name here too.

use std::sync::{Arc, OnceLock};

use quinn::ConnectionError;

use crate::observe::stats::{Counter, Scope};

/// The counters, each made when its code is seen first.
#[derive(Clone, Debug)]
pub(super) struct Codes {
    scope: Scope,
    received: Arc<Counters>,
    sent: Arc<Counters>,
}

type Counters = [OnceLock<Counter>; NAMES.len()];

/// Why a connection ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CloseCode {
    /// A code of QUIC itself (RFC 9000 §20.1).
    Transport(u64),
    /// A code of HTTP/3 or QPACK (RFC 9114 §8.1, RFC 9204 §6).
    Application(u64),
    /// Nothing came for too long, and nothing was said.
    Idle,
    /// The handshake took too long.
    HandshakeTimeout,
    /// The peer knows nothing of the connection (RFC 9000 §10.3).
    Reset,
}

impl Codes {
    pub(super) fn new(listener: &Scope) -> Self {
        let new = || Arc::new(std::array::from_fn(|_| OnceLock::new()));
        Self { scope: listener.scope("http3.downstream"), received: new(), sent: new() }
    }

    /// Counts the end of a connection. `closed_with` is the code with which this side closed it, where it did.
    pub(super) fn count(&self, reason: &ConnectionError, closed_with: Option<CloseCode>) {
        match reason {
            ConnectionError::ConnectionClosed(close) => {
                self.of(CloseCode::Transport(close.error_code.into()), Way::Received);
            }
            ConnectionError::ApplicationClosed(close) => {
                self.of(CloseCode::Application(close.error_code.into_inner()), Way::Received);
            }
            ConnectionError::Reset => self.of(CloseCode::Reset, Way::Received),
            ConnectionError::TransportError(error) => self.of(CloseCode::Transport(error.code.into()), Way::Sent),
            ConnectionError::TimedOut => self.of(CloseCode::Idle, Way::Sent),
            ConnectionError::LocallyClosed => {
                self.of(closed_with.unwrap_or(CloseCode::Transport(0)), Way::Sent);
            }
            // A server sees none of these.
            ConnectionError::VersionMismatch | ConnectionError::CidsExhausted => {}
        }
    }

    fn of(&self, code: CloseCode, way: Way) {
        let (counters, name) = match way {
            Way::Received => (&self.received, "rx"),
            Way::Sent => (&self.sent, "tx"),
        };
        let index = code.index();
        let Some((counter, (_, code))) = counters.get(index).zip(NAMES.get(index)) else { return };
        let make = || self.scope.counter(&format!("{name}.quic_connection_close_error_code_{code}"));
        counter.get_or_init(make).inc();
    }
}

#[derive(Clone, Copy, Debug)]
enum Way {
    Received,
    Sent,
}

impl CloseCode {
    fn index(self) -> usize {
        let kind = match self {
            // RFC 9000 §20.1: 256 codes for the alerts of TLS.
            Self::Transport(code) if (0x100..0x200).contains(&code) => Self::Transport(0x100),
            code => code,
        };
        let known = NAMES.iter().position(|(code, _)| *code == kind);
        // The last two are those that no RFC names.
        known.unwrap_or(NAMES.len() - if matches!(self, Self::Application(_)) { 1 } else { 2 })
    }
}

/// Every code that has a name, and the names of those that have none.
const NAMES: [(CloseCode, &str); 44] = [
    (CloseCode::Application(0x100), "H3_NO_ERROR"),
    (CloseCode::Application(0x101), "H3_GENERAL_PROTOCOL_ERROR"),
    (CloseCode::Application(0x102), "H3_INTERNAL_ERROR"),
    (CloseCode::Application(0x103), "H3_STREAM_CREATION_ERROR"),
    (CloseCode::Application(0x104), "H3_CLOSED_CRITICAL_STREAM"),
    (CloseCode::Application(0x105), "H3_FRAME_UNEXPECTED"),
    (CloseCode::Application(0x106), "H3_FRAME_ERROR"),
    (CloseCode::Application(0x107), "H3_EXCESSIVE_LOAD"),
    (CloseCode::Application(0x108), "H3_ID_ERROR"),
    (CloseCode::Application(0x109), "H3_SETTINGS_ERROR"),
    (CloseCode::Application(0x10a), "H3_MISSING_SETTINGS"),
    (CloseCode::Application(0x10b), "H3_REQUEST_REJECTED"),
    (CloseCode::Application(0x10c), "H3_REQUEST_CANCELLED"),
    (CloseCode::Application(0x10d), "H3_REQUEST_INCOMPLETE"),
    (CloseCode::Application(0x10e), "H3_MESSAGE_ERROR"),
    (CloseCode::Application(0x10f), "H3_CONNECT_ERROR"),
    (CloseCode::Application(0x110), "H3_VERSION_FALLBACK"),
    (CloseCode::Application(0x33), "H3_DATAGRAM_ERROR"),
    (CloseCode::Application(0x200), "QPACK_DECOMPRESSION_FAILED"),
    (CloseCode::Application(0x201), "QPACK_ENCODER_STREAM_ERROR"),
    (CloseCode::Application(0x202), "QPACK_DECODER_STREAM_ERROR"),
    (CloseCode::Transport(0), "NO_ERROR"),
    (CloseCode::Transport(1), "INTERNAL_ERROR"),
    (CloseCode::Transport(2), "CONNECTION_REFUSED"),
    (CloseCode::Transport(3), "FLOW_CONTROL_ERROR"),
    (CloseCode::Transport(4), "STREAM_LIMIT_ERROR"),
    (CloseCode::Transport(5), "STREAM_STATE_ERROR"),
    (CloseCode::Transport(6), "FINAL_SIZE_ERROR"),
    (CloseCode::Transport(7), "FRAME_ENCODING_ERROR"),
    (CloseCode::Transport(8), "TRANSPORT_PARAMETER_ERROR"),
    (CloseCode::Transport(9), "CONNECTION_ID_LIMIT_ERROR"),
    (CloseCode::Transport(0xa), "PROTOCOL_VIOLATION"),
    (CloseCode::Transport(0xb), "INVALID_TOKEN"),
    (CloseCode::Transport(0xc), "APPLICATION_ERROR"),
    (CloseCode::Transport(0xd), "CRYPTO_BUFFER_EXCEEDED"),
    (CloseCode::Transport(0xe), "KEY_UPDATE_ERROR"),
    (CloseCode::Transport(0xf), "AEAD_LIMIT_REACHED"),
    (CloseCode::Transport(0x10), "NO_VIABLE_PATH"),
    (CloseCode::Transport(0x100), "CRYPTO_ERROR"),
    (CloseCode::Idle, "QUIC_SILENT_IDLE_TIMEOUT"),
    (CloseCode::HandshakeTimeout, "QUIC_HANDSHAKE_TIMEOUT"),
    (CloseCode::Reset, "QUIC_PUBLIC_RESET"),
    (CloseCode::Transport(u64::MAX), "OTHER_TRANSPORT"),
    (CloseCode::Application(u64::MAX), "OTHER_APPLICATION"),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_code_has_the_name_of_its_kind() {
        let name = |code: CloseCode| NAMES[code.index()].1;
        assert_eq!(name(CloseCode::Application(0x10c)), "H3_REQUEST_CANCELLED");
        assert_eq!(name(CloseCode::Application(0)), "OTHER_APPLICATION");
        assert_eq!(name(CloseCode::Transport(0)), "NO_ERROR");
        assert_eq!(name(CloseCode::Transport(0x16d)), "CRYPTO_ERROR");
        assert_eq!(name(CloseCode::Transport(0x200)), "OTHER_TRANSPORT");
        assert_eq!(name(CloseCode::Idle), "QUIC_SILENT_IDLE_TIMEOUT");
    }
}
