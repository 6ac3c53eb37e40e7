//! Requests before the end of the handshake.
