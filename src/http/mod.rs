//! Floor 0: the message, its body, and what can go wrong with an exchange.
//!
//! One request model for all versions: the `http` crate's `Request` and `Response` with our [`Body`], which streams data
//! and trailers and is polled directly, so that flow control is the backpressure. [`Failure`] is what went wrong with an
//! exchange; every floor maps its own errors into it, and only `hcm::reply` and the codecs map it out.
//! [`AltSvc`] is what an origin says of where else it is served.

mod alt_svc;
mod body;
mod connect_protocol;
mod early_data;
mod failure;
mod protocol;
mod tunnel;

pub use alt_svc::{AltSvc, Alternative};
pub use body::{Body, Request, Response};
pub use connect_protocol::{ConnectProtocol, NoUpgradeToken};
pub use early_data::EarlyData;
pub use failure::{Failure, ResetReason};
pub use protocol::Protocol;
pub use tunnel::{AskedTunnel, Tunnel, Uploading};
