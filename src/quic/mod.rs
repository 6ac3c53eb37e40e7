//! Floor 4: the QUIC endpoint, by quinn.
//!
//! [`QuicSettings`] is what `udp_listener_config.quic_options` and the TLS context say, as it runs; every worker makes one
//! [`endpoint`] of it over its [`Share`] of the address, to which its datagrams are steered. `listener` accepts connections from
//! it and hands them to `codec::h3`, which keeps a [`SendWindow`] for each. [`QuicUpstream`] and [`QuicClients`] are the same
//! towards upstreams, for `upstream`.

mod client;
mod congestion;
mod endpoint;
mod keep_alive;
mod migration;
mod packets;
mod qlog;
mod send_window;
mod settings;
mod stats;
mod steer;
mod transport;
mod visitor;
mod written;

pub use client::{QuicClients, QuicUpstream, upstream};
pub use endpoint::endpoint;
pub use keep_alive::KeepAlive;
pub use send_window::SendWindow;
pub use settings::{QuicSettings, settings};
pub use stats::{Account, CloseCode, QuicStats};
pub use steer::{Share, SteeringStats, shares};
pub use written::Written;
