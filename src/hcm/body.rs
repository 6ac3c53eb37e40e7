//! The two bodies of an exchange as they pass: counted, timed, and the end of them noted.
//!
//! [`RequestBody`] is what the upstream codec polls, [`ResponseBody`] what the downstream codec polls. The second carries
//! the [`Exchange`]: its end, or its drop before the end, is the end of the exchange.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Instant;

use bytes::Bytes;
use http_body::{Body as _, Frame, SizeHint};
use tokio::time::Sleep;

use super::exchange::Exchange;
use super::timeouts::{Flow, Look};
use super::tunnel;
use crate::http::{Body, Failure};

/// The content of a request on its way upstream.
pub(super) struct RequestBody {
    inner: Body,
    flow: Arc<Flow>,
    trailers: bool,
}

impl RequestBody {
    /// `trailers` tells whether they are passed on.
    pub(super) fn wrap(inner: Body, flow: &Arc<Flow>, trailers: bool) -> Body {
        if inner.is_end_stream() {
            flow.request_ended(flow.start());
            return inner;
        }
        Body::boxed(Self { inner, flow: Arc::clone(flow), trailers })
    }
}

impl http_body::Body for RequestBody {
    type Data = Bytes;
    type Error = Failure;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Failure>>> {
        let body = &mut *self;
        let polled = Pin::new(&mut body.inner).poll_frame(cx);
        let Poll::Ready(item) = polled else {
            if body.flow.waits(cx.waker()) {
                return Poll::Pending;
            }
            // Nothing else times an upload that its exchange has left: it would keep the connection upstream.
            return Poll::Ready(Some(Err(Failure::DownstreamReset)));
        };
        let now = Instant::now();
        match &item {
            Some(Ok(frame)) => {
                body.flow.received(frame.data_ref().map_or(0, Bytes::len), now);
                // Who polls stops at the declared length, before the end of the stream shows.
                let whole = body.inner.size_hint().exact() == Some(0);
                let ended = whole || frame.is_trailers() || body.inner.is_end_stream();
                if ended {
                    body.flow.request_ended(now);
                }
                if frame.is_trailers() && !body.trailers {
                    return Poll::Ready(None);
                }
            }
            Some(Err(failure)) => body.flow.request_failed(failure),
            None => body.flow.request_ended(now),
        }
        Poll::Ready(item)
    }

    fn is_end_stream(&self) -> bool {
        self.inner.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.inner.size_hint()
    }
}

/// The content of a response on its way to the client.
pub(super) struct ResponseBody {
    inner: Body,
    /// Until one direction of a tunnel has ended before the other.
    exchange: Option<Exchange>,
    trailers: bool,
    timer: Option<Pin<Box<Sleep>>>,
    ended: bool,
}

impl ResponseBody {
    /// `trailers` tells whether they are passed on.
    pub(super) fn new(inner: Body, exchange: Exchange, trailers: bool) -> Self {
        Self { inner, exchange: Some(exchange), trailers, timer: None, ended: false }
    }

    fn passed(&mut self, frame: &Frame<Bytes>) {
        if let Some(exchange) = &mut self.exchange {
            exchange.sent(frame);
        }
        if frame.is_trailers() || self.inner.is_end_stream() {
            self.end(None);
        }
    }

    fn end(&mut self, failure: Option<&Failure>) {
        if std::mem::replace(&mut self.ended, true) {
            return;
        }
        let Some(exchange) = &mut self.exchange else { return };
        let Some(upload) = exchange.tunnel.take_upload().filter(|_| failure.is_none()) else {
            return exchange.end(failure);
        };
        if let Some(exchange) = self.exchange.take() {
            tunnel::linger(exchange, upload);
        }
    }

    fn look(&self) -> Look {
        self.exchange.as_ref().map_or(Look::Never, |exchange| exchange.look(Instant::now()))
    }

    /// What ends the response meanwhile: its time, or a client that has broken off its side of a tunnel.
    fn poll_break(&mut self, cx: &mut Context<'_>) -> Poll<Failure> {
        match self.exchange.as_mut().map(|exchange| tunnel::poll_broken(exchange, cx)) {
            Some(Poll::Ready(failure)) => Poll::Ready(failure),
            _ => self.poll_timer(cx),
        }
    }

    fn poll_timer(&mut self, cx: &mut Context<'_>) -> Poll<Failure> {
        loop {
            match self.look() {
                Look::Due(failure) => return Poll::Ready(failure),
                Look::Never => return Poll::Pending,
                Look::Again(at) => {
                    let timer = match &mut self.timer {
                        Some(timer) => timer,
                        None => self.timer.insert(Box::pin(tokio::time::sleep_until(at.into()))),
                    };
                    // Set later only once it fires: what flows does not touch the timer.
                    if timer.as_mut().poll(cx).is_pending() {
                        return Poll::Pending;
                    }
                    timer.as_mut().reset(at.into());
                    if timer.as_mut().poll(cx).is_pending() {
                        return Poll::Pending;
                    }
                }
            }
        }
    }
}

impl http_body::Body for ResponseBody {
    type Data = Bytes;
    type Error = Failure;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Failure>>> {
        let body = &mut *self;
        if body.ended {
            return Poll::Ready(None);
        }
        match Pin::new(&mut body.inner).poll_frame(cx) {
            Poll::Ready(Some(Ok(frame))) => {
                body.passed(&frame);
                if frame.is_trailers() && !body.trailers {
                    return Poll::Ready(None);
                }
                Poll::Ready(Some(Ok(frame)))
            }
            Poll::Ready(Some(Err(failure))) => {
                body.end(Some(&failure));
                Poll::Ready(Some(Err(failure)))
            }
            Poll::Ready(None) => {
                body.end(None);
                Poll::Ready(None)
            }
            Poll::Pending => match body.poll_break(cx) {
                Poll::Ready(failure) => {
                    body.inner = Body::Empty;
                    body.end(Some(&failure));
                    Poll::Ready(Some(Err(failure)))
                }
                Poll::Pending => Poll::Pending,
            },
        }
    }

    fn is_end_stream(&self) -> bool {
        self.ended || self.inner.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.inner.size_hint()
    }
}

impl Drop for ResponseBody {
    fn drop(&mut self) {
        if self.ended {
            return;
        }
        if self.inner.is_end_stream() {
            return self.end(None);
        }
        let Some(exchange) = &self.exchange else { return };
        let failure = match self.look() {
            // The codec gave up on a client that does not read.
            Look::Due(failure) => failure,
            Look::Again(_) | Look::Never => exchange.why_dropped(),
        };
        self.end(Some(&failure));
    }
}
