//! The sending half of a request stream.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use h3::error::Code;
use http::{HeaderMap, StatusCode};
use quinn::WriteError;
use tokio::sync::oneshot;

use super::error::code;
use super::shared::{Shared, Side, varint};
use super::wire::{Priority, encode, encoded_len, kind};
use crate::codec::Interim;
use crate::codec::interim::MAX_UNREAD;
use crate::codec::pump::{Gone, Sink, patient};
use crate::codec::qpack::FieldLine;
use crate::http::Failure;

/// Resolves when a message begins; to an error when there will be none.
pub(super) type Begun = oneshot::Receiver<()>;

/// Writes a message. Dropping it before its end resets the stream, so that nothing cut short looks whole.
#[derive(Debug)]
pub(super) struct Sender {
    stream: quinn::SendStream,
    shared: Arc<Shared>,
    patience: Option<Duration>,
    /// Which updates of priorities were looked at.
    seen: u64,
    /// Heads that go out with what comes next.
    held: Bytes,
    /// What is to come of the DATA frame that has begun.
    announced: u64,
    /// Who waits for the beginning of the message.
    listener: Option<oneshot::Sender<()>>,
    over: bool,
    broken_off: bool,
}

impl Sender {
    pub(super) fn new(stream: quinn::SendStream, shared: Arc<Shared>, patience: Option<Duration>) -> Self {
        Self {
            stream,
            shared,
            patience,
            seen: 0,
            held: Bytes::new(),
            announced: 0,
            listener: None,
            over: false,
            broken_off: false,
        }
    }

    /// Ranks the message among those of the connection, by what the request said (RFC 9218 §5).
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

    /// Says the head of an interim response. It goes out with what comes next, or while [`Sink::gone`] waits.
    pub(super) fn interim(&mut self, interim: &Interim) {
        if self.held.len() > MAX_UNREAD && interim.status != StatusCode::CONTINUE {
            return;
        }
        let head = self.section(with_status(&interim.status, &interim.headers), 0);
        self.hold(head);
    }

    fn hold(&mut self, head: Bytes) {
        self.held = if self.held.is_empty() { head } else { [&self.held[..], &head].concat().into() };
    }

    /// Begins the message with these field lines. They go out with the first of the content, or when that lets wait for
    /// itself. Where the length of the `content` is known all of it is one DATA frame.
    pub(super) fn begin<'a>(&mut self, head: impl Iterator<Item = FieldLine<&'a [u8]>>, content: Option<u64>) {
        if let Some(listener) = self.listener.take() {
            // It may be gone.
            let _ = listener.send(());
        }
        // RFC 9000 §16: a length that no frame can say is not said; then each chunk is a frame.
        self.announced = content.filter(|length| encoded_len(*length) > 0).unwrap_or(0);
        let head = self.section(head, self.announced);
        self.hold(head);
    }

    /// For one who has to know when the message begins.
    pub(super) fn begun(&mut self) -> Begun {
        let (listener, begun) = oneshot::channel();
        self.listener = Some(listener);
        begun
    }

    /// A HEADERS frame, and the head of the DATA frame that has the content where its length is known.
    fn section<'a>(&self, lines: impl Iterator<Item = FieldLine<&'a [u8]>>, content: u64) -> Bytes {
        self.shared.encode(self.id(), lines, |section| {
            let length = section.len() as u64;
            let room = frame_head_len(kind::HEADERS, length) + section.len() + frame_head_len(kind::DATA, content);
            // All of it is used, so that it becomes `Bytes` as it is.
            let mut frame = Vec::with_capacity(room);
            encode(kind::HEADERS, &mut frame);
            encode(length, &mut frame);
            frame.extend_from_slice(section);
            if content > 0 {
                encode(kind::DATA, &mut frame);
                encode(content, &mut frame);
            }
            frame.into()
        })
    }

    /// Writes what is held, and this.
    async fn write(&mut self, content: Bytes) -> Result<(), Gone> {
        let mut chunks = [std::mem::take(&mut self.held), content];
        let chunks = match &mut chunks {
            [held, content] if held.is_empty() => std::slice::from_mut(content),
            both => both,
        };
        let written = patient(self.patience, write_all(&mut self.stream, chunks, &self.shared)).await;
        self.written(written)
    }

    /// Writes what is held. Cancel-safe.
    pub(super) async fn flush(&mut self) -> Result<(), Gone> {
        if self.held.is_empty() {
            return Ok(());
        }
        let held = std::slice::from_mut(&mut self.held);
        let written = patient(self.patience, write_all(&mut self.stream, held, &self.shared)).await;
        self.written(written)
    }

    fn written(&mut self, written: Result<Result<(), WriteError>, Gone>) -> Result<(), Gone> {
        match written {
            Ok(written) => written.map_err(|error| gone_by(&error)),
            Err(stalled) => {
                self.break_off(Code::H3_REQUEST_CANCELLED);
                Err(stalled)
            }
        }
    }

    /// Whether this side has ended the message before its end.
    pub(super) fn is_broken_off(&self) -> bool {
        self.broken_off
    }

    /// Ends the stream before its end.
    pub(super) fn break_off(&mut self, code: Code) {
        (self.over, self.broken_off) = (true, true);
        // One that is no more needs no reset.
        let _ = self.stream.reset(varint(code));
    }
}

