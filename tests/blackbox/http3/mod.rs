//! HTTP/3 frame by frame: what a client must not send, and what comes of it, through real sockets.
//!
//! Each row says what a client writes on its streams, and what must come: the end of the connection or of the stream with a
//! code, a status, or a good answer. After all that does not end the connection, the connection serves another request; and
//! the backend sees no request that was not good. The frames are written by [`wire`], which is read from the RFCs and
//! shares no code with the gateway.

pub(crate) mod client;
mod connect;
mod early_answers;
mod floods;
mod frames;
mod limits;
mod messages;
mod priorities;
mod pseudo_fields;
mod qpack;
pub(crate) mod row;
mod settings;
mod streams;
mod table;
mod times;
pub(crate) mod wire;
