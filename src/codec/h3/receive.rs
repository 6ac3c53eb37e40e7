//! The receiving half of a request stream.

use std::future::Future;
use std::pin::pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use h3::error::Code;
use quinn::ReadError;

use super::error::{ReadFailure, of_client, of_upstream};
use super::head::{Follows, HeadSection};
use super::shared::{Encoded, Shared, Side, Undecoded, varint};
use super::wire::{Piece, RequestReader, WireError};
use crate::codec::message::{
    Malformed, Refused, RequestHead, RequestSection, ResponseHead, ResponseSection, SectionLimits, TrailerSection,
};
use crate::codec::qpack::FieldLine;
use crate::http::Failure;

/// Reads a request stream piece by piece. QUIC's flow control holds the peer back while nobody polls, and dropping it tells
/// the peer that the rest is not needed.
#[derive(Debug)]
pub(super) struct Receiver {
    stream: quinn::RecvStream,
    shared: Arc<Shared>,
    reader: RequestReader,
    limits: SectionLimits,
    chunk: Bytes,
    /// A section that waits to be decoded.
    section: Option<Bytes>,
    finished: bool,
    /// Whether the end was reached, or there is none.
    over: bool,
}

/// What comes after the head.
#[derive(Debug)]
pub(super) enum Part {
    /// Content.
    Data(Bytes),
    /// Trailers: the last.
    Trailers(http::HeaderMap),
}

impl Receiver {
    pub(super) fn new(stream: quinn::RecvStream, shared: Arc<Shared>, limits: SectionLimits) -> Self {
        let reader = match shared.side() {
            Side::Server => RequestReader::new(limits.bytes),
            Side::Client => RequestReader::of_responses(limits.bytes),
        };
        shared.begin_reading();
        Self { stream, shared, reader, limits, chunk: Bytes::new(), section: None, finished: false, over: false }
    }

    /// The number of the stream.
    pub(super) fn id(&self) -> u64 {
        quinn::VarInt::from(self.stream.id()).into_inner()
    }

    /// The head of the request; `extended_connect` where this side has allowed `:protocol`.
    pub(super) async fn request_head(&mut self, extended_connect: bool) -> Result<RequestHead, ReadFailure> {
        std::future::poll_fn(|cx| self.poll_head::<RequestSection>(cx, extended_connect)).await
    }

    /// The next head of the response: interim, or final. Cancel-safe.
    pub(super) async fn response_head(&mut self) -> Result<ResponseHead, ReadFailure> {
        std::future::poll_fn(|cx| self.poll_head::<ResponseSection>(cx, ())).await
    }

    fn poll_head<S: HeadSection>(
        &mut self,
        cx: &mut Context<'_>,
        allowed: S::Allowed,
    ) -> Poll<Result<S::Head, ReadFailure>> {
        if self.section.is_none() {
            match ready!(self.poll_piece(cx)) {
                Ok(Some(Piece::Section(section))) => self.section = Some(section),
                // The reader lets no content come before a head.
                Ok(Some(Piece::Data(_)) | None) => return Poll::Ready(Err(self.fail(ReadFailure::Incomplete))),
                Err(failure) => return Poll::Ready(Err(self.fail(failure))),
            }
        }
        let mut section = S::begin(self.limits);
        let mut refused = None;
        ready!(self.poll_decode(cx, &mut refused, |name, value| section.push(name, value)))?;
        let head = match refused {
            Some(refused) => Err(refused),
            None => section.end(allowed).map_err(Refused::Malformed),
        };
        let head = head.map_err(|refused| self.fail(ReadFailure::Refused(refused)))?;
        match S::after(&head) {
            Follows::Heads => {}
            Follows::Content => self.reader.head_is_final(),
            Follows::Tunnel => self.reader.head_is_of_tunnel(),
        }
        Poll::Ready(Ok(head))
    }

    /// What follows the head is a tunnel.
    pub(super) fn is_tunnel(&mut self) {
        self.reader.head_is_of_tunnel();
    }

    /// The next part after the head; `None` at the end.
    pub(super) fn poll_part(&mut self, cx: &mut Context<'_>) -> Poll<Result<Option<Part>, ReadFailure>> {
        if self.over {
            return Poll::Ready(Ok(None));
        }
        if self.section.is_none() {
            match ready!(self.poll_piece(cx)) {
                Ok(Some(Piece::Data(data))) => return Poll::Ready(Ok(Some(Part::Data(data)))),
                Ok(Some(Piece::Section(section))) => self.section = Some(section),
                Ok(None) => {
                    self.over = true;
                    return Poll::Ready(Ok(None));
                }
                Err(failure) => return Poll::Ready(Err(self.fail(failure))),
            }
        }
        let mut section = TrailerSection::new(self.limits);
        let mut refused = None;
        ready!(self.poll_decode(cx, &mut refused, |name, value| section.push(name, value)))?;
        Poll::Ready(match refused {
            Some(refused) => Err(self.fail(ReadFailure::Refused(refused))),
            None => Ok(Some(Part::Trailers(section.finish()))),
        })
    }

