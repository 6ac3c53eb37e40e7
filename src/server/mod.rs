//! Floor 11: boot, signals, workers.

pub mod demo;
pub mod local_ca;
