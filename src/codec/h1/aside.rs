//! What is said to an HTTP/1 client before the answer: interim responses (RFC 9110 §15.2), which hyper's server cannot write.
//!
//! The task of the connection runs both ends: [`answer`](Aside::answer) beside the handler puts the bytes here, and the
//! [`Guard`](super::guard::Guard) below hyper writes them when hyper flushes. hyper flushes once all that it has to say is
//! written, so they stand behind the whole of the response before and in front of the head of the next.

use std::future::poll_fn;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::task::{Poll, Waker};

use bytes::{BufMut as _, Bytes, BytesMut};
use http::StatusCode;

use crate::codec::interim::MAX_UNREAD;
use crate::codec::{Inbox, Interim};
use crate::http::Response;

/// Where the guard of a connection is told what to do besides what hyper does.
#[derive(Debug, Default)]
pub(super) struct Aside(Mutex<State>);

#[derive(Debug, Default)]
struct State {
    /// What waits for a flush.
    waiting: BytesMut,
    silence: Silence,
}

/// Whether hyper's own word to go on is kept from the client.
#[derive(Debug, Default)]
enum Silence {
    #[default]
    Off,
    /// From the next flush on.
    Asked(Waker),
    /// What hyper writes next may be that word.
    On,
}

impl Aside {
    /// Waits for the answer; what is in the `inbox` before goes out before.
    pub(super) async fn answer(&self, mut inbox: Inbox, answer: impl Future<Output = Response>) -> Response {
        let mut answer = std::pin::pin!(answer);
        let response = loop {
            tokio::select! {
                biased;
                response = &mut answer => break response,
                interim = inbox.next() => self.say(&interim),
            }
        };
        while let Some(interim) = inbox.take() {
            self.say(&interim);
        }
        if self.lock().waiting.is_empty() {
            return response;
        }
        // hyper flushes when this is pending. What it cannot, as the client does not read, is not said any more.
        tokio::task::yield_now().await;
        self.lock().waiting.clear();
        response
    }

    /// Keeps back the word to go on that hyper writes when the content of the request is asked for. Returns when nothing is left
    /// to write of the response before.
    pub(super) async fn silence(&self) {
        poll_fn(|cx| {
            let mut state = self.lock();
            if matches!(state.silence, Silence::On) {
                return Poll::Ready(());
            }
            state.silence = Silence::Asked(cx.waker().clone());
            Poll::Pending
        })
        .await;
    }

    /// hyper has nothing more to write at the moment: what goes out now.
    pub(super) fn flushed(&self) -> Bytes {
        let mut state = self.lock();
        if matches!(state.silence, Silence::Asked(_))
            && let Silence::Asked(waiting) = std::mem::replace(&mut state.silence, Silence::On)
        {
            waiting.wake();
        }
        state.waiting.split().freeze()
    }

    /// How much of what hyper writes is not for the client.
    pub(super) fn kept_back(&self, written: &[u8]) -> usize {
        let mut state = self.lock();
        if !matches!(state.silence, Silence::On) {
            return 0;
        }
        state.silence = Silence::Off;
        if written.starts_with(CONTINUE) { CONTINUE.len() } else { 0 }
    }

    fn say(&self, interim: &Interim) {
        let waiting = &mut self.lock().waiting;
        if waiting.len() > MAX_UNREAD && interim.status != StatusCode::CONTINUE {
            return;
        }
        waiting.put_slice(b"HTTP/1.1 ");
        waiting.put_slice(interim.status.as_str().as_bytes());
        waiting.put_slice(b" ");
        waiting.put_slice(interim.status.canonical_reason().unwrap_or_default().as_bytes());
        for (name, value) in &interim.headers {
            waiting.put_slice(b"\r\n");
            waiting.put_slice(name.as_str().as_bytes());
            waiting.put_slice(b": ");
            waiting.put_slice(value.as_bytes());
        }
        waiting.put_slice(b"\r\n\r\n");
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What hyper writes, in one piece, for a client that waits to be told to go on.
const CONTINUE: &[u8] = b"HTTP/1.1 100 Continue\r\n\r\n";

#[cfg(test)]
mod tests {
    use http::HeaderMap;

    use super::*;
    use crate::codec::mailbox;

    #[tokio::test]
    async fn what_cannot_be_flushed_is_not_said() {
        let (aside, (outbox, inbox)) = (Aside::default(), mailbox());
        assert!(outbox.put(Interim { status: StatusCode::EARLY_HINTS, headers: HeaderMap::new() }));
        aside.answer(inbox, async { Response::default() }).await;
        assert_eq!(aside.flushed(), "");
    }

    #[tokio::test]
    async fn only_the_word_to_go_on_is_kept_back_and_only_once() {
        let aside = Aside::default();
        assert_eq!(aside.kept_back(CONTINUE), 0);
        tokio::join!(aside.silence(), async { aside.flushed() });
        assert_eq!([CONTINUE, CONTINUE].map(|written| aside.kept_back(written)), [CONTINUE.len(), 0]);
        tokio::join!(aside.silence(), async { aside.flushed() });
        assert_eq!(aside.kept_back(b"HTTP/1.1 413 Content Too Large\r\n"), 0);
        assert_eq!(aside.kept_back(CONTINUE), 0);
    }
}
