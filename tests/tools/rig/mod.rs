//! What the tests stand on: servers on ports that the system chose, a wire to write bytes on, programs of the system.

mod app;
mod backend;
mod h3_server;
mod identity;
mod program;
mod tls_server;
mod wire;

pub(crate) use self::{
    backend::Backend,
    h3_server::{H3Server, Habits},
    identity::Identity,
    program::Program,
    tls_server::{TlsServer, serve_http2},
    wire::Wire,
};
