//! The thread behind a sink: gathers queued lines, writes them together, opens the file anew when told.
//!
//! It writes as soon as the queue is empty: under load many lines in one call, at rest each line at once.

use std::fs::{File, OpenOptions};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::sync::mpsc::{Receiver, SyncSender};

use super::{Message, Shared, Stats};

/// What a thread writes to.
#[derive(Debug)]
pub(super) enum Output {
    /// A file that is appended to, and its path.
    File(File, PathBuf),
    /// Standard output.
    Stdout,
    /// Standard error.
    Stderr,
}

/// The state of a sink's thread.
#[derive(Debug)]
pub(super) struct Writer {
    output: Output,
    /// Lines taken from the queue and not written yet.
    batch: Vec<u8>,
    shared: Arc<Shared>,
    stats: Stats,
}

// === impl Writer ===

impl Writer {
    pub(super) fn new(output: Output, shared: Arc<Shared>, stats: Stats) -> Self {
        Self { output, batch: Vec::new(), shared, stats }
    }

    /// Runs until told to stop, or until nobody can send any more.
    pub(super) fn run(mut self, queue: &Receiver<Message>) {
        let mut stop = false;
        while let Some(first) = if stop { queue.try_recv().ok() } else { queue.recv().ok() } {
            let mut waiting = Vec::new();
            stop |= self.take(first, &mut waiting);
            // A batch has an end under any load, so that a rotation does not wait for a quiet moment.
            while self.batch.len() < BATCH_BYTES
                && let Ok(message) = queue.try_recv()
            {
                stop |= self.take(message, &mut waiting);
            }
            self.write();
            if self.shared.reopen.swap(false, Ordering::AcqRel) {
                self.reopen();
            }
            for done in waiting {
                let _ = done.send(());
            }
        }
    }

    /// Takes one message; true where no more are to be waited for.
    fn take(&mut self, message: Message, waiting: &mut Vec<SyncSender<()>>) -> bool {
        match message {
            Message::Line(line) => self.batch.extend_from_slice(&line),
            Message::Flush(done) => waiting.push(done),
            Message::Wake => {}
            Message::Stop => return true,
        }
        false
    }

    fn write(&mut self) {
        if self.batch.is_empty() {
            return;
        }
        match self.output.write(&self.batch) {
            Ok(()) => self.stats.completed.inc(),
            Err(_) => self.stats.failed.inc(),
        }
        self.shared.queued.fetch_sub(self.batch.len(), Ordering::Relaxed);
        self.stats.total_buffered.sub(self.batch.len() as u64);
        self.batch.clear();
    }

    fn reopen(&mut self) {
        let Output::File(_, path) = &self.output else { return };
        match Output::open(path) {
            Ok(output) => self.output = output,
            Err(_) => self.stats.reopen_failed.inc(),
        }
    }
}

// === impl Output ===

impl Output {
    /// Opens the file `path` to append to it, and makes it where there is none.
    pub(super) fn open(path: &Path) -> io::Result<Self> {
        let file = OpenOptions::new().append(true).create(true).open(path)?;
        Ok(Self::File(file, path.to_owned()))
    }

    fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        match self {
            Self::File(file, _) => file.write_all(bytes),
            Self::Stdout => {
                let mut out = io::stdout().lock();
                out.write_all(bytes)?;
                out.flush()
            }
            Self::Stderr => io::stderr().lock().write_all(bytes),
        }
    }
}

/// Bytes gathered at most before they are written, although more lines wait.
const BATCH_BYTES: usize = 64 * 1024;
