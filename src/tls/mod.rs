//! Floor 3: TLS for TCP and QUIC.
