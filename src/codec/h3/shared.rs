//! What the tasks of one connection share: QPACK, priorities, and how the connection ended.
//!
//! All of them run on one worker, so the locks are never contended; none is held across an await.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Mutex, MutexGuard, OnceLock, PoisonError};
use std::task::{Context, Poll, Waker};

use bytes::{Bytes, BytesMut};
use h3::error::Code;
use tokio::sync::{Notify, watch};

use super::wire::{Priority, Settings};
use crate::codec::qpack::{Decoded, Decoder, Encoder, FieldLine, Limits};
use crate::quic::SendWindow;

/// Which side of a connection this is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Side {
    Server,
    Client,
}

/// The state of one connection.
#[derive(Debug)]
pub(super) struct Shared {
    pub(super) quic: quinn::Connection,
    side: Side,
    /// What QPACK may keep here.
    own: Limits,
    /// What the connection may hold that was not acknowledged.
    pub(super) window: SendWindow,
    decoding: Mutex<Decoding>,
    encoder: Mutex<Encoder>,
    /// Where sections are encoded.
    scratch: Mutex<BytesMut>,
    /// There is something to write on our QPACK streams.
    pub(super) instructions: Notify,
    /// Why this side closed the connection.
    fault: OnceLock<String>,
    /// The code that this side ended the connection with.
    closed_with: OnceLock<Code>,
    priorities: Mutex<BTreeMap<u64, Priority>>,
    /// How often a priority was updated.
    updates: AtomicU64,
    /// The first stream that the peer does not serve any more.
    goaway: watch::Sender<u64>,
    /// The first request stream that the client may not open yet.
    not_yet: AtomicU64,
    /// Request streams that are read.
    reading: AtomicUsize,
    /// Whether the peer takes extended CONNECTs, once it has said its settings.
    extended_connect: watch::Sender<Option<bool>>,
}

/// A field section as it came.
#[derive(Debug)]
pub(super) struct Encoded<'a> {
    /// The stream it came on.
    pub(super) stream: u64,
    pub(super) bytes: &'a Bytes,
    /// Bytes that it may take, decoded, counted as RFC 9114 §4.2.2 says.
    pub(super) max_size: usize,
}

/// Why a field section was not decoded to its end.
#[derive(Debug)]
pub(super) enum Undecoded {
    /// It is larger than it may be, decoded.
    TooLarge,
    /// It holds what cannot be decoded: its stream ends with `QPACK_DECOMPRESSION_FAILED`.
    Stream,
    /// The connection was ended for it.
    Connection,
}

#[derive(Debug)]
struct Decoding {
    decoder: Decoder,
    /// Streams that wait for entries of the dynamic table.
    waiting: Vec<Waker>,
}

impl Decoding {
    /// Takes note of who waits. Of those who gave up some are left: when there are too many, all look again.
    fn wait(&mut self, waker: &Waker) {
        if self.waiting.iter().any(|known| known.will_wake(waker)) {
            return;
        }
        if self.waiting.len() >= MAX_WAITING {
            self.waiting.drain(..).for_each(Waker::wake);
        }
        self.waiting.push(waker.clone());
    }
}

impl Shared {
    /// Without `qpack` only the static table is used, and announced, in both directions.
    pub(super) fn new(quic: quinn::Connection, side: Side, qpack: bool) -> Self {
        let own = if qpack { LIMITS } else { Limits::default() };
        Self {
            quic,
            side,
            window: SendWindow::default(),
            decoding: Mutex::new(Decoding { decoder: Decoder::new(own), waiting: Vec::new() }),
            encoder: Mutex::new(if qpack { Encoder::new(own) } else { Encoder::plain() }),
            own,
            scratch: Mutex::default(),
            instructions: Notify::new(),
            fault: OnceLock::new(),
            closed_with: OnceLock::new(),
            priorities: Mutex::default(),
            updates: AtomicU64::new(0),
            goaway: watch::Sender::new(u64::MAX),
            not_yet: AtomicU64::new(u64::MAX),
            reading: AtomicUsize::new(0),
            extended_connect: watch::Sender::new(None),
        }
    }

    /// Which side of the connection this is.
    pub(super) fn side(&self) -> Side {
        self.side
    }

    /// Takes note that the peer serves no request from `first` on (RFC 9114 §5.2).
    pub(super) fn go_away(&self, first: u64) {
        self.goaway.send_replace(first);
    }

