//! Floor 5: HTTP/1.1, HTTP/2 and HTTP/3 on the wire.
