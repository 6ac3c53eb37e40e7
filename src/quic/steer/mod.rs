//! Steering: every datagram reaches the worker that owns its connection, wherever it comes from.
//!
//! The kernel spreads datagrams over the sockets of a reuseport group by their addresses, which change under a connection
//! (RFC 9000 §9). Its id does not: worker = keyed hash of the id, modulo the number of workers ([`rule`]). Each worker issues
//! ids that name itself ([`ids`]), and clients' first ids, which are theirs to choose, name some worker too. Nothing readable
//! is in an id, and without the key nobody can aim at a worker.
//!
//! A [`Share`] is one worker's part of a listener's address, made for all workers at once by [`shares`] ([`group`]). The kernel
//! computes the rule itself where it takes a program ([`program`]). Datagrams that come to the wrong socket all the same are
//! handed over in user space ([`socket`], [`queue`]).

mod group;
mod hash;
mod ids;
mod process;
mod program;
mod queue;
mod rule;
mod socket;

pub use group::{Share, SteeringStats, shares};
