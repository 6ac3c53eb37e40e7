//! What quinn writes of one connection, in parts that end with a record.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::mpsc::SyncSender;

use super::Stats;
use super::writer::Message;

/// The file of one connection, as quinn sees it: nothing here waits, and nothing fails.
pub(super) struct Trace {
    path: Arc<Path>,
    queue: SyncSender<Message>,
    stats: Stats,
    /// Records that were not handed over yet.
    pending: Vec<u8>,
    /// Bytes of the records that were.
    written: usize,
}

impl Trace {
    pub(super) fn new(path: PathBuf, queue: SyncSender<Message>, stats: Stats) -> Self {
        Self { path: path.into(), queue, stats, pending: Vec::new(), written: 0 }
    }

    /// Hands over what there is. A part that is dropped leaves a file of whole records.
    fn hand_over(&mut self) {
        let part = std::mem::take(&mut self.pending);
        if part.is_empty() {
            return;
        }
        self.written += part.len();
        let room = self.written <= MOST_BYTES;
        if !room || self.queue.try_send(Message::Part(Arc::clone(&self.path), part)).is_err() {
            self.stats.dropped.inc();
        }
    }
}

impl io::Write for Trace {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.pending.extend_from_slice(bytes);
        // A record ends with a newline and holds none (RFC 7464 §2.2).
        if self.pending.len() >= PART_BYTES && bytes.ends_with(b"\n") {
            self.hand_over();
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Drop for Trace {
    fn drop(&mut self) {
        self.hand_over();
    }
}

/// Bytes that are gathered before they are handed over.
pub(super) const PART_BYTES: usize = 16 << 10;

/// Bytes of one file: about half a million packets.
pub(super) const MOST_BYTES: usize = 64 << 20;
