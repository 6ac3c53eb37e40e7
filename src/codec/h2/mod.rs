//! HTTP/2 on the wire, RFC 9113, by the h2 crate.

mod body;
mod error;
mod keep_alive;
mod server;

pub use server::serve;
