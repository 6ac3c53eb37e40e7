//! Floor 1: Envoy v3 messages as written.
