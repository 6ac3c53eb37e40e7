//! What a handshake agreed on, for logs, in the names that OpenSSL and Envoy give.

use rustls::{CipherSuite, CommonState, NamedGroup, ProtocolVersion};

use crate::observe::access_log::Tls;

/// The facts of a finished handshake.
#[must_use]
pub fn facts(connection: &CommonState) -> Tls {
    Tls {
        version: connection.protocol_version().and_then(version),
        cipher: connection.negotiated_cipher_suite().and_then(|suite| cipher(suite.suite())),
        group: connection.negotiated_key_exchange_group().and_then(|group| self::group(group.name())),
        ..Tls::default()
    }
}

/// The facts of a handshake of QUIC, which knows one version (RFC 9001 §4.2).
#[must_use]
pub fn facts_of(suite: Option<CipherSuite>, group: Option<NamedGroup>) -> Tls {
    Tls {
        version: version(ProtocolVersion::TLSv1_3),
        cipher: suite.and_then(cipher),
        group: group.and_then(self::group),
        ..Tls::default()
    }
}

fn version(version: ProtocolVersion) -> Option<&'static str> {
    match version {
        ProtocolVersion::TLSv1_2 => Some("TLSv1.2"),
        ProtocolVersion::TLSv1_3 => Some("TLSv1.3"),
        _ => None,
    }
}

fn cipher(suite: CipherSuite) -> Option<&'static str> {
    Some(match suite {
        CipherSuite::TLS13_AES_128_GCM_SHA256 => "TLS_AES_128_GCM_SHA256",
        CipherSuite::TLS13_AES_256_GCM_SHA384 => "TLS_AES_256_GCM_SHA384",
        CipherSuite::TLS13_CHACHA20_POLY1305_SHA256 => "TLS_CHACHA20_POLY1305_SHA256",
        CipherSuite::TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256 => "ECDHE-ECDSA-AES128-GCM-SHA256",
        CipherSuite::TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384 => "ECDHE-ECDSA-AES256-GCM-SHA384",
        CipherSuite::TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256 => "ECDHE-ECDSA-CHACHA20-POLY1305",
        CipherSuite::TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256 => "ECDHE-RSA-AES128-GCM-SHA256",
        CipherSuite::TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384 => "ECDHE-RSA-AES256-GCM-SHA384",
        CipherSuite::TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256 => "ECDHE-RSA-CHACHA20-POLY1305",
        _ => return None,
    })
}

fn group(group: NamedGroup) -> Option<&'static str> {
    Some(match group {
        NamedGroup::X25519MLKEM768 => "X25519MLKEM768",
        NamedGroup::X25519 => "X25519",
        NamedGroup::secp256r1 => "P-256",
        NamedGroup::secp384r1 => "P-384",
        _ => return None,
    })
}

/// Every version that [`facts`] can name.
pub const VERSIONS: &[&str] = &["TLSv1.2", "TLSv1.3"];

/// Every cipher that [`facts`] can name.
pub const CIPHERS: &[&str] = &[
    "TLS_AES_128_GCM_SHA256",
    "TLS_AES_256_GCM_SHA384",
    "TLS_CHACHA20_POLY1305_SHA256",
    "ECDHE-ECDSA-AES128-GCM-SHA256",
    "ECDHE-ECDSA-AES256-GCM-SHA384",
    "ECDHE-ECDSA-CHACHA20-POLY1305",
    "ECDHE-RSA-AES128-GCM-SHA256",
    "ECDHE-RSA-AES256-GCM-SHA384",
    "ECDHE-RSA-CHACHA20-POLY1305",
];

/// Every key exchange group that [`facts`] can name.
pub const GROUPS: &[&str] = &["X25519MLKEM768", "X25519", "P-256", "P-384"];