    /// Takes note that nothing has come from the peer for too long: it is asked for nothing new, as if it had said so.
    pub(super) fn fell_silent(&self) {
        self.goaway.send_if_modified(|first| {
            let news = *first > LAST_REQUEST;
            *first = LAST_REQUEST.min(*first);
            news
        });
    }

    /// A request stream is read from now on.
    pub(super) fn begin_reading(&self) {
        self.reading.fetch_add(1, Ordering::Relaxed);
    }

    /// It is read no more.
    pub(super) fn end_reading(&self) {
        self.reading.fetch_sub(1, Ordering::Relaxed);
    }

    /// Whether anybody waits for what the peer says on a request stream.
    pub(super) fn is_awaiting(&self) -> bool {
        self.reading.load(Ordering::Relaxed) > 0
    }

    /// Whether the peer takes no new requests, or soon will not.
    pub(super) fn is_going_away(&self) -> bool {
        *self.goaway.borrow() != u64::MAX
    }

    /// Resolves when the peer has said that it does not serve this stream.
    pub(super) async fn is_unserved(&self, stream: u64) {
        // The sender is here, so there is always another word to wait for.
        let _ = self.goaway.subscribe().wait_for(|first| stream >= *first).await;
    }

    /// What this side says that it takes.
    pub(super) fn settings(&self, max_field_section_size: usize) -> Settings {
        Settings {
            max_field_section_size: Some(max_field_section_size as u64),
            qpack_max_table_capacity: self.own.max_table_capacity,
            qpack_blocked_streams: self.own.blocked_streams,
            ..Settings::default()
        }
    }

    /// The peer has said its settings.
    pub(super) fn settled(&self, extended_connect: bool) {
        self.extended_connect.send_replace(Some(extended_connect));
    }

    /// Whether the peer takes extended CONNECTs (RFC 9220 §3). Waits for its settings. Cancel-safe.
    pub(super) async fn takes_extended_connect(&self) -> bool {
        let mut said = self.extended_connect.subscribe();
        tokio::select! {
            biased;
            said = said.wait_for(Option::is_some) => said.is_ok_and(|said| *said == Some(true)),
            _ = self.quic.closed() => false,
        }
    }

    /// Ends the connection for a fault of the peer.
    pub(super) fn fail(&self, code: Code, reason: impl Into<String>) {
        let reason = self.fault.get_or_init(|| reason.into());
        self.close(code, reason.as_bytes());
    }

    /// Ends the connection.
    pub(super) fn close(&self, code: Code, reason: &[u8]) {
        // What is said after the first word is not sent.
        let _ = self.closed_with.set(code);
        self.quic.close(varint(code), reason);
    }

    /// The code with which this side ended the connection, if it did.
    pub(super) fn closed_with(&self) -> Option<Code> {
        self.closed_with.get().copied()
    }

    /// Why this side ended the connection, if it did for a fault.
    pub(super) fn fault(&self) -> Option<&str> {
        self.fault.get().map(String::as_str)
    }

    /// Decodes a field section into `sink`; pending while it needs entries that have not come.
    pub(super) fn poll_decode(
        &self,
        section: &Encoded<'_>,
        sink: impl FnMut(FieldLine<Bytes>),
        cx: &Context<'_>,
    ) -> Poll<Result<(), Undecoded>> {
        let mut decoding = lock(&self.decoding);
        let decoded = decoding.decoder.decode(section.stream, section.bytes, section.max_size, sink);
        let outcome = match decoded {
            Ok(Decoded::Whole) => Poll::Ready(Ok(())),
            Ok(Decoded::TooLarge) => Poll::Ready(Err(Undecoded::TooLarge)),
            Ok(Decoded::Blocked(_)) => {
                decoding.wait(cx.waker());
                return Poll::Pending;
            }
            Err(error) if error.is_of_stream() => Poll::Ready(Err(Undecoded::Stream)),
            Err(error) => {
                drop(decoding);
                self.fail(error.code(), error.to_string());
                return Poll::Ready(Err(Undecoded::Connection));
            }
        };
        let to_say = decoding.decoder.has_instructions();
        drop(decoding);
        self.notify(to_say);
        outcome
    }

