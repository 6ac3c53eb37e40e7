//! What Initial packets are protected with.

use rustls::crypto::aws_lc_rs::cipher_suite::TLS13_AES_128_GCM_SHA256;
use rustls::quic::Suite;

/// The suite of Initial packets (RFC 9001 §5.2), whatever the context lets be agreed on later.
pub(super) fn initial_suite() -> Option<Suite> {
    TLS13_AES_128_GCM_SHA256.tls13().and_then(rustls::Tls13CipherSuite::quic_suite)
}
