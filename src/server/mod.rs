//! Floor 11: boot, signals, workers.
