//! Floor 4: the QUIC endpoint, by quinn.
//!
//! [`QuicSettings`] is what `udp_listener_config.quic_options` and the TLS context say, as it runs; every worker makes one
//! [`endpoint`] of it over its [`Share`] of the address, to which its datagrams are steered. `listener` accepts connections from
//! it and hands them to `codec::h3`, which keeps a [`SendWindow`] for each; what a handshake came to is [`Agreed`]. [`QuicUpstream`] and [`QuicClients`] are the same
//! towards upstreams, for `upstream`.

mod client;
mod crypto;
mod endpoint;
mod send_window;
mod settings;
mod steer;
mod transport;

pub use client::{QuicClients, QuicUpstream, upstream};
pub use crypto::Agreed;
pub use endpoint::endpoint;
pub use send_window::SendWindow;
pub use settings::{QuicSettings, settings};
pub use steer::{Share, SteeringStats, shares};
pub use transport::bind_limits;
