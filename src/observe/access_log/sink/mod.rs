//! Where lines go: files, standard output, standard error.
//!
//! [`Sinks`] is the process's list: two logs that name the same file share one [`Sink`]. A sink has a bounded queue and a
//! thread of its own (`writer`), so a slow disk or a stuck pipe delays neither the data path nor another log: what finds the
//! queue full is dropped and counted. `server` calls [`Sinks::reopen`] on SIGUSR1 and [`Sinks::shutdown`] at the end.

mod writer;

use std::fmt;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::mpsc::{SyncSender, sync_channel};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::thread::{self, JoinHandle};

use rustix::fs::{Access, access};

use self::writer::{Output, Writer};
use super::super::stats::{Counter, Gauge, Store};

/// The sinks of the process.
#[derive(Debug)]
pub struct Sinks {
    stats: Stats,
    /// Whether files are only asked whether they could be opened.
    rehearsal: bool,
    open: Mutex<Open>,
}

/// A place that takes lines. Clones are the same place.
#[derive(Clone, Debug)]
pub struct Sink(Arc<Target>);

/// A log file that cannot be opened.
#[derive(Debug)]
pub enum OpenError {
    /// The file.
    File {
        /// Its path.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// The thread that was to write it.
    Thread {
        /// What the system said.
        source: io::Error,
    },
}

/// What a sink's thread is told.
enum Message {
    /// Write this.
    Line(Vec<u8>),
    /// Say so when everything before this is written.
    Flush(SyncSender<()>),
    /// Look at `reopen`.
    Wake,
    /// Write what is queued, then end.
    Stop,
}

/// What a sink and its thread share.
#[derive(Debug, Default)]
struct Shared {
    /// Bytes in the queue.
    queued: AtomicUsize,
    /// Whether the file is to be opened anew.
    reopen: AtomicBool,
}

/// `filesystem.*`, as in Envoy, and the lines dropped.
#[derive(Clone, Debug)]
struct Stats {
    buffered: Counter,
    completed: Counter,
    failed: Counter,
    dropped: Counter,
    reopen_failed: Counter,
    total_buffered: Gauge,
}

#[derive(Debug)]
struct Target {
    place: Place,
    queue: SyncSender<Message>,
    shared: Arc<Shared>,
    stats: Stats,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Place {
    File(PathBuf),
    Stdout,
    Stderr,
}

#[derive(Debug, Default)]
struct Open {
    targets: Vec<Weak<Target>>,
    threads: Vec<JoinHandle<()>>,
}

// === impl Sinks ===

impl Sinks {
    /// No sinks yet; their metrics go to `store`.
    #[must_use]
    pub fn new(store: &Arc<Store>) -> Self {
        Self { stats: Stats::new(store), rehearsal: false, open: Mutex::default() }
    }

    /// As [`Sinks::new`], but nothing is opened, made or started: of each file it is known whether it could be appended to,
    /// and lines are dropped. For a configuration that will not run.
    #[must_use]
    pub fn rehearsal(store: &Arc<Store>) -> Self {
        Self { rehearsal: true, ..Self::new(store) }
    }

    /// The sink that appends to the file `path`, which is made where there is none. `/dev/stdout` and `/dev/stderr` are the
    /// process's own, whatever they are connected to.
    ///
    /// # Errors
    /// [`OpenError`] where the file cannot be opened or its thread not be started.
    pub fn file(&self, path: &Path) -> Result<Sink, OpenError> {
        match path.to_str() {
            Some("/dev/stdout") => return self.stdout(),
            Some("/dev/stderr") => return self.stderr(),
            _ => {}
        }
        let failed = |source| OpenError::File { path: path.to_owned(), source };
        let absolute = std::path::absolute(path).map_err(failed)?;
        self.sink(Place::File(absolute), |place| match place {
            Place::File(path) => Output::open(path).map_err(failed),
            Place::Stdout => Ok(Output::Stdout),
            Place::Stderr => Ok(Output::Stderr),
        })
    }

    /// The sink that writes to standard output.
    ///
    /// # Errors
    /// [`OpenError::Thread`] where its thread cannot be started.
    pub fn stdout(&self) -> Result<Sink, OpenError> {
        self.sink(Place::Stdout, |_| Ok(Output::Stdout))
    }

    /// The sink that writes to standard error.
    ///
    /// # Errors
    /// [`OpenError::Thread`] where its thread cannot be started.
    pub fn stderr(&self) -> Result<Sink, OpenError> {
        self.sink(Place::Stderr, |_| Ok(Output::Stderr))
    }

    /// Has every file opened anew, after a rotation has moved it away. Does not wait; where opening fails, the old file is
    /// written on and `filesystem.reopen_failed` counts it.
    pub fn reopen(&self) {
        for target in self.targets() {
            target.shared.reopen.store(true, Ordering::Release);
            // A full queue needs no waking.
            let _ = target.queue.try_send(Message::Wake);
        }
    }

