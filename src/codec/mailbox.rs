//! Where interim responses wait for the codec that writes them to the client.
//!
//! A server codec makes one for each request, gives the [`Outbox`] to the [`Handler`](super::Handler) and looks into the
//! [`Inbox`] while it waits for the final response. What waits is bounded: see [`Interims`](super::Interims).

use std::collections::VecDeque;
use std::future::poll_fn;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Poll, Waker};

use http::{HeaderMap, StatusCode};

use super::interim::MAX_INTERIM;

/// The head of an interim response (1xx, RFC 9110 §15.2).
#[derive(Clone, Debug)]
pub struct Interim {
    /// 100 to 199, but not 101.
    pub status: StatusCode,
    /// Its fields, without those of one connection.
    pub headers: HeaderMap,
}

/// Where whoever answers a request puts what is to be said before the answer.
#[derive(Clone, Debug)]
pub struct Outbox(Option<Arc<Mutex<Waiting>>>);

/// What the codec has to write before the answer.
#[derive(Debug)]
pub struct Inbox(Arc<Mutex<Waiting>>);

#[derive(Debug, Default)]
struct Waiting {
    heads: VecDeque<Interim>,
    reader: Option<Waker>,
}

/// The two ends of one mailbox.
#[must_use]
pub fn mailbox() -> (Outbox, Inbox) {
    let waiting = Arc::default();
    (Outbox(Some(Arc::clone(&waiting))), Inbox(waiting))
}

impl Outbox {
    /// For a client that is told nothing before the answer.
    #[must_use]
    pub fn closed() -> Self {
        Self(None)
    }

    /// Has this said to the client. Returns whether it will be.
    #[must_use]
    pub fn put(&self, interim: Interim) -> bool {
        let Some(waiting) = &self.0 else { return false };
        let mut waiting = lock(waiting);
        if waiting.heads.len() >= MAX_INTERIM {
            return false;
        }
        waiting.heads.push_back(interim);
        let reader = waiting.reader.take();
        drop(waiting);
        if let Some(reader) = reader {
            reader.wake();
        }
        true
    }
}

impl Inbox {
    /// The next one; pending while there is none. Cancel-safe.
    pub async fn next(&mut self) -> Interim {
        poll_fn(|cx| {
            let mut waiting = lock(&self.0);
            if let Some(interim) = waiting.heads.pop_front() {
                return Poll::Ready(interim);
            }
            if !waiting.reader.as_ref().is_some_and(|reader| reader.will_wake(cx.waker())) {
                waiting.reader = Some(cx.waker().clone());
            }
            Poll::Pending
        })
        .await
    }

    /// The next one, if it is there.
    pub fn take(&mut self) -> Option<Interim> {
        lock(&self.0).heads.pop_front()
    }
}

fn lock(waiting: &Mutex<Waiting>) -> MutexGuard<'_, Waiting> {
    waiting.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hints() -> Interim {
        Interim { status: StatusCode::EARLY_HINTS, headers: HeaderMap::new() }
    }

    #[tokio::test]
    async fn what_is_put_wakes_who_reads() {
        let (outbox, mut inbox) = mailbox();
        let (read, put) = tokio::join!(inbox.next(), async { outbox.put(hints()) });
        assert!(put);
        assert_eq!(read.status, StatusCode::EARLY_HINTS);
        assert!(inbox.take().is_none());
    }

    #[test]
    fn no_more_wait_than_may() {
        let (outbox, mut inbox) = mailbox();
        let taken = (0..MAX_INTERIM * 2).filter(|_| outbox.put(hints())).count();
        assert_eq!(taken, MAX_INTERIM);
        assert_eq!(std::iter::from_fn(|| inbox.take()).count(), MAX_INTERIM);
        assert!(!Outbox::closed().put(hints()));
    }
}