impl Sink for Sender {
    async fn data(&mut self, chunk: Bytes, last: bool) -> Result<(), Gone> {
        self.update_priority();
        // RFC 9114 §7.2.1: an empty DATA frame says nothing.
        if !chunk.is_empty() {
            let length = chunk.len() as u64;
            if self.announced == 0 {
                let mut head = Vec::with_capacity(self.held.len() + frame_head_len(kind::DATA, length));
                head.extend_from_slice(&self.held);
                encode(kind::DATA, &mut head);
                encode(length, &mut head);
                self.held = head.into();
            } else if let Some(left) = self.announced.checked_sub(length) {
                self.announced = left;
            } else {
                // More than was said: what the client has cannot be made whole.
                self.break_off(Code::H3_INTERNAL_ERROR);
                return Ok(());
            }
            self.write(chunk).await?;
        }
        if last { self.finish().await } else { Ok(()) }
    }

    async fn trailers(&mut self, fields: HeaderMap) -> Result<(), Gone> {
        if self.announced == 0 {
            let section = self.section(fields.iter().map(FieldLine::from), 0);
            self.write(section).await?;
        }
        self.finish().await
    }

    async fn finish(&mut self) -> Result<(), Gone> {
        self.flush().await?;
        if self.announced > 0 {
            // Less than was said, which must not look whole.
            self.break_off(Code::H3_INTERNAL_ERROR);
            return Ok(());
        }
        self.over = true;
        self.stream.finish().map_err(|_| Gone::Stream)
    }

    async fn fail(&mut self, failure: &Failure) {
        // What is held goes out if it can at once: whoever does not read is not waited for.
        tokio::select! {
            biased;
            _ = self.flush() => {}
            () = std::future::ready(()) => {}
        }
        // A reset throws away what was not sent. The connection's task, woken by the last write, goes first.
        tokio::task::yield_now().await;
        self.break_off(match self.shared.side() {
            Side::Server => code(failure),
            // RFC 9114 §4.1.1: whatever was wrong with the request of our client, this side gives its own up.
            Side::Client => Code::H3_REQUEST_CANCELLED,
        });
    }

    async fn gone(&mut self) -> Gone {
        if !self.held.is_empty() {
            // The content may be on its way through tasks that are ready to run: then it goes out in the same packet.
            tokio::task::yield_now().await;
            if let Err(gone) = self.flush().await {
                return gone;
            }
        }
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

/// The field lines of a response.
pub(super) fn with_status<'a>(
    status: &'a StatusCode,
    headers: &'a HeaderMap,
) -> impl Iterator<Item = FieldLine<&'a [u8]>> {
    let status = FieldLine::new(b":status", status.as_str().as_bytes());
    std::iter::once(status).chain(headers.iter().map(FieldLine::from))
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

/// Bytes of the head of a frame; none when there is nothing in it.
fn frame_head_len(kind: u64, length: u64) -> usize {
    if length == 0 { 0 } else { encoded_len(kind) + encoded_len(length) }
}
