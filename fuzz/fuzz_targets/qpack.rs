//! QPACK under any peer, and our two sides against each other: see `drive`.

#![no_main]

#[path = "qpack/drive.rs"]
mod drive;

use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| drive::drive(data));
