//! Clusters that are reached by HTTP/2, and those whose version is found out: what passes, what an upstream must not send, and
//! how connections come and go.
//!
//! `chain` is a gateway in front of a gateway, for what two good sides do; `server` is an upstream whose frames are written by
//! hand, for what a bad one does.

mod ages;
pub(crate) mod chain;
mod exchanges;
mod keep_alive;
mod leaving;
mod left;
mod messages;
mod pool;
mod row;
pub(crate) mod server;
mod table;
mod tls;
mod versions;
