//! When an exchange has taken too long. Pure: what is due depends on what has happened and on `now`.
//!
//! [`Flow`] is what the two bodies of an exchange write down as they move; [`Timeouts::look`] reads it. One timer an
//! exchange is set to the earliest instant that could matter, and looked at again when it fires: nothing is re-armed as
//! bytes flow.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, OnceLock, PoisonError};
use std::task::Waker;
use std::time::{Duration, Instant};

use crate::http::Failure;

/// The limits of one exchange; `None` is no limit.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Timeouts {
    /// The route's `timeout`: from the end of the request to the end of the response.
    pub route: Option<Duration>,
    /// `stream_idle_timeout`, or the route's `idle_timeout`.
    pub idle: Option<Duration>,
    /// `request_timeout`: from the start of the request to its end.
    pub request: Option<Duration>,
    /// `max_stream_duration`: the whole exchange.
    pub max_duration: Option<Duration>,
}

/// What has moved in one exchange. Its times are nanoseconds after `start`.
#[derive(Debug)]
pub(super) struct Flow {
    start: Instant,
    last: AtomicU64,
    request_done: AtomicU64,
    request_bytes: AtomicU64,
    response_bytes: AtomicU64,
    request_failure: OnceLock<Failure>,
    upload: Mutex<Upload>,
}

/// Who reads the request on.
#[derive(Debug)]
enum Upload {
    /// Whoever it is, it may wait for more.
    Wanted(Option<Waker>),
    /// Nobody needs to: the exchange is over.
    Over,
}

/// What a look at the clock says.
#[derive(Debug)]
pub(super) enum Look {
    /// Too long.
    Due(Failure),
    /// Nothing before that instant.
    Again(Instant),
    /// Nothing ever.
    Never,
}

impl Timeouts {
    /// Whether something is due at `now`, or when to look again.
    pub(super) fn look(&self, flow: &Flow, now: Instant) -> Look {
        let route = self.route.map(|limit| match flow.request_done() {
            Some(done) => (done + limit, true),
            // The route's time begins when the request ends: at the earliest now.
            None => (now + limit, false),
        });
        let request = self.request.filter(|_| flow.request_done().is_none()).map(|limit| flow.start + limit);
        let idle = self.idle.map(|limit| flow.last_moved() + limit);
        let duration = self.max_duration.map(|limit| flow.start + limit);

        let due = |deadline: Option<Instant>| deadline.is_some_and(|deadline| now >= deadline);
        if due(route.filter(|(_, armed)| *armed).map(|(deadline, _)| deadline)) {
            return Look::Due(Failure::ResponseTimeout);
        }
        if due(request) {
            return Look::Due(Failure::RequestTimeout);
        }
        if due(duration) {
            return Look::Due(Failure::MaxStreamDuration);
        }
        if due(idle) {
            return Look::Due(Failure::StreamIdle);
        }
        let route = route.map(|(deadline, _)| deadline);
        [route, request, idle, duration].into_iter().flatten().min().map_or(Look::Never, Look::Again)
    }

    /// Waits until something is due. Cancel-safe.
    pub(super) async fn due(&self, flow: &Flow) -> Failure {
        loop {
            match self.look(flow, Instant::now()) {
                Look::Due(failure) => return failure,
                Look::Again(at) => tokio::time::sleep_until(at.into()).await,
                Look::Never => std::future::pending().await,
            }
        }
    }
}

impl Flow {
    pub(super) fn new(start: Instant) -> Self {
        Self {
            start,
            last: AtomicU64::new(0),
            request_done: AtomicU64::new(NOT_YET),
            request_bytes: AtomicU64::new(0),
            response_bytes: AtomicU64::new(0),
            request_failure: OnceLock::new(),
            upload: Mutex::new(Upload::Wanted(None)),
        }
    }

    /// When the exchange began.
    pub(super) fn start(&self) -> Instant {
        self.start
    }

    /// Something moved in either direction.
    pub(super) fn moved(&self, now: Instant) {
        self.last.store(self.nanos(now), Ordering::Relaxed);
    }

    /// Bytes of the request's content came.
    pub(super) fn received(&self, bytes: usize, now: Instant) {
        self.request_bytes.fetch_add(bytes as u64, Ordering::Relaxed);
        self.moved(now);
    }

    /// Bytes of the response's content went out.
    pub(super) fn sent(&self, bytes: usize) {
        self.response_bytes.fetch_add(bytes as u64, Ordering::Relaxed);
    }

    /// The request is complete.
    pub(super) fn request_ended(&self, now: Instant) {
        self.moved(now);
        let _ = self.request_done.compare_exchange(NOT_YET, self.nanos(now), Ordering::Relaxed, Ordering::Relaxed);
    }