    /// Waits until every line handed over so far is written.
    pub fn flush(&self) {
        for target in self.targets() {
            let (done, wait) = sync_channel(1);
            if target.queue.send(Message::Flush(done)).is_ok() {
                let _ = wait.recv();
            }
        }
    }

    /// Writes what is queued and ends the threads; lines that come later are dropped and counted. Waits for a disk that
    /// hangs: the caller sets the limit, by running it on a thread of its own.
    pub fn shutdown(&self) {
        for target in self.targets() {
            let _ = target.queue.send(Message::Stop);
        }
        let threads = std::mem::take(&mut self.open().threads);
        for thread in threads {
            // A thread that panicked has nothing left to write.
            let _ = thread.join();
        }
    }

    fn sink(&self, place: Place, output: impl FnOnce(&Place) -> Result<Output, OpenError>) -> Result<Sink, OpenError> {
        let mut open = self.open();
        open.targets.retain(|target| target.strong_count() != 0);
        open.threads.retain(|thread| !thread.is_finished());
        if let Some(known) = open.targets.iter().filter_map(Weak::upgrade).find(|target| target.place == place) {
            return Ok(Sink(known));
        }
        let (queue, lines) = sync_channel(QUEUE_LINES);
        let shared = Arc::new(Shared::default());
        if self.rehearsal {
            place.check()?;
            return Ok(Sink(Arc::new(Target { place, queue, shared, stats: self.stats.clone() })));
        }
        let writer = Writer::new(output(&place)?, Arc::clone(&shared), self.stats.clone());
        let thread = thread::Builder::new().name("access_log".to_owned()).spawn(move || writer.run(&lines));
        open.threads.push(thread.map_err(|source| OpenError::Thread { source })?);
        let target = Arc::new(Target { place, queue, shared, stats: self.stats.clone() });
        open.targets.push(Arc::downgrade(&target));
        Ok(Sink(target))
    }

    fn targets(&self) -> Vec<Arc<Target>> {
        self.open().targets.iter().filter_map(Weak::upgrade).collect()
    }

    fn open(&self) -> MutexGuard<'_, Open> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

// === impl Place ===

impl Place {
    /// Whether lines could be appended here, as far as can be told without opening anything.
    fn check(&self) -> Result<(), OpenError> {
        let Self::File(path) = self else { return Ok(()) };
        let failed = |source: io::Error| OpenError::File { path: path.clone(), source };
        match std::fs::metadata(path) {
            Ok(metadata) if metadata.is_dir() => Err(failed(io::ErrorKind::IsADirectory.into())),
            Ok(_) => access(path, Access::WRITE_OK).map_err(|error| failed(error.into())),
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                let parent = path.parent().unwrap_or(path);
                access(parent, Access::WRITE_OK | Access::EXEC_OK).map_err(|error| failed(error.into()))
            }
            Err(error) => Err(failed(error)),
        }
    }
}

// === impl Sink ===

impl Sink {
    /// Hands a line over. Never waits: it is dropped, and `filesystem.write_dropped` counts it, where the queue is full.
    pub fn write(&self, line: Vec<u8>) {
        let Target { queue, shared, stats, .. } = &*self.0;
        let size = line.len();
        // Counted before it is sent: the thread takes away what it has written, at once.
        let queued = shared.queued.fetch_add(size, Ordering::Relaxed);
        stats.total_buffered.add(size as u64);
        if queued.saturating_add(size) <= QUEUE_BYTES && queue.try_send(Message::Line(line)).is_ok() {
            stats.buffered.inc();
        } else {
            shared.queued.fetch_sub(size, Ordering::Relaxed);
            stats.total_buffered.sub(size as u64);
            stats.dropped.inc();
        }
    }
}

// === impl Stats ===

impl Stats {
    fn new(store: &Arc<Store>) -> Self {
        let scope = store.scope("filesystem");
        Self {
            buffered: scope.counter("write_buffered"),
            completed: scope.counter("write_completed"),
            failed: scope.counter("write_failed"),
            dropped: scope.counter("write_dropped"),
            reopen_failed: scope.counter("reopen_failed"),
            total_buffered: scope.gauge("write_total_buffered"),
        }
    }
}

// === impl OpenError ===

impl fmt::Display for OpenError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Thread { source } => {
                write!(f, "no thread for the access log: {source}; raise the limit of processes")
            }
            Self::File { path, source } => {
                let advice = match source.kind() {
                    io::ErrorKind::NotFound => "create its folder first",
                    io::ErrorKind::PermissionDenied => "let the user the gateway runs as write there",
                    io::ErrorKind::IsADirectory => "name a file in it",
                    _ => "name a file that can be appended to",
                };
                write!(f, "cannot open the access log {}: {source}; {advice}", path.display())
            }
        }
    }
}

impl std::error::Error for OpenError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::File { source, .. } | Self::Thread { source } => Some(source),
        }
    }
}

/// Lines a queue holds at most.
const QUEUE_LINES: usize = 16 * 1024;

/// Bytes a queue holds at most, so that long lines do not take all memory.
const QUEUE_BYTES: usize = 16 * 1024 * 1024;

#[cfg(test)]
mod tests;
