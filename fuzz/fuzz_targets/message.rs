//! Any field lines as a message: see `drive`.

#![no_main]

#[path = "message/drive.rs"]
mod drive;

use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| drive::drive(data));
