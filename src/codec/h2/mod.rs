//! HTTP/2 on the wire, RFC 9113, by the h2 crate.
//!
//! `server` serves one connection, a task for each of its streams. `client` is the other side: an exchange (`stream`) runs in
//! the task of whoever asks, and `work` is what keeps its connection going. `body` and `sink` are the halves of a stream on
//! either side.

mod body;
mod client;
mod error;
mod keep_alive;
mod request;
mod server;
mod sink;
mod stream;
mod tunnel;
mod work;

pub use client::{Client, ClientLimits, connect};
pub use keep_alive::KeepAlive;
pub use server::serve;
pub use stream::ClientStream;
pub use work::Ended;

/// Bytes of one message that may wait in the connection for the peer's window.
const SEND_BUFFER: usize = 64 * 1024;
