//! The `alt-svc` field of any upstream: see `drive`.

#![no_main]

#[path = "alt_svc/drive.rs"]
mod drive;

use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| drive::drive(data));