    /// Decodes the section that waits; `refused` is the first field that cannot be taken.
    fn poll_decode(
        &mut self,
        cx: &mut Context<'_>,
        refused: &mut Option<Refused>,
        mut push: impl FnMut(&[u8], Bytes) -> Result<(), Refused>,
    ) -> Poll<Result<(), ReadFailure>> {
        let (stream, max_size) = (self.id(), self.limits.bytes);
        let Some(bytes) = &self.section else { return Poll::Ready(Ok(())) };
        // A section is decoded to its end whatever it says: what it refers to has to be acknowledged.
        let sink = |line: FieldLine<Bytes>| {
            if refused.is_none() {
                *refused = push(&line.name, line.value).err();
            }
        };
        let decoded = self.shared.poll_decode(&Encoded { stream, bytes, max_size }, sink, cx);
        if decoded.is_pending() {
            // A client that gives up while its section waits is seen.
            return self.poll_gone(cx).map(|failure| Err(self.fail(failure)));
        }
        let failure = match decoded {
            Poll::Ready(Ok(())) | Poll::Pending => {
                self.section = None;
                return Poll::Ready(Ok(()));
            }
            // What the section refers to is not held on to: below it counts as abandoned.
            Poll::Ready(Err(Undecoded::TooLarge)) => ReadFailure::Refused(Refused::TooLarge),
            Poll::Ready(Err(Undecoded::Stream)) => ReadFailure::Undecodable,
            Poll::Ready(Err(Undecoded::Connection)) => ReadFailure::Broken("http3.qpack_error"),
        };
        Poll::Ready(Err(self.fail(failure)))
    }

    /// Whether the peer left meanwhile. At most one chunk is read ahead. `received_reset` of quinn will not do: it leaves a
    /// waker behind for a stream that came whole, on which a debug build panics.
    fn poll_gone(&mut self, cx: &mut Context<'_>) -> Poll<ReadFailure> {
        if self.shared.quic.close_reason().is_some() {
            return Poll::Ready(ReadFailure::Lost);
        }
        while self.chunk.is_empty() && !self.finished {
            if let Err(failure) = ready!(self.poll_chunk(cx)) {
                return Poll::Ready(failure);
            }
        }
        // The entries may still come.
        Poll::Pending
    }

    fn poll_piece(&mut self, cx: &mut Context<'_>) -> Poll<Result<Option<Piece>, ReadFailure>> {
        loop {
            match self.reader.next(&mut self.chunk) {
                Ok(Some(piece)) => return Poll::Ready(Ok(Some(piece))),
                Ok(None) if self.finished => return Poll::Ready(self.end()),
                Ok(None) => {}
                Err(error) => return Poll::Ready(Err(self.broken(error))),
            }
            ready!(self.poll_chunk(cx))?;
        }
    }

    /// Reads the next chunk, or the end.
    fn poll_chunk(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), ReadFailure>> {
        // A fresh future each time: what it waits for is kept by the stream.
        let read = pin!(self.stream.read_chunk(usize::MAX, true));
        Poll::Ready(match ready!(read.poll(cx)) {
            Ok(Some(chunk)) => {
                self.chunk = chunk.bytes;
                Ok(())
            }
            Ok(None) => {
                self.finished = true;
                Ok(())
            }
            Err(ReadError::Reset(code)) => Err(ReadFailure::Reset(code.into_inner())),
            Err(_) => Err(ReadFailure::Lost),
        })
    }

    fn end(&mut self) -> Result<Option<Piece>, ReadFailure> {
        self.reader.end().map(|()| None).map_err(|error| self.broken(error))
    }

    fn broken(&self, error: WireError) -> ReadFailure {
        if error == WireError::ExcessiveLoad {
            // RFC 9114 §4.2.2: a request whose fields are too large may be answered.
            return ReadFailure::Refused(Refused::TooLarge);
        }
        self.shared.fail(error.code(), format!("request stream: {error:?}"));
        ReadFailure::Broken("http3.frame_error")
    }

    fn fail(&mut self, failure: ReadFailure) -> ReadFailure {
        self.over = true;
        match &failure {
            ReadFailure::Refused(Refused::Malformed(_)) => self.stop(Code::H3_MESSAGE_ERROR),
            ReadFailure::Refused(_) => self.stop(self.shared.side().no_more()),
            ReadFailure::Incomplete => self.stop(Code::H3_REQUEST_INCOMPLETE),
            // RFC 9204 §7.4: a value too large to decode is a stream error of this type.
            ReadFailure::Undecodable => self.stop(Code::QPACK_DECOMPRESSION_FAILED),
            ReadFailure::Reset(_) => self.shared.cancel(self.id()),
            ReadFailure::Lost | ReadFailure::Broken(_) => {}
        }
        self.section = None;
        failure
    }

    /// What a failed read means for the exchange.
    pub(super) fn blame(&self, failure: ReadFailure) -> Failure {
        match (self.shared.side(), failure) {
            (Side::Server, failure) => of_client(failure),
            // It was this side that ended the connection.
            (Side::Client, ReadFailure::Lost) if self.shared.fault().is_some() => {
                Failure::UpstreamReset(of_upstream(ReadFailure::Broken("http3.connection_error")))
            }
            (Side::Client, failure) => Failure::UpstreamReset(of_upstream(failure)),
        }
    }

    /// Refuses a message whose content does not fit its head.
    pub(super) fn refuse(&mut self, malformed: Malformed) -> Failure {
        let failure = self.fail(ReadFailure::Refused(Refused::Malformed(malformed)));
        self.blame(failure)
    }

    /// Tells the peer that the rest is not needed.
    pub(super) fn stop(&mut self, code: Code) {
        self.over = true;
        // RFC 9204 §2.2.2.2: a section that came whole and waits for entries is abandoned as well.
        let abandoned = self.section.take().is_some();
        let open = self.stream.stop(varint(code)).is_ok() && !self.finished;
        if open || abandoned {
            self.shared.cancel(self.id());
        }
    }
}

impl Drop for Receiver {
    fn drop(&mut self) {
        if !self.over {
            self.stop(self.shared.side().no_more());
        }
        self.shared.end_reading();
    }
}
