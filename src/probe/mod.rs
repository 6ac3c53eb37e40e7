//! Floor 11: `quicgate probe`, a small HTTP client for three versions.
