//! Quicgate: an edge gateway that puts QUIC first.

pub mod admin;
pub mod codec;
pub mod config;
pub mod drain;
pub mod filter;
pub mod hcm;
pub mod http;
pub mod listener;
pub mod net;
pub mod observe;
pub mod probe;
pub mod quic;
pub mod router;
pub mod server;
pub mod tls;
pub mod upstream;
