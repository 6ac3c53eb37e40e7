//! Floor 9: accept, choose a filter chain.
