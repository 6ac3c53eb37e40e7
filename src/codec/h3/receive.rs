//! The receiving half of a request stream.

use std::future::Future;
use std::pin::pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use h3::error::Code;
use http::Method;
use quinn::ReadError;

use super::shared::{Encoded, Shared, Undecoded, varint};
use super::wire::{Piece, RequestReader, WireError};
use crate::codec::message::{Refused, RequestHead, RequestSection, SectionLimits, TrailerSection};
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

/// Why nothing more can be read.
#[derive(Debug)]
pub(super) enum ReadFailure {
    /// The peer reset the stream.
    Reset,
    /// The connection is no more.
    Lost,
    /// The peer broke the protocol, and the connection was ended for it.
    Broken(&'static str),
    /// The message is refused; the stream alone ends.
    Refused(Refused),
    /// A field section holds what cannot be decoded; the stream alone ends.
    Undecodable,
    /// The stream ended before a request was whole (RFC 9114 §4.1.1).
    Incomplete,
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
        let reader = RequestReader::new(limits.bytes);
        Self { stream, shared, reader, limits, chunk: Bytes::new(), section: None, finished: false, over: false }
    }

    /// The number of the stream.
    pub(super) fn id(&self) -> u64 {
        quinn::VarInt::from(self.stream.id()).into_inner()
    }

    /// The head of the request; `extended_connect` where this side has allowed `:protocol`.
    pub(super) async fn head(&mut self, extended_connect: bool) -> Result<RequestHead, ReadFailure> {
        std::future::poll_fn(|cx| self.poll_head(cx, extended_connect)).await
    }

    fn poll_head(&mut self, cx: &mut Context<'_>, extended_connect: bool) -> Poll<Result<RequestHead, ReadFailure>> {
        if self.section.is_none() {
            match ready!(self.poll_piece(cx)) {
                Ok(Some(Piece::Section(section))) => self.section = Some(section),
                // The reader lets no content come before a head.
                Ok(Some(Piece::Data(_)) | None) => return Poll::Ready(Err(self.fail(ReadFailure::Incomplete))),
                Err(failure) => return Poll::Ready(Err(self.fail(failure))),
            }
        }
        let mut section = RequestSection::new(self.limits);
        let mut refused = None;
        ready!(self.poll_decode(cx, &mut refused, |name, value| section.push(name, value)))?;
        self.reader.head_is_final();
        let head = match refused {
            Some(refused) => Err(refused),
            None => section.finish(extended_connect).map_err(Refused::Malformed),
        };
        if head.as_ref().is_ok_and(|head| head.method == Method::CONNECT) {
            self.reader.head_is_of_tunnel();
        }
        Poll::Ready(head.map_err(|refused| self.fail(ReadFailure::Refused(refused))))
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
            Err(ReadError::Reset(_)) => Err(ReadFailure::Reset),
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
            ReadFailure::Refused(_) => self.stop(Code::H3_NO_ERROR),
            ReadFailure::Incomplete => self.stop(Code::H3_REQUEST_INCOMPLETE),
            // RFC 9204 §7.4: a value too large to decode is a stream error of this type.
            ReadFailure::Undecodable => self.stop(Code::QPACK_DECOMPRESSION_FAILED),
            ReadFailure::Reset => self.shared.cancel(self.id()),
            ReadFailure::Lost | ReadFailure::Broken(_) => {}
        }
        self.section = None;
        failure
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
            // RFC 9114 §4.1: a server that needs no more of a request says so with H3_NO_ERROR.
            self.stop(Code::H3_NO_ERROR);
        }
    }
}

impl From<ReadFailure> for Failure {
    fn from(failure: ReadFailure) -> Self {
        match failure {
            ReadFailure::Reset => Self::DownstreamReset,
            ReadFailure::Lost => Self::DownstreamClosed,
            ReadFailure::Undecodable => Self::DownstreamProtocol("http3.qpack_error".into()),
            ReadFailure::Broken(details) => Self::DownstreamProtocol(details.into()),
            ReadFailure::Incomplete => Self::DownstreamProtocol("http3.incomplete_request".into()),
            ReadFailure::Refused(Refused::TooLarge) => Self::HeadersTooLarge("http3.headers_too_large"),
            ReadFailure::Refused(Refused::TooMany) => Self::HeadersTooLarge("http3.too_many_headers"),
            ReadFailure::Refused(Refused::Malformed(malformed)) => {
                Self::DownstreamProtocol(format!("http3.{malformed}").into())
            }
        }
    }
}
