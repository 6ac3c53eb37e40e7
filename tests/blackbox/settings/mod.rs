//! Settings of the configuration, each with what a client or a backend sees with it and without it.
//!
//! `src/config/support.tsv` names these tests beside the fields that they show.

mod clusters;
mod connections;
mod http1;
mod http2;
mod identity;
mod limits;
mod listeners;
mod local_replies;
mod log_filters;
mod logs;
pub(crate) mod quic;
mod quic_transport;
mod routes;
mod targets;
mod tls;
mod transport_parameters;
