//! Floor 4: the QUIC endpoint.
