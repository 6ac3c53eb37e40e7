//! How many handshakes may be under way, and whose they are.

use std::net::{IpAddr, Ipv6Addr};

/// Handshakes that may be under way on one worker.
#[derive(Clone, Copy, Debug)]
pub(super) struct HandshakeLimits {
    /// Over TCP: when there are more, the oldest is given up.
    pub(super) at_most: usize,
    /// Over QUIC: before clients have to show that they hear us.
    pub(super) before_retry: usize,
    /// Of one IPv4 address, or one network of 64 bits with IPv6.
    pub(super) per_source: usize,
}

/// Whom an address belongs to, as far as can be said: with IPv6 a network of 64 bits.
pub(super) fn source(ip: IpAddr) -> IpAddr {
    match ip.to_canonical() {
        IpAddr::V6(ip) => Ipv6Addr::from_bits(ip.to_bits() >> 64 << 64).into(),
        ip @ IpAddr::V4(_) => ip,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn with_ipv6_a_source_is_a_network_of_64_bits() {
        let sources = ["2001:db8::1", "2001:db8::2:3:4:5", "2001:db8:0:1::1", "::ffff:192.0.2.1", "192.0.2.1"];
        let sources = sources.map(|ip| source(ip.parse().unwrap()));
        assert_eq!(sources[0], sources[1]);
        assert_ne!(sources[0], sources[2]);
        assert_eq!(sources[3], sources[4]);
    }
}
