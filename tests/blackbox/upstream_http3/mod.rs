//! Clusters that are reached by HTTP/3: what passes, what an upstream must not send, and how connections come and go.
//!
//! `chain` is a gateway in front of a gateway, for what two good sides do; `server` is an upstream whose frames are written by
//! hand, for what a bad one does.

mod announced;
pub(crate) mod chain;
mod exchanges;
mod frames;
mod leaving;
mod messages;
mod patience;
mod pool;
mod qpack;
pub(crate) mod row;
pub(crate) mod server;
mod streams;
pub(crate) mod table;
mod tls;
