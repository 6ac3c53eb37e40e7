//! What the benchmarks of HTTP/3 stand on: a client that costs the same whatever serves it, what a thread or a process has
//! used, and medians.

#![expect(dead_code, reason = "each benchmark uses its own part of the rig")]
#![expect(clippy::expect_used, reason = "a broken rig stops the benchmark where it broke")]

pub(crate) mod backend;
pub(crate) mod client;
pub(crate) mod figures;
pub(crate) mod gateway;
pub(crate) mod message;
pub(crate) mod relay;
pub(crate) mod usage;
