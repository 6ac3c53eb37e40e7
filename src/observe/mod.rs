//! Floor 2: statistics, access logs, logs.
