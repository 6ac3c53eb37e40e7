//! Floor 0: sockets and addresses.
