//! How many handshakes may be under way.

/// Handshakes that may be under way on one worker.
#[derive(Clone, Copy, Debug)]
pub(in crate::listener) struct HandshakeLimits {
    /// Before clients have to show that they hear us.
    pub(in crate::listener) before_retry: usize,
    /// Of one IPv4 address, or one network of 64 bits with IPv6.
    pub(in crate::listener) per_source: usize,
}
