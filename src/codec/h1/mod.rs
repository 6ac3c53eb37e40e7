//! HTTP/1.1 and HTTP/1.0 on the wire, RFC 9112, by hyper.

mod aside;
mod asked;
mod client;
mod error;
mod guard;
mod server;
#[cfg(test)]
mod tests;
mod tunnel;

pub use client::{ClientLimits, ClientStream, connect};
pub use error::{from_request_body, from_response};
pub use server::serve;