    /// Says that the rest of a stream is not read.
    pub(super) fn cancel(&self, stream: u64) {
        let cancelled = lock(&self.decoding).decoder.cancel(stream);
        match cancelled {
            Ok(()) => self.instructions.notify_one(),
            Err(error) => self.fail(error.code(), error.to_string()),
        }
    }

    /// Takes what came on the peer's encoder stream.
    pub(super) fn read_encoder_stream(&self, chunk: &[u8]) {
        let mut decoding = lock(&self.decoding);
        let read = decoding.decoder.read_encoder_stream(chunk);
        let waiting = std::mem::take(&mut decoding.waiting);
        drop(decoding);
        waiting.into_iter().for_each(Waker::wake);
        match read {
            Ok(()) => self.instructions.notify_one(),
            Err(error) => self.fail(error.code(), error.to_string()),
        }
    }

    /// Lets the streams that wait for entries see that the connection is no more.
    pub(super) fn ended(&self) {
        let waiting = std::mem::take(&mut lock(&self.decoding).waiting);
        waiting.into_iter().for_each(Waker::wake);
    }

    /// What is to be written on our decoder stream.
    pub(super) fn decoder_instructions(&self) -> Bytes {
        lock(&self.decoding).decoder.take_instructions()
    }

    /// Encodes a field section, and gives it to `take`.
    pub(super) fn encode<'a, T>(
        &self,
        stream: u64,
        lines: impl Iterator<Item = FieldLine<&'a [u8]>>,
        take: impl FnOnce(&[u8]) -> T,
    ) -> T {
        let mut scratch = lock(&self.scratch);
        let mut encoder = lock(&self.encoder);
        encoder.encode(stream, lines, &mut scratch);
        let to_say = encoder.has_instructions();
        drop(encoder);
        let taken = take(&scratch);
        scratch.clear();
        if scratch.capacity() > MAX_SCRATCH {
            *scratch = BytesMut::new();
        }
        drop(scratch);
        self.notify(to_say);
        taken
    }

    /// Has instructions written, where there are any: most sections make none.
    fn notify(&self, to_say: bool) {
        if to_say {
            self.instructions.notify_one();
        }
    }

    /// The encoder of what this side says.
    pub(super) fn encoder(&self) -> MutexGuard<'_, Encoder> {
        lock(&self.encoder)
    }

    /// The client may open request streams below this one.
    pub(super) fn let_open(&self, below: u64) {
        self.not_yet.store(below, Ordering::Relaxed);
    }

    /// Whether this request stream is beyond those that the client may open.
    pub(super) fn is_beyond(&self, stream: u64) -> bool {
        stream >= self.not_yet.load(Ordering::Relaxed)
    }

    /// Takes note of what a client wants of a stream (RFC 9218 §7). Of too many the oldest streams are forgotten.
    pub(super) fn prioritise(&self, stream: u64, priority: Priority) {
        let mut priorities = lock(&self.priorities);
        priorities.insert(stream, priority);
        if priorities.len() > MAX_PRIORITIES {
            priorities.pop_first();
        }
        self.updates.fetch_add(1, Ordering::Relaxed);
    }

    /// What a client wants of this stream now, if it said something since the last look, which `seen` remembers.
    pub(super) fn priority(&self, stream: u64, seen: &mut u64) -> Option<Priority> {
        let updates = self.updates.load(Ordering::Relaxed);
        if updates == *seen {
            return None;
        }
        *seen = updates;
        lock(&self.priorities).remove(&stream)
    }
}

pub(super) fn varint(code: Code) -> quinn::VarInt {
    u32::try_from(code.value()).map_or(quinn::VarInt::MAX, quinn::VarInt::from_u32)
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// What this side keeps for a peer's encoder, and for its own: a table of the size that HTTP/2 has by default, and a few sections that wait.
const LIMITS: Limits = Limits { max_table_capacity: 4096, blocked_streams: 16 };

/// RFC 9114 §5.2: the greatest number of a request stream.
pub(super) const LAST_REQUEST: u64 = (1 << 62) - 4;

/// Bytes that stay allocated from one section to the next.
const MAX_SCRATCH: usize = 4096;

/// Tasks that wait for the dynamic table: more than may be blocked.
const MAX_WAITING: usize = 64;

/// Updates of priorities that wait for their streams.
const MAX_PRIORITIES: usize = 128;
