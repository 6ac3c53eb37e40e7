//! Lines that go to files: written, dropped, reopened, flushed.

use std::fs;

use super::*;

struct Bench {
    folder: tempfile::TempDir,
    store: Arc<Store>,
    sinks: Sinks,
}

impl Bench {
    fn new() -> Self {
        let store = Store::new();
        Self { folder: tempfile::tempdir().unwrap(), sinks: Sinks::new(&store), store }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn count(&self, name: &str) -> u64 {
        self.store.scope("filesystem").counter(name).value()
    }
}

#[test]
fn lines_are_appended_and_counted() {
    let bench = Bench::new();
    let path = bench.path("a.log");
    fs::write(&path, "before\n").unwrap();
    let sink = bench.sinks.file(&path).unwrap();
    sink.write(b"one\n".to_vec());
    sink.write(b"two\n".to_vec());
    bench.sinks.flush();
    assert_eq!(fs::read_to_string(&path).unwrap(), "before\none\ntwo\n");
    assert_eq!(bench.count("write_buffered"), 2);
    assert!((1..=2).contains(&bench.count("write_completed")));
    assert_eq!(bench.store.scope("filesystem").gauge("write_total_buffered").value(), 0);
}

#[test]
fn two_logs_of_one_path_share_a_sink() {
    let bench = Bench::new();
    let one = bench.sinks.file(&bench.path("a.log")).unwrap();
    let same = bench.sinks.file(&bench.folder.path().join("./a.log")).unwrap();
    let other = bench.sinks.file(&bench.path("b.log")).unwrap();
    assert!(Arc::ptr_eq(&one.0, &same.0));
    assert!(!Arc::ptr_eq(&one.0, &other.0));
    let stdout = bench.sinks.file(Path::new("/dev/stdout")).unwrap();
    assert!(Arc::ptr_eq(&stdout.0, &bench.sinks.stdout().unwrap().0));
}

#[test]
fn a_rotated_file_is_opened_anew() {
    let bench = Bench::new();
    let (path, old) = (bench.path("a.log"), bench.path("a.log.1"));
    let sink = bench.sinks.file(&path).unwrap();
    sink.write(b"one\n".to_vec());
    bench.sinks.flush();
    fs::rename(&path, &old).unwrap();
    sink.write(b"two\n".to_vec());
    bench.sinks.reopen();
    bench.sinks.flush();
    sink.write(b"three\n".to_vec());
    bench.sinks.flush();
    assert_eq!(fs::read_to_string(&old).unwrap(), "one\ntwo\n");
    assert_eq!(fs::read_to_string(&path).unwrap(), "three\n");
}

#[test]
fn where_reopening_fails_the_old_file_is_written_on() {
    let bench = Bench::new();
    let (folder, moved) = (bench.path("logs"), bench.path("moved"));
    fs::create_dir(&folder).unwrap();
    let sink = bench.sinks.file(&folder.join("a.log")).unwrap();
    fs::rename(&folder, &moved).unwrap();
    bench.sinks.reopen();
    bench.sinks.flush();
    sink.write(b"still here\n".to_vec());
    bench.sinks.flush();
    assert_eq!(bench.count("reopen_failed"), 1);
    assert_eq!(fs::read_to_string(moved.join("a.log")).unwrap(), "still here\n");
}

#[test]
fn shutdown_loses_nothing_and_what_comes_after_is_counted() {
    let bench = Bench::new();
    let path = bench.path("a.log");
    let sink = bench.sinks.file(&path).unwrap();
    let senders: Vec<_> = (0..4)
        .map(|sender| {
            let sink = sink.clone();
            thread::spawn(move || (0..1000).for_each(|line| sink.write(format!("{sender} {line}\n").into_bytes())))
        })
        .collect();
    for sender in senders {
        sender.join().unwrap();
    }
    bench.sinks.shutdown();
    sink.write(b"late\n".to_vec());
    let written = fs::read_to_string(&path).unwrap();
    let (lines, dropped) = (written.lines().count() as u64, bench.count("write_dropped"));
    assert_eq!((lines, lines + dropped), (bench.count("write_buffered"), 4001));
    let of_first: Vec<_> = written.lines().filter_map(|line| line.strip_prefix("0 ")).collect();
    assert!(of_first.is_sorted_by_key(|line| line.parse::<u32>().unwrap()), "lines of one sender stay in order");
}

#[test]
fn a_sink_nobody_holds_writes_what_it_has() {
    let bench = Bench::new();
    let path = bench.path("a.log");
    bench.sinks.file(&path).unwrap().write(b"last\n".to_vec());
    bench.sinks.shutdown();
    assert_eq!(fs::read_to_string(&path).unwrap(), "last\n");
}

/// A queue nobody takes from stands for a disk that hangs.
#[test]
fn a_full_queue_drops_and_counts() {
    let bench = Bench::new();
    let (queue, lines) = sync_channel(2);
    let target = Target { place: Place::Stdout, queue, shared: Arc::default(), stats: bench.sinks.stats.clone() };
    let sink = Sink(Arc::new(target));
    (0..5).for_each(|_| sink.write(vec![b'x'; 10]));
    assert_eq!((bench.count("write_buffered"), bench.count("write_dropped")), (2, 3));
    assert_eq!(sink.0.shared.queued.load(Ordering::Relaxed), 20);
    assert_eq!(lines.try_iter().count(), 2);
    sink.write(vec![b'x'; QUEUE_BYTES]);
    assert_eq!(bench.count("write_dropped"), 4);
}

#[test]
fn a_file_that_cannot_be_opened_is_named_with_what_to_do() {
    let bench = Bench::new();
    // A rehearsal says the same without trying.
    for sinks in [&bench.sinks, &Sinks::rehearsal(&Store::new())] {
        let told = |path: PathBuf| {
            let message = sinks.file(&path).unwrap_err().to_string();
            message.replace(bench.folder.path().to_str().unwrap(), "/var").replace(" (os error 21)", "").to_lowercase()
        };
        assert_eq!(
            told(bench.path("none/a.log")),
            "cannot open the access log /var/none/a.log: no such file or directory (os error 2); create its folder first"
        );
        assert_eq!(told(bench.path("")), "cannot open the access log /var/: is a directory; name a file in it");
    }
}

#[test]
fn a_rehearsal_makes_no_file_and_drops_lines() {
    let bench = Bench::new();
    let sinks = Sinks::rehearsal(&Store::new());
    sinks.file(&bench.path("new.log")).unwrap().write(b"a line".to_vec());
    fs::write(bench.path("old.log"), "before").unwrap();
    sinks.file(&bench.path("old.log")).unwrap().write(b"a line".to_vec());
    sinks.shutdown();
    assert!(!bench.path("new.log").exists());
    assert_eq!(fs::read_to_string(bench.path("old.log")).unwrap(), "before");
}
