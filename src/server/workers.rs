//! Worker threads: each with a runtime of its own, its sockets and its upstream pools.

use std::io;
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::Duration;

use crate::hcm::Worker;
use crate::listener::{self, Bound};
use crate::upstream::Clusters;

/// All workers of the process.
#[derive(Debug)]
pub(super) struct Workers {
    workers: Vec<Arc<Worker>>,
    threads: Vec<JoinHandle<()>>,
}

impl Workers {
    /// Starts a worker for each set of sockets.
    ///
    /// # Errors
    /// What the system says when a thread or runtime cannot be had.
    pub(super) fn start(sockets: Vec<Vec<Bound>>, clusters: &Clusters) -> io::Result<Self> {
        let count = sockets.len();
        let mut all = Self { workers: Vec::with_capacity(count), threads: Vec::with_capacity(count) };
        for (index, sockets) in sockets.into_iter().enumerate() {
            let worker = Arc::new(Worker::new(index, count, clusters));
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
            let thread = std::thread::Builder::new().name(format!("worker {index}"));
            let own = Arc::clone(&worker);
            all.threads.push(thread.spawn(move || {
                runtime.block_on(work(&own, sockets));
                runtime.shutdown_timeout(LAST_WORDS);
            })?);
            all.workers.push(worker);
        }
        Ok(all)
    }

    /// The workers.
    pub(super) fn list(&self) -> &[Arc<Worker>] {
        &self.workers
    }

    /// Stops accepting and finishes what is in flight, at most for `limit`; returns how many tasks had to be cut off.
    pub(super) async fn drain(&self, limit: Duration) -> usize {
        for worker in &self.workers {
            worker.drain.begin();
        }
        let all = async {
            for worker in &self.workers {
                worker.drain.finished().await;
            }
        };
        let _ = tokio::time::timeout(limit, all).await;
        self.workers.iter().map(|worker| worker.drain.in_flight()).sum()
    }

    /// Ends the workers.
    pub(super) async fn stop(self) {
        for worker in &self.workers {
            worker.drain.force();
        }
        let all = async {
            for worker in &self.workers {
                worker.drain.finished().await;
            }
        };
        // What was cut off says its GOAWAY or CONNECTION_CLOSE.
        let _ = tokio::time::timeout(LAST_WORDS, all).await;
        drop(self.workers);
        let _ = tokio::task::spawn_blocking(move || {
            for thread in self.threads {
                let _ = thread.join();
            }
        })
        .await;
    }
}

async fn work(worker: &Arc<Worker>, sockets: Vec<Bound>) {
    for bound in sockets {
        listener::serve(bound, worker);
    }
    worker.drain.watch().closing().await;
    worker.drain.finished().await;
    let _ = tokio::time::timeout(LAST_WORDS, worker.pools.close()).await;
}

/// How long the end of the last tasks may take.
const LAST_WORDS: Duration = Duration::from_secs(1);
