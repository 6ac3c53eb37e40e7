//! HTTP/3 on the wire, RFC 9114, by the h3 crate over quinn.

mod body;
mod error;
mod server;
pub mod wire;

pub use server::serve;
