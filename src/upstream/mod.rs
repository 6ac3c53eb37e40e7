//! Floor 6: which host, which connection?
