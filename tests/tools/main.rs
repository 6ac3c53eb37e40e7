//! Black-box tests of the tools: the demo backend, the local CA and the probe, over real sockets.
#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stdout,
    reason = "the exemption for tests does not reach the functions that tests share"
)]

mod demo;
mod local_ca;
mod probe;
mod rig;
mod short_form;
#[path = "../support/mod.rs"]
mod support;
mod support_list;
