//! The admin interface as operators and their tools meet it: a running gateway, asked over plain HTTP.

#![expect(clippy::expect_used, reason = "a broken test environment stops the test where it broke")]

#[path = "../support/mod.rs"]
mod support;

mod access_log;
mod bounds;
mod config_dump;
mod drain;
mod endpoints;
mod exposition;
mod health;
mod logging;
mod rig;
mod shown;
mod stats;
