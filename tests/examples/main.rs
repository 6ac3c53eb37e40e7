//! What the repository shows to its users is true: every file in `config/`, the commands and texts of the README, the
//! container image and the service unit.

#![expect(clippy::expect_used, clippy::panic, reason = "a broken test environment stops the test where it broke")]

#[path = "../support/mod.rs"]
mod support;

mod accepted;
mod clone;
mod packaging;
mod readme;
mod served;
