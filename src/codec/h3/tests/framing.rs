//! Responses on the wire: how the content is framed, and what becomes of content that is not what was said.

use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use http_body::{Frame, SizeHint};
use quinn::{ReadError, ReadToEndError};

use super::{Rig, Stream, within};
use crate::codec::h3::Accepted;
use crate::codec::h3::wire::decode;
use crate::http::{Body, Failure, Response};

/// Content that says it has `said` bytes, and comes in these frames, the last first; it never ends where `waits`.
struct Content {
    said: Option<u64>,
    frames: Vec<Frame<Bytes>>,
    waits: bool,
}

impl http_body::Body for Content {
    type Data = Bytes;
    type Error = Failure;

    fn poll_frame(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Failure>>> {
        match self.frames.pop() {
            Some(frame) => Poll::Ready(Some(Ok(frame))),
            None if self.waits => Poll::Pending,
            None => Poll::Ready(None),
        }
    }

    fn size_hint(&self) -> SizeHint {
        self.said.map_or_else(SizeHint::new, SizeHint::with_exact)
    }
}

/// Asks a server of this content, and gives the stream of the response to `look`.
async fn ask<T>(content: fn() -> Content, look: impl AsyncFnOnce(quinn::RecvStream) -> T) -> T {
    let rig = Rig::new();
    let connecting = rig.connecting();
    let served = async {
        let quic = rig.server.accept().await.unwrap().await.unwrap();
        rig.serve(Accepted { quic, max_streams: 100, early: None, keep_alive: None }, move |_| {
            Response::new(Body::boxed(content()))
        });
    };
    let (client, ()) = within(async { tokio::join!(connecting, served) }).await;
    let client = client.unwrap();
    let mut stream = Stream::open(&client).await;
    stream.head(&[(":method", "GET"), (":scheme", "https"), (":authority", "localhost"), (":path", "/")]).await;
    stream.sender.finish().unwrap();
    within(look(stream.receiver)).await
}

/// The types and lengths of whole frames.
fn frames(mut bytes: &[u8]) -> Vec<(u64, u64)> {
    let mut frames = Vec::new();
    while !bytes.is_empty() {
        let (kind, first) = decode(bytes).unwrap();
        let (length, second) = decode(&bytes[first..]).unwrap();
        frames.push((kind, length));
        bytes = &bytes[first + second + usize::try_from(length).unwrap()..];
    }
    frames
}

async fn to_end(mut stream: quinn::RecvStream) -> Result<Vec<u8>, ReadToEndError> {
    stream.read_to_end(1 << 20).await
}

/// The code with which the stream was reset.
async fn reset(stream: quinn::RecvStream) -> u64 {
    match to_end(stream).await {
        Err(ReadToEndError::Read(ReadError::Reset(code))) => code.into_inner(),
        other => panic!("no reset: {other:?}"),
    }
}

#[tokio::test]
async fn rfc9114_7_2_1_content_of_known_length_is_one_data_frame_and_other_content_one_for_each_chunk() {
    let known = ask(|| Content { said: Some(6), frames: two(), waits: false }, to_end).await.unwrap();
    let unknown = ask(|| Content { said: None, frames: two(), waits: false }, to_end).await.unwrap();
    assert_eq!(frames(&known)[1..], [(0, 6)]);
    assert!(known.ends_with(b"onetwo"));
    assert_eq!(frames(&unknown)[1..], [(0, 3), (0, 3)]);
}

#[tokio::test]
async fn rfc9000_16_a_length_that_no_frame_can_say_is_not_said() {
    let content = ask(|| Content { said: Some(1 << 62), frames: two(), waits: false }, to_end).await.unwrap();
    assert_eq!(frames(&content)[1..], [(0, 3), (0, 3)]);
}

#[tokio::test]
async fn rfc9114_4_1_content_that_is_not_what_was_said_is_reset() {
    assert_eq!(ask(|| Content { said: Some(7), frames: two(), waits: false }, reset).await, H3_INTERNAL_ERROR);
    assert_eq!(
        ask(|| Content { said: Some(6), frames: one_and_trailers(), waits: false }, reset).await,
        H3_INTERNAL_ERROR
    );
    assert_eq!(ask(|| Content { said: Some(5), frames: two(), waits: false }, reset).await, H3_INTERNAL_ERROR);
}

#[tokio::test]
async fn a_head_does_not_wait_for_content_that_does_not_come() {
    let first = async |mut stream: quinn::RecvStream| stream.read_chunk(usize::MAX, true).await.unwrap().unwrap().bytes;
    let head = ask(|| Content { said: None, frames: Vec::new(), waits: true }, first).await;
    let [(HEADERS, _)] = frames(&head)[..] else { panic!("{head:?}") };
}

fn two() -> Vec<Frame<Bytes>> {
    vec![Frame::data(Bytes::from_static(b"two")), Frame::data(Bytes::from_static(b"one"))]
}

fn one_and_trailers() -> Vec<Frame<Bytes>> {
    vec![Frame::trailers(http::HeaderMap::new()), Frame::data(Bytes::from_static(b"one"))]
}

const HEADERS: u64 = 1;
const H3_INTERNAL_ERROR: u64 = 0x102;
