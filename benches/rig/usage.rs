//! What the system says that a thread or a process has used.

use std::fs;
use std::time::Duration;

/// Processor time of a thread of this process.
pub(crate) fn of_thread(thread: rustix::thread::Pid) -> Duration {
    let path = format!("/proc/self/task/{}/schedstat", thread.as_raw_nonzero());
    let text = fs::read_to_string(path).expect("the thread is of this process, and the kernel counts its time");
    let spent = text.split(' ').next().and_then(|nanoseconds| nanoseconds.parse().ok());
    Duration::from_nanos(spent.expect("nanoseconds on a processor come first"))
}

/// Processor time of all threads of a process.
pub(crate) fn of_process(process: u32) -> Duration {
    let threads = fs::read_dir(format!("/proc/{process}/task")).expect("the process lives");
    let of_thread = |thread: fs::DirEntry| {
        // A thread that has ended meanwhile has no file; none of those that serve ends.
        let text = fs::read_to_string(thread.path().join("schedstat")).ok()?;
        text.split(' ').next()?.parse().ok().map(Duration::from_nanos)
    };
    threads.flatten().filter_map(of_thread).sum()
}

/// Kibibytes that a process has in memory: now, and at most so far.
pub(crate) fn memory_of_process(process: u32) -> (u64, u64) {
    let text = fs::read_to_string(format!("/proc/{process}/status")).expect("the process lives");
    let field = |name: &str| {
        let line = text.lines().find(|line| line.starts_with(name));
        line.and_then(|line| line.split_ascii_whitespace().nth(1)).and_then(|number| number.parse().ok())
    };
    (field("VmRSS:").expect("VmRSS"), field("VmHWM:").expect("VmHWM"))
}
