//! Floor 4: the QUIC endpoint, by quinn.
//!
//! [`QuicSettings`] is what `udp_listener_config.quic_options` and the TLS context say, as it runs; every worker makes one
//! [`endpoint`] of it over its [`Share`] of the address, to which its datagrams are steered, and which a [`Ledger`] guards from
//! being used against others. `listener` accepts connections from it and hands them to `codec::h3`, which keeps a
//! [`SendWindow`] for each; what a handshake came to is [`Agreed`]. [`QuicUpstream`] and [`QuicClients`] are the same towards
//! upstreams, for `upstream`.

mod acceptance;
mod caught;
mod client;
mod congestion;
mod crypto;
mod endpoint;
mod initial;
mod keep_alive;
mod ledger;
mod migration;
mod packets;
mod qlog;
mod send_window;
mod settings;
mod stats;
mod steer;
mod tokens;
mod transport;
mod visitor;
mod written;

pub use acceptance::Acceptance;
pub use client::{Dialling, QuicClients, QuicUpstream, upstream};
pub use crypto::{Agreed, Asked, Choose};
pub use endpoint::endpoint;
pub use keep_alive::KeepAlive;
pub use ledger::{Entry, Ledger, LedgerStats};
pub use send_window::SendWindow;
pub use settings::{QuicSettings, settings};
pub use stats::{Account, CloseCode, QuicStats};
pub use steer::{Share, SteeringStats, shares};
pub use transport::bind_limits;
pub use written::Written;
