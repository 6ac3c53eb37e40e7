//! The thread that writes the records of all connections of a listener.

use std::fs::OpenOptions;
use std::io::{self, Write as _};
use std::path::Path;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread::{self, JoinHandle};

use super::Stats;

/// The thread and its queue. When it is dropped, what is queued is written first.
#[derive(Debug)]
pub(super) struct Writer {
    queue: SyncSender<Message>,
    thread: Option<JoinHandle<()>>,
}

/// What the thread is told.
pub(super) enum Message {
    /// Append this to that file.
    Part(Arc<Path>, Vec<u8>),
    /// Nothing comes any more.
    Stop,
}

impl Writer {
    /// Starts the thread; `None` where there is none to be had.
    pub(super) fn start(stats: Stats) -> Option<Self> {
        let (queue, parts) = sync_channel(QUEUE_PARTS);
        let thread = thread::Builder::new().name("qlog".to_owned()).spawn(move || run(&parts, &stats));
        let told = |error: &io::Error| {
            tracing::error!(%error, "no connection is recorded, there is no thread for it: raise the limit of processes");
        };
        let thread = thread.inspect_err(told).ok()?;
        Some(Self { queue, thread: Some(thread) })
    }

    /// Where parts are put in.
    pub(super) fn queue(&self) -> SyncSender<Message> {
        self.queue.clone()
    }
}

impl Drop for Writer {
    fn drop(&mut self) {
        let _ = self.queue.send(Message::Stop);
        if let Some(thread) = self.thread.take() {
            // One that panicked has nothing left to write.
            let _ = thread.join();
        }
    }
}

fn run(parts: &Receiver<Message>, stats: &Stats) {
    while let Ok(Message::Part(path, part)) = parts.recv() {
        // A file is open while it is written to: there may be as many as there are connections.
        let written =
            OpenOptions::new().append(true).create(true).open(&path).and_then(|mut file| file.write_all(&part));
        if let Err(error) = written {
            stats.failed.inc();
            tracing::debug!(%error, path = %path.display(), "a part of a record was not written");
        }
    }
}

/// Parts that may wait for the disk: 16 MiB of them.
pub(super) const QUEUE_PARTS: usize = 1024;
