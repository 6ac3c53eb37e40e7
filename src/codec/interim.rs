//! Interim responses (1xx, RFC 9110 §15.2) as the client codecs read them.
//!
//! Whoever sends a request puts an [`Interims`] into its extensions; the client codec of any version hands each interim head
//! that it reads to it ([`Interims::came`]). It keeps the upstream within bounds, and passes the head to whoever sent.

use std::fmt;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, OnceLock};

use http::header::{CONTENT_LENGTH, TRANSFER_ENCODING};
use http::{HeaderMap, StatusCode};
use tokio::sync::Notify;

use super::Interim;
use crate::http::{Failure, Request, ResetReason};

/// Takes the interim responses of one request. Clones are the same.
#[derive(Clone)]
pub struct Interims(Arc<State<dyn Fn(Interim) + Send + Sync>>);

struct State<F: ?Sized> {
    heads: AtomicUsize,
    bytes: AtomicUsize,
    fault: OnceLock<InterimFault>,
    noticed: Notify,
    pass: F,
}

/// What is wrong with the interim responses of an upstream: the exchange ends with it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum InterimFault {
    /// More heads, or bytes of them, than may come before one answer.
    Flood,
    /// RFC 9110 §15.2, RFC 9112 §6.1: it announces content, which no interim response has.
    Content,
}

impl Interims {
    /// `pass` gets every head that comes.
    #[must_use]
    pub fn new(pass: impl Fn(Interim) + Send + Sync + 'static) -> Self {
        let (heads, bytes) = (AtomicUsize::new(0), AtomicUsize::new(0));
        Self(Arc::new(State { heads, bytes, fault: OnceLock::new(), noticed: Notify::new(), pass }))
    }

    /// Those of this request; what comes to a request that has none is passed over, within the same bounds.
    #[must_use]
    pub fn of(request: &Request) -> Self {
        request.extensions().get().cloned().unwrap_or_else(|| Self::new(drop))
    }

    /// The upstream has sent the head of an interim response.
    ///
    /// # Errors
    /// [`InterimFault`]: the request is to be given up, and the failure is the upstream's.
    pub fn came(&self, status: StatusCode, headers: &HeaderMap) -> Result<(), InterimFault> {
        self.check(headers).inspect_err(|fault| {
            let _ = self.0.fault.set(*fault);
            self.0.noticed.notify_one();
        })?;
        (self.0.pass)(Interim { status, headers: headers.clone() });
        Ok(())
    }

    /// Resolves when something was wrong: for a codec that cannot give up where it hears of a head. Cancel-safe.
    pub async fn fault(&self) -> InterimFault {
        loop {
            if let Some(fault) = self.0.fault.get() {
                return *fault;
            }
            self.0.noticed.notified().await;
        }
    }

    fn check(&self, headers: &HeaderMap) -> Result<(), InterimFault> {
        let is_nothing = |length: &http::HeaderValue| length.as_bytes().iter().all(|digit| *digit == b'0');
        // As Envoy: a length of none does no harm.
        if headers.contains_key(TRANSFER_ENCODING) || !headers.get_all(CONTENT_LENGTH).iter().all(is_nothing) {
            return Err(InterimFault::Content);
        }
        let size: usize = headers.iter().map(|(name, value)| name.as_str().len() + value.len()).sum();
        let heads = self.0.heads.fetch_add(1, Ordering::Relaxed) + 1;
        let bytes = self.0.bytes.fetch_add(size, Ordering::Relaxed) + size;
        if heads > MAX_INTERIM || bytes > MAX_INTERIM_BYTES { Err(InterimFault::Flood) } else { Ok(()) }
    }
}

impl fmt::Debug for Interims {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Interims").field("heads", &self.0.heads).field("fault", &self.0.fault).finish_non_exhaustive()
    }
}

impl fmt::Display for InterimFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Flood => "too_many_interim_responses",
            Self::Content => "interim_response_with_content",
        })
    }
}

impl std::error::Error for InterimFault {}

impl From<InterimFault> for Failure {
    fn from(fault: InterimFault) -> Self {
        Self::UpstreamReset(ResetReason::ProtocolError(fault.to_string()))
    }
}

/// Interim responses that may come before one answer.
pub(super) const MAX_INTERIM: usize = 64;

/// Bytes that the fields of all of them together may take: as many as those of the answer.
const MAX_INTERIM_BYTES: usize = 128 * 1024;

/// Bytes of interim responses that wait for a client that does not read. What is beyond is not said: only the word to go on
/// (100) has to arrive, and nothing else changes what the client does.
pub(super) const MAX_UNREAD: usize = 16 * 1024;

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    fn fields(name: http::HeaderName, value: &str) -> HeaderMap {
        HeaderMap::from_iter([(name, HeaderValue::from_str(value).unwrap())])
    }

    #[test]
    fn a_flood_is_seen_by_number_and_by_size() {
        let interims = Interims::new(drop);
        let came = (0..100).filter(|_| interims.came(StatusCode::PROCESSING, &HeaderMap::new()).is_ok()).count();
        assert_eq!(came, MAX_INTERIM);

        let (interims, hints) = (Interims::new(drop), fields(http::header::LINK, &"x".repeat(30_000)));
        let came = (0..100).filter(|_| interims.came(StatusCode::EARLY_HINTS, &hints).is_ok()).count();
        assert_eq!(came, 4);
    }

    #[tokio::test]
    async fn rfc9112_6_1_an_interim_response_has_no_content() {
        for (name, value) in [(CONTENT_LENGTH, "5"), (CONTENT_LENGTH, "a"), (TRANSFER_ENCODING, "chunked")] {
            let interims = Interims::new(|interim| panic!("passed on: {interim:?}"));
            let came = interims.came(StatusCode::EARLY_HINTS, &fields(name, value));
            assert_eq!((came, interims.fault().await), (Err(InterimFault::Content), InterimFault::Content));
        }
        assert!(Interims::new(drop).came(StatusCode::CONTINUE, &fields(CONTENT_LENGTH, "0")).is_ok());
    }
}
