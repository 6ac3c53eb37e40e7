//! HTTP/2 frame by frame: messages that are malformed, and what comes of them, through real sockets.
//!
//! The rules are those of HTTP/3 (`codec::message` holds both to them), and so is the way of the table: each row says what
//! a client writes and what must come; after all that does not end the connection, the connection serves another request;
//! and the backend sees no request that was not good, or never the whole of it. The frames are written by [`wire`], which
//! is read from the RFCs and shares no code with the gateway.
//!
//! Two things are of the h2 crate and cannot be changed from outside. It types a field while it undoes HPACK, and takes a
//! field that it cannot type for a broken block: such a row ends the connection, as RFC 9113 §5.4.1 lets it. And it hands
//! over less than came in a few places, which their rows name.

mod client;
mod limits;
mod messages;
mod pseudo_fields;
mod row;
mod table;
pub(crate) mod wire;
