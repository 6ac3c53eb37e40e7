//! What the fuzzer starts from, and what it once found, is replayed by every build.

#![expect(clippy::expect_used, clippy::indexing_slicing, reason = "a corpus that cannot be read stops the test there")]

use std::fs;
use std::path::Path;

#[path = "../fuzz/fuzz_targets/alt_svc/drive.rs"]
mod alt_svc;
#[path = "../fuzz/fuzz_targets/frames/drive.rs"]
mod frames;
#[path = "../fuzz/fuzz_targets/message/drive.rs"]
mod message;
#[path = "../fuzz/fuzz_targets/qpack/drive.rs"]
mod qpack;

/// Calls `drive` with each input of a target's corpus.
fn replay(target: &str, drive: fn(&[u8])) -> usize {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz/corpus").join(target);
    let inputs = fs::read_dir(folder).expect("the corpus is a folder of the repository");
    inputs.map(|input| drive(&fs::read(input.expect("an input").path()).expect("a file"))).count()
}

#[test]
fn alt_svc() {
    assert!(replay("alt_svc", alt_svc::drive) >= 12);
}

#[test]
fn frames() {
    assert!(replay("frames", frames::drive) >= 12);
}

#[test]
fn message() {
    assert!(replay("message", message::drive) >= 12);
}

#[test]
fn qpack() {
    assert!(replay("qpack", qpack::drive) >= 12);
    // Any short input, too.
    for head in [[0, 4, 4, 1], [1, 4, 4, 1]] {
        for first in 0..=u8::MAX {
            for second in [0, 1, 0x3f, 0x7f, 0x80, 0xff] {
                qpack::drive(&[&head[..], &[first, 3, second, second, second]].concat());
            }
        }
    }
}
