//! HTTP/3 on the wire, RFC 9114, strictly, over quinn.
//!
//! `server` serves one connection: a task for each request stream (`exchange`), and one for each of the few unidirectional
//! streams (`uni`). `client` is the other side: an exchange runs in the task of whoever asks. `receive` and `send` are the
//! halves of a request stream over quinn's own types, which read and write chunks without a copy and show resets, stops and
//! priorities; [`wire`] knows the frames, [`super::message`] the rules of messages, [`super::qpack`] the compression. `shared` is
//! what the tasks of a connection have in common.
//!
//! Of the h3 crate the error codes are used, and the trait by which h3-quinn's connection accepts unidirectional streams: not
//! its frames, settings and streams, which keep whole payloads. Request streams implement none of its traits, which nothing
//! here would call: h3's own client and server are a peer of the tests, over streams of their own.

mod body;
mod client;
mod error;
mod exchange;
mod head;
mod keep_alive;
mod receive;
mod send;
mod server;
mod shared;
mod uni;
pub mod wire;

#[cfg(test)]
mod tests;

pub use client::{Client, ClientLimits, ClientStream, NoStream, connect};
pub use server::{Accepted, Early, serve};
