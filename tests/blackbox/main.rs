//! The gateway as its users meet it: through real sockets, over all three HTTP versions from one table.

#![expect(clippy::expect_used, clippy::panic, reason = "a broken test environment stops the test where it broke")]

#[path = "../support/mod.rs"]
mod support;

mod amplification;
mod command_line;
mod early_data;
mod edge;
mod exchanges;
mod failures;
mod filter_chains;
mod first_run;
mod floods;
mod host;
mod http2;
mod http3;
mod interim;
mod isolation;
mod log_format;
mod migration;
mod qlog;
mod quic_stats;
mod settings;
mod stateless;
mod stop;
mod tls;
mod tunnels;
mod upstream_http2;
mod upstream_http3;
mod upstream_tls;
mod watched;
