//! What the tests stand on: a running demo backend, a wire to write bytes on.

mod backend;
mod program;
mod wire;

pub(crate) use self::{backend::Backend, program::Program, wire::Wire};
