//! Connections that fail before HTTP.

use crate::{
    scenario::{Handshake, Scenario},
    support::client::Version,
};

pub(super) fn scenarios() -> Vec<Scenario> {
    vec![
        Scenario::handshake("plain HTTP on a TLS port", Handshake::PlainHttp, TLS),
        Scenario::handshake("a connection without a word", Handshake::NothingSaid, TLS),
        Scenario::handshake("a client that does not trust the certificate", Handshake::Distrust, TLS),
        Scenario::handshake("a QUIC client that does not trust the certificate", Handshake::QuicDistrust, QUIC),
        Scenario::handshake("a QUIC client that speaks another protocol", Handshake::QuicAlpn, QUIC),
    ]
}

const TLS: &[Version] = &[Version::Http2];

const QUIC: &[Version] = &[Version::Http3];
