//! Floor 1: Envoy v3 messages as written.

pub mod proto;
