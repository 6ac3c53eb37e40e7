//! What is answered, the same by all servers.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Instant;

use bytes::Bytes;
use http::HeaderMap;
use http_body::{Frame, SizeHint};
use quicgate::codec::{Activity, Handler, Outbox};
use quicgate::http::{Body, Failure, Request, Response};

use crate::rig::message::ANSWER;

/// Bytes of the small answer.
pub(crate) const SMALL: usize = 1 << 10;

/// Bytes of the large answer.
pub(crate) const BULK: u64 = (BULK_MEBIBYTES as u64) << 20;

/// The same in mebibytes.
pub(crate) const BULK_MEBIBYTES: u32 = 512;

/// Bytes of its chunks.
pub(crate) const CHUNK: usize = 16 << 10;

/// Bytes of the answer that goes over a long path.
pub(crate) const LONG: u64 = 64 << 20;

static CONTENT: [u8; CHUNK] = [b'q'; CHUNK];

/// How many bytes this path asks for.
pub(crate) fn length(path: &str) -> u64 {
    match path {
        "/bulk" => BULK,
        "/long" => LONG,
        _ => SMALL as u64,
    }
}

/// The content of the small answer.
pub(crate) fn small() -> Bytes {
    Bytes::from_static(CONTENT.get(..SMALL).unwrap_or_default())
}

/// A chunk of the large one.
pub(crate) fn chunk() -> Bytes {
    Bytes::from_static(&CONTENT)
}

/// The fields of an answer of so many bytes.
pub(crate) fn fields(length: u64) -> HeaderMap {
    let mut fields = HeaderMap::with_capacity(ANSWER.len() + 1);
    for (name, value) in ANSWER {
        fields.insert(name, http::HeaderValue::from_static(value));
    }
    fields.insert(http::header::CONTENT_LENGTH, length.into());
    fields
}

/// Our side of it: the handler of one connection.
pub(crate) struct Answers {
    activity: Arc<Activity>,
}

impl Answers {
    pub(crate) fn new() -> Self {
        Self { activity: Activity::new(Instant::now()) }
    }
}

impl Handler for Answers {
    async fn handle(self: Arc<Self>, request: Request, _: Outbox) -> Response {
        let length = length(request.uri().path());
        let body = if length == SMALL as u64 { Body::from(small()) } else { Body::boxed(Chunks(length)) };
        let mut response = Response::new(body);
        *response.headers_mut() = fields(length);
        response
    }

    async fn reject(self: Arc<Self>, _: Request, _: Failure) -> Response {
        Response::default()
    }

    fn refused(self: &Arc<Self>, _: &Failure) {}

    fn lost(&self) {}

    fn resetting(&self, _: bool) {}

    fn activity(&self) -> &Arc<Activity> {
        &self.activity
    }
}

/// A body of so many bytes that is ready at all times.
struct Chunks(u64);

impl http_body::Body for Chunks {
    type Data = Bytes;
    type Error = Failure;

    fn poll_frame(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Failure>>> {
        if self.0 == 0 {
            return Poll::Ready(None);
        }
        self.0 -= CHUNK as u64;
        Poll::Ready(Some(Ok(Frame::data(chunk()))))
    }

    fn is_end_stream(&self) -> bool {
        self.0 == 0
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.0)
    }
}