    /// The request broke off: what the upstream then says of it is our own doing.
    pub(super) fn request_failed(&self, failure: &Failure) {
        // The first one is the cause.
        let _ = self.request_failure.set(same_of_client(failure));
    }

    /// Whether more of the request is waited for. Whoever waits is woken when the exchange is over.
    pub(super) fn waits(&self, waker: &Waker) -> bool {
        match &mut *self.upload() {
            Upload::Wanted(Some(known)) => known.clone_from(waker),
            Upload::Wanted(nobody) => *nobody = Some(waker.clone()),
            Upload::Over => return false,
        }
        true
    }

    /// The exchange is over: nothing more of the request is waited for.
    pub(super) fn over(&self) {
        let before = std::mem::replace(&mut *self.upload(), Upload::Over);
        if let Upload::Wanted(Some(waker)) = before {
            waker.wake();
        }
    }

    fn upload(&self) -> MutexGuard<'_, Upload> {
        self.upload.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Why the request broke off.
    pub(super) fn request_failure(&self) -> Option<Failure> {
        self.request_failure.get().map(same_of_client)
    }

    /// When the request was complete.
    pub(super) fn request_done(&self) -> Option<Instant> {
        let done = self.request_done.load(Ordering::Relaxed);
        (done != NOT_YET).then(|| self.start + Duration::from_nanos(done))
    }

    /// Bytes of content that came.
    pub(super) fn request_bytes(&self) -> u64 {
        self.request_bytes.load(Ordering::Relaxed)
    }

    /// Bytes of content that went out.
    pub(super) fn response_bytes(&self) -> u64 {
        self.response_bytes.load(Ordering::Relaxed)
    }

    fn last_moved(&self) -> Instant {
        self.start + Duration::from_nanos(self.last.load(Ordering::Relaxed))
    }

    fn nanos(&self, now: Instant) -> u64 {
        u64::try_from(now.saturating_duration_since(self.start).as_nanos()).unwrap_or(NOT_YET - 1)
    }
}

/// A failure of the client's side once more: an error can be in two places, and only these three come from there.
fn same_of_client(failure: &Failure) -> Failure {
    match failure {
        Failure::DownstreamProtocol(details) => Failure::DownstreamProtocol(details.clone()),
        Failure::HeadersTooLarge(details) => Failure::HeadersTooLarge(details),
        Failure::DownstreamReset => Failure::DownstreamReset,
        _ => Failure::DownstreamClosed,
    }
}

const NOT_YET: u64 = u64::MAX;

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    fn due(timeouts: Timeouts, flow: &Flow, after: u32) -> Option<Failure> {
        match timeouts.look(flow, flow.start + SECOND * after) {
            Look::Due(failure) => Some(failure),
            Look::Again(_) | Look::Never => None,
        }
    }

    #[test]
    fn the_routes_time_begins_when_the_request_ends() {
        let flow = Flow::new(Instant::now());
        let timeouts = Timeouts { route: Some(SECOND * 5), ..Timeouts::default() };
        assert!(due(timeouts, &flow, 100).is_none());
        flow.request_ended(flow.start + SECOND * 10);
        assert!(due(timeouts, &flow, 14).is_none());
        assert!(matches!(due(timeouts, &flow, 15), Some(Failure::ResponseTimeout)));
    }

    #[test]
    fn an_open_request_is_looked_at_again_before_the_routes_time_could_pass() {
        let flow = Flow::new(Instant::now());
        let timeouts = Timeouts { route: Some(SECOND), idle: Some(SECOND * 300), ..Timeouts::default() };
        let Look::Again(at) = timeouts.look(&flow, flow.start) else { panic!("nothing to look at") };
        assert_eq!(at, flow.start + SECOND);
    }

    #[test]
    fn what_moves_puts_idleness_off() {
        let flow = Flow::new(Instant::now());
        let timeouts = Timeouts { idle: Some(SECOND * 5), ..Timeouts::default() };
        flow.received(1, flow.start + SECOND * 4);
        assert!(due(timeouts, &flow, 8).is_none());
        assert!(matches!(due(timeouts, &flow, 9), Some(Failure::StreamIdle)));
        assert_eq!(flow.request_bytes(), 1);
    }

    #[test]
    fn request_and_stream_have_limits_of_their_own() {
        let flow = Flow::new(Instant::now());
        let timeouts = Timeouts { request: Some(SECOND * 2), max_duration: Some(SECOND * 3), ..Timeouts::default() };
        assert!(matches!(due(timeouts, &flow, 2), Some(Failure::RequestTimeout)));
        flow.request_ended(flow.start);
        assert!(due(timeouts, &flow, 2).is_none());
        assert!(matches!(due(timeouts, &flow, 3), Some(Failure::MaxStreamDuration)));
        assert!(matches!(Timeouts::default().look(&flow, flow.start), Look::Never));
    }
}
