//! The process's metrics, under Envoy's exact names.
//!
//! One [`Store`] per process, handed down as an `Arc`. What is built from configuration asks a [`Scope`] (`cluster.web`) for
//! its handles; registering takes a lock, counting never does: a [`Counter`], a [`Gauge`] and a [`Histogram`] are atomics
//! behind an `Arc`, nothing is formatted or looked up on the data path. Called by every floor above; read by `admin`
//! through [`render`], and by statistics sinks through [`Store::latch`].
//!
//! Names, tag rules and printed shapes are those of Envoy 1.40, read off the release binary.

pub mod render;

mod histogram;
mod metric;
mod store;
mod tags;

pub use histogram::{Bin, Distribution, Histogram};
pub use metric::{Counter, Gauge, Held};
pub use store::{Scope, Store};
