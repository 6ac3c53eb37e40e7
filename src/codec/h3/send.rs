//! The sending half of a request stream.

use std::sync::Arc;
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use h3::error::Code;
use http::{HeaderMap, StatusCode};
use quinn::WriteError;

use super::error::code;
use super::shared::{Shared, varint};
use super::wire::{Priority, encode, kind};
use crate::codec::pump::{Gone, Sink, patient};
use crate::codec::qpack::FieldLine;
use crate::http::Failure;

/// Writes a response. Dropping it before its end resets the stream, so that nothing cut short looks whole.
#[derive(Debug)]
pub(super) struct Sender {
    stream: quinn::SendStream,
    shared: Arc<Shared>,
    patience: Option<Duration>,
    /// Which updates of priorities were looked at.
    seen: u64,
    over: bool,
}

impl Sender {
    pub(super) fn new(stream: quinn::SendStream, shared: Arc<Shared>, patience: Option<Duration>) -> Self {
        Self { stream, shared, patience, seen: 0, over: false }
    }

    /// Ranks the response among those of the connection, by what the request said (RFC 9218 §5).
    pub(super) fn rank(&mut self, headers: &HeaderMap) {
        let said = headers.get("priority").map(|value| Priority::parse(value.as_bytes()));
        self.set_priority(said.unwrap_or_default());
        self.update_priority();
    }

    /// RFC 9218 §7: what a client says later holds.
    fn update_priority(&mut self) {
        let id = self.id();
        if let Some(priority) = self.shared.priority(id, &mut self.seen) {
            self.set_priority(priority);
        }
    }

    fn set_priority(&self, priority: Priority) {
        // Control streams have 0, and come before every response. A stream that is no more needs no rank.
        let _ = self.stream.set_priority(-1 - i32::from(priority.urgency));
    }

    fn id(&self) -> u64 {
        quinn::VarInt::from(self.stream.id()).into_inner()
    }

    /// Writes a head: interim, or final.
    pub(super) async fn head(&mut self, status: StatusCode, headers: &HeaderMap) -> Result<(), Gone> {
        let status = FieldLine::new(b":status", status.as_str().as_bytes());
        let lines = std::iter::once(status).chain(headers.iter().map(FieldLine::from));
        let section = self.section(lines);
        self.write(&mut [section]).await
    }

    /// A HEADERS frame.
    fn section<'a>(&self, lines: impl Iterator<Item = FieldLine<&'a [u8]>>) -> Bytes {
        let mut payload = BytesMut::new();
        self.shared.encoder().encode(self.id(), lines, &mut payload);
        self.shared.instructions.notify_one();
        let mut frame = Vec::with_capacity(payload.len() + MAX_HEAD);
        encode(kind::HEADERS, &mut frame);
        encode(payload.len() as u64, &mut frame);
        frame.extend_from_slice(&payload);
        frame.into()
    }

    async fn write(&mut self, chunks: &mut [Bytes]) -> Result<(), Gone> {
        let (stream, shared) = (&mut self.stream, &self.shared);
        match patient(self.patience, write_all(stream, chunks, shared)).await {
            Ok(written) => written.map_err(|error| gone_by(&error)),
            Err(stalled) => {
                self.break_off(Code::H3_REQUEST_CANCELLED);
                Err(stalled)
            }
        }
    }

    /// Ends the stream before its end.
    pub(super) fn break_off(&mut self, code: Code) {
        self.over = true;
        // One that is no more needs no reset.
        let _ = self.stream.reset(varint(code));
    }
}

impl Sink for Sender {
    async fn data(&mut self, chunk: Bytes, last: bool) -> Result<(), Gone> {
        self.update_priority();
        // RFC 9114 §7.2.1: an empty DATA frame says nothing.
        if !chunk.is_empty() {
            let mut head = Vec::with_capacity(MAX_HEAD);
            encode(kind::DATA, &mut head);
            encode(chunk.len() as u64, &mut head);
            self.write(&mut [head.into(), chunk]).await?;
        }
        if last { self.finish().await } else { Ok(()) }
    }

    async fn trailers(&mut self, fields: HeaderMap) -> Result<(), Gone> {
        let section = self.section(fields.iter().map(FieldLine::from));
        self.write(&mut [section]).await?;
        self.finish().await
    }

    async fn finish(&mut self) -> Result<(), Gone> {
        self.over = true;
        self.stream.finish().map_err(|_| Gone::Stream)
    }

    fn reset(&mut self, failure: &Failure) {
        self.break_off(code(failure));
    }

    async fn gone(&mut self) -> Gone {
        match self.stream.stopped().await {
            // `None` is a stream that was read to its end, which nobody waits for here.
            Ok(_) => Gone::Stream,
            Err(_) => Gone::Connection,
        }
    }
}

impl Drop for Sender {
    fn drop(&mut self) {
        if !self.over {
            self.break_off(Code::H3_REQUEST_CANCELLED);
        }
    }
}

/// Writes all of it; the send window hears of each part.
async fn write_all(
    stream: &mut quinn::SendStream,
    mut chunks: &mut [Bytes],
    shared: &Shared,
) -> Result<(), WriteError> {
    while !chunks.is_empty() {
        let written = stream.write_chunks(chunks).await?;
        shared.window.wrote(&shared.quic, written.bytes);
        chunks = chunks.get_mut(written.chunks..).unwrap_or_default();
    }
    Ok(())
}

fn gone_by(error: &WriteError) -> Gone {
    match error {
        WriteError::Stopped(_) | WriteError::ClosedStream => Gone::Stream,
        WriteError::ConnectionLost(_) | WriteError::ZeroRttRejected => Gone::Connection,
    }
}

/// Bytes of the head of a frame of DATA or HEADERS.
const MAX_HEAD: usize = 9;
