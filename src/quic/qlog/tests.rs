//! What records cost at most, where they go, and which connections have them.

use std::fs;
use std::io::Write as _;
use std::sync::mpsc::sync_channel;
use std::time::Duration;

use super::trace::{MOST_BYTES, PART_BYTES};
use super::writer::Message;
use super::*;
use crate::observe::stats::Store;

fn stats() -> Stats {
    Stats::new(&Store::new().scope("listener.x"))
}

#[test]
fn a_part_ends_with_a_record_and_the_last_one_with_the_connection() {
    let (queue, parts) = sync_channel(16);
    let mut trace = Trace::new("one".into(), queue, stats());
    for _ in 0..3 {
        trace.write_all(&vec![b'x'; PART_BYTES]).unwrap();
        trace.write_all(b"\n").unwrap();
    }
    trace.write_all(b"last\n").unwrap();
    drop(trace);
    let parts: Vec<_> = parts.iter().collect();
    let lengths: Vec<_> = parts
        .iter()
        .map(|part| match part {
            Message::Part(path, part) if **path == *Path::new("one") && part.ends_with(b"\n") => part.len(),
            _ => 0,
        })
        .collect();
    assert_eq!(lengths, [PART_BYTES + 1, PART_BYTES + 1, PART_BYTES + 1, 5]);
}

/// A queue nobody takes from stands for a disk that hangs.
#[test]
fn a_slow_disk_and_a_long_connection_cost_no_more_than_is_allowed() {
    let (queue, parts) = sync_channel(2);
    let stats = stats();
    let mut trace = Trace::new("one".into(), queue, stats.clone());
    for _ in 0..5 {
        trace.write_all(&vec![b'\n'; PART_BYTES]).unwrap();
    }
    assert_eq!(stats.dropped.value(), 3);
    assert_eq!(parts.try_iter().count(), 2);
    trace.write_all(&vec![b'\n'; MOST_BYTES]).unwrap();
    assert_eq!((stats.dropped.value(), parts.try_iter().count()), (4, 0));
}

#[test]
fn what_is_queued_is_written_before_the_end() {
    let folder = tempfile::tempdir().unwrap();
    let stats = stats();
    let writer = Writer::start(stats.clone()).unwrap();
    let path = folder.path().join("a.sqlog");
    for part in ["one\n", "two\n"] {
        Trace::new(path.clone(), writer.queue(), stats.clone()).write_all(part.as_bytes()).unwrap();
    }
    Trace::new(folder.path().join("none/b.sqlog"), writer.queue(), stats.clone()).write_all(b"lost\n").unwrap();
    drop(writer);
    assert_eq!(fs::read_to_string(path).unwrap(), "one\ntwo\n");
    assert_eq!((stats.dropped.value(), stats.failed.value()), (0, 1));
}

#[test]
fn names_sort_by_time_and_name_the_connection() {
    let name = |micros| file_name(UNIX_EPOCH + Duration::from_micros(micros), ConnectionId::new(&[0xab, 1]));
    assert_eq!(name(1_700_000_000_000_042), "1700000000.000042-ab01.sqlog");
    assert!(name(1_700_000_000_999_999) < name(1_700_000_001_000_000));
}

#[test]
fn as_many_are_sampled_as_asked_for() {
    let drawn = |taken, of| (0..1000).filter(|_| Sampled { of, taken }.draw()).count();
    assert_eq!((drawn(0, 100), drawn(100, 100), drawn(200, 100), drawn(1, 1)), (0, 1000, 1000, 1000));
    let half = drawn(5_000, 10_000);
    assert!((300..700).contains(&half), "{half}");
}

#[test]
fn a_directory_that_cannot_be_written_is_named_with_what_to_do() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("file");
    fs::write(&file, "").unwrap();
    let told = |path: &Path| writable(path).unwrap_err().replace(folder.path().to_str().unwrap(), "/d");
    assert_eq!(
        told(&folder.path().join("none")),
        "cannot write records of connections to /d/none: No such file or directory (os error 2); create the directory first"
    );
    assert_eq!(told(&file), "cannot write records of connections to /d/file: it is no directory; name one");
    assert_eq!(writable(folder.path()), Ok(()));
}
