//! Floor 2: what the process says about itself.
//!
//! - [`stats`]: metrics under Envoy's names, printed for `/stats` and Prometheus.
//! - [`access_log`]: one line for each exchange or connection, in Envoy's format language.
//! - [`log`]: the process's own log, one line per event.
//!
//! Every floor above counts, fills in the record of its exchange, and logs; `admin` reads. Nothing here knows what a route,
//! a cluster or a protobuf is: the floors above turn their configuration into the plain types of this one.

pub mod access_log;
pub mod log;
pub mod stats;
