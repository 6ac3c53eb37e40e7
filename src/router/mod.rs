//! Floor 6: which route?
