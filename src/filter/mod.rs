//! Floor 7: filters: every extension lives here.
