//! The sending half of a stream, for the body pump.

use std::future::poll_fn;
use std::time::Duration;

use bytes::Bytes;
use h2::{Reason, SendStream};
use http::HeaderMap;

use super::error::reason;
use crate::codec::pump::{Gone, Sink, patient};
use crate::http::Failure;

/// Writes a body as far as the peer's windows let it.
pub(super) struct StreamSink {
    stream: SendStream<Bytes>,
    patience: Option<Duration>,
    /// The code that tells the peer that the rest does not come.
    code: fn(&Failure) -> Reason,
    broken_off: bool,
}

impl StreamSink {
    /// Of a response, to a client that may leave it unread for so long.
    pub(super) fn of_response(stream: SendStream<Bytes>, patience: Option<Duration>) -> Self {
        Self { stream, patience, code: reason, broken_off: false }
    }

    /// Of a request.
    pub(super) fn of_request(stream: SendStream<Bytes>) -> Self {
        // RFC 9113 §7: whatever was wrong with the request of our client, this side gives its own up.
        Self { stream, patience: None, code: |_| Reason::CANCEL, broken_off: false }
    }

    /// Whether this side has ended the message before its end.
    pub(super) fn is_broken_off(&self) -> bool {
        self.broken_off
    }
}

impl Sink for StreamSink {
    async fn data(&mut self, mut chunk: Bytes, last: bool) -> Result<(), Gone> {
        if chunk.is_empty() {
            return if last { self.finish().await } else { Ok(()) };
        }
        loop {
            self.stream.reserve_capacity(chunk.len());
            let capacity = match patient(self.patience, poll_fn(|cx| self.stream.poll_capacity(cx))).await {
                Ok(Some(Ok(capacity))) => capacity,
                Ok(Some(Err(error))) => return Err(gone_by(&error)),
                Ok(None) => return Err(Gone::Stream),
                Err(stalled) => {
                    self.stream.send_reset(Reason::CANCEL);
                    return Err(stalled);
                }
            };
            let part = chunk.split_to(capacity.min(chunk.len()));
            let end = last && chunk.is_empty();
            self.stream.send_data(part, end).map_err(|error| gone_by(&error))?;
            if chunk.is_empty() {
                return Ok(());
            }
        }
    }

    async fn trailers(&mut self, fields: HeaderMap) -> Result<(), Gone> {
        self.stream.send_trailers(fields).map_err(|error| gone_by(&error))
    }

    async fn finish(&mut self) -> Result<(), Gone> {
        self.stream.send_data(Bytes::new(), true).map_err(|error| gone_by(&error))
    }

    async fn fail(&mut self, failure: &Failure) {
        // A reset throws away what was not sent. The connection's task, woken by the last write, goes first.
        tokio::task::yield_now().await;
        self.broken_off = true;
        self.stream.send_reset((self.code)(failure));
    }

    async fn gone(&mut self) -> Gone {
        peer_gone(poll_fn(|cx| self.stream.poll_reset(cx))).await
    }
}

/// How the peer left, by what h2 says of a reset.
pub(super) async fn peer_gone(reset: impl Future<Output = Result<Reason, h2::Error>>) -> Gone {
    match reset.await {
        Ok(_) => Gone::Stream,
        Err(error) => gone_by(&error),
    }
}

fn gone_by(error: &h2::Error) -> Gone {
    if error.is_reset() { Gone::Stream } else { Gone::Connection }
}
