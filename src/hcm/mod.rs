//! Floor 8: the HTTP connection manager: connection, exchange, forward.
