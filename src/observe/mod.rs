//! Floor 2: what the process says about itself.

pub mod access_log;
pub mod stats;
