//! Floor 0: who must stop, and who is still at work.
//!
//! Every worker has one [`Drain`]. Tasks are spawned through it, so that they are named and counted; `begin` asks them
//! to come to an end (GOAWAY, `connection: close`), `force` ends them at once, `finished` waits for the last of them.
//! A [`Watch`] is the side that a connection holds. Nothing here is shared between workers.

use std::future::Future;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio_util::task::TaskTracker;

/// The tasks of one worker and the word that ends them.
#[derive(Clone, Debug)]
pub struct Drain {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    phase: watch::Sender<Phase>,
    exchanges: TaskTracker,
    panics: AtomicU64,
}

/// How far a worker is on its way to the end.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Phase {
    /// New connections and requests are welcome.
    Serving,
    /// Health checks fail on purpose: whoever is here is asked to go, whoever comes is still served.
    Leaving,
    /// Nothing new is accepted; what is in flight is finished.
    Draining,
    /// The time is over: end at once.
    Closing,
}

impl Default for Drain {
    fn default() -> Self {
        let (phase, _) = watch::channel(Phase::Serving);
        Self { inner: Arc::new(Inner { phase, exchanges: TaskTracker::new(), panics: AtomicU64::new(0) }) }
    }
}

impl Drain {
    /// Spawns a task that the end waits for: a connection, an exchange.
    pub fn spawn<F>(&self, name: &'static str, task: F) -> JoinHandle<F::Output>
    where
        F: Future + Send + 'static,
        F::Output: Send + 'static,
    {
        self.spawn_in_place(name, || task)
    }

    /// The same for a task that is large and often spawned: `make` makes it where it stays, and it is not moved there. Each
    /// move of a future is a copy of all that it will ever hold.
    pub fn spawn_in_place<F>(
        &self,
        name: &'static str,
        make: impl FnOnce() -> F + Send + 'static,
    ) -> JoinHandle<F::Output>
    where
        F: Future + Send + 'static,
        F::Output: Send + 'static,
    {
        let guard = self.guard(name);
        spawn(self.inner.exchanges.track_future(async move {
            let output = make().await;
            guard.disarm();
            output
        }))
    }

    /// Spawns a task that serves others and dies with its worker: an accept loop, an idle upstream connection.
    pub fn spawn_service<F>(&self, name: &'static str, task: F) -> JoinHandle<F::Output>
    where
        F: Future + Send + 'static,
        F::Output: Send + 'static,
    {
        let guard = self.guard(name);
        spawn(async move {
            let output = task.await;
            guard.disarm();
            output
        })
    }

    /// The side of this drain that a connection watches.
    #[must_use]
    pub fn watch(&self) -> Watch {
        Watch { phase: self.inner.phase.subscribe() }
    }

    /// Asks those who are here to go, or takes that back. Without effect once draining has begun.
    pub fn leave(&self, leaving: bool) {
        self.inner.phase.send_if_modified(|phase| {
            let to = if leaving { Phase::Leaving } else { Phase::Serving };
            let change = *phase < Phase::Draining && *phase != to;
            if change {
                *phase = to;
            }
            change
        });
    }

    /// Asks all to come to an end. Said twice, it means no more than once.
    pub fn begin(&self) {
        self.raise(Phase::Draining);
    }

    /// Ends all at once.
    pub fn force(&self) {
        self.raise(Phase::Closing);
    }

    /// Waits until no task spawned with [`Drain::spawn`] is left. Call it after `begin`.
    pub async fn finished(&self) {
        self.inner.exchanges.close();
        self.inner.exchanges.wait().await;
    }

    /// How many tasks the end would wait for now.
    #[must_use]
    pub fn in_flight(&self) -> usize {
        self.inner.exchanges.len()
    }

    /// How many tasks have ended by a panic.
    #[must_use]
    pub fn panics(&self) -> u64 {
        self.inner.panics.load(Ordering::Relaxed)
    }

    fn raise(&self, to: Phase) {
        self.inner.phase.send_if_modified(|phase| {
            let forward = *phase < to;
            *phase = to.max(*phase);
            forward
        });
    }

    fn guard(&self, name: &'static str) -> PanicGuard {
        PanicGuard { name, inner: Some(Arc::clone(&self.inner)) }
    }
}

#[expect(clippy::disallowed_methods, reason = "this is the one place that spawns")]
fn spawn<F>(task: F) -> JoinHandle<F::Output>
where
    F: Future + Send + 'static,
    F::Output: Send + 'static,
{
    tokio::spawn(task)
}

/// The side of a drain that a task watches.
#[derive(Clone, Debug)]
pub struct Watch {
    phase: watch::Receiver<Phase>,
}

impl Watch {
    /// Resolves when the worker is further on its way than `phase`, and says how far. Cancel-safe.
    pub async fn beyond(&mut self, phase: Phase) -> Phase {
        match self.phase.wait_for(|now| *now > phase).await {
            Ok(now) => *now,
            // Only `Closing` has nothing beyond it, and a dropped sender means that the worker is gone.
            Err(_) => Phase::Closing,
        }
    }

    /// Resolves when draining has begun. Cancel-safe.
    pub async fn draining(&mut self) {
        self.reached(Phase::Draining).await;
    }

    /// Resolves when all must end at once. Cancel-safe.
    pub async fn closing(&mut self) {
        self.reached(Phase::Closing).await;
    }

    /// Whether a connection should end with its next response.
    #[must_use]
    pub fn is_leaving(&self) -> bool {
        *self.phase.borrow() >= Phase::Leaving
    }

    async fn reached(&mut self, phase: Phase) {
        // A dropped sender means that the worker is gone: that is the end as well.
        let _ = self.phase.wait_for(|now| *now >= phase).await;
    }
}

/// Counts a task that ends by a panic: only that task dies, and it is seen.
struct PanicGuard {
    name: &'static str,
    inner: Option<Arc<Inner>>,
}

impl PanicGuard {
    fn disarm(mut self) {
        self.inner = None;
    }
}

impl Drop for PanicGuard {
    fn drop(&mut self) {
        if let Some(inner) = self.inner.take()
            && std::thread::panicking()
        {
            inner.panics.fetch_add(1, Ordering::Relaxed);
            tracing::error!(task = self.name, "a task ended by a panic; the others go on");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn the_end_waits_for_the_last_exchange() {
        let drain = Drain::default();
        let (release, hold) = tokio::sync::oneshot::channel::<()>();
        drain.spawn("exchange", async move {
            let _ = hold.await;
        });
        drain.begin();
        assert_eq!(drain.in_flight(), 1);
        release.send(()).unwrap();
        drain.finished().await;
        assert_eq!(drain.in_flight(), 0);
    }

    #[tokio::test]
    async fn closing_is_draining_too() {
        let drain = Drain::default();
        let mut watch = drain.watch();
        drain.force();
        drain.begin();
        watch.draining().await;
        watch.closing().await;
        assert!(watch.is_leaving());
    }

    #[tokio::test]
    async fn leaving_can_be_taken_back_and_draining_cannot() {
        let drain = Drain::default();
        let watch = drain.watch();
        drain.leave(true);
        assert!(watch.is_leaving());
        drain.leave(false);
        assert!(!watch.is_leaving());
        drain.begin();
        drain.leave(false);
        assert!(watch.is_leaving());
    }

    #[tokio::test]
    async fn a_panic_is_counted_and_ends_only_its_task() {
        let drain = Drain::default();
        let task = drain.spawn("exchange", async { panic!("on purpose") });
        assert!(task.await.is_err());
        assert_eq!(drain.panics(), 1);
        drain.finished().await;
    }
}
