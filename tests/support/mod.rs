//! What every black-box test stands on: a program under test, clients of the three HTTP versions, and backends that
//! do as they are told.
//!
//! A test target says `#[path = "../support/mod.rs"] mod support;` and then, in the order of a test:
//! [`backend::Backend::start`] (what answers behind the gateway), [`program::Gateway::start`] or
//! [`program::Envoy::start`] (the program, from a YAML text), [`process::Process::client`] (a connection to one of its
//! listeners), [`client::Client::send`] (an exchange).
//!
//! Nothing here sleeps or holds a fixed port: waits are for events, bounded by one generous deadline.

#![expect(dead_code, reason = "each test target uses its own part of the support")]
#![expect(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a broken harness stops the test where it broke"
)]

pub(crate) mod backend;
pub(crate) mod certificates;
pub(crate) mod chains;
pub(crate) mod client;
pub(crate) mod datagrams;
pub(crate) mod deadline;
mod envoy;
pub(crate) mod framing;
pub(crate) mod http2_backend;
pub(crate) mod initial;
pub(crate) mod log;
pub(crate) mod message;
pub(crate) mod ports;
pub(crate) mod process;
pub(crate) mod program;
pub(crate) mod stats;
pub(crate) mod tls_server;
pub(crate) mod wire;
