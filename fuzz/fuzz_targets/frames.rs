//! HTTP/3 frames in any bytes, cut anywhere: see `drive`.

#![no_main]

#[path = "frames/drive.rs"]
mod drive;

use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| drive::drive(data));
