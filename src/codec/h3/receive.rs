//! The receiving half of a request stream.

use std::future::Future;
use std::pin::pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use h3::error::Code;
use quinn::ReadError;

use super::shared::{Encoded, Shared, Side, varint};
use super::wire::{Piece, RequestReader, WireError};
use crate::codec::message::{
    Malformed, Refused, RequestHead, RequestSection, ResponseHead, ResponseSection, SectionLimits, TrailerSection,
};
use crate::codec::qpack::FieldLine;
use crate::http::{Failure, ResetReason};

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
#[derive(Clone, Copy, Debug)]
pub(super) enum ReadFailure {
    /// The peer reset the stream, with this code.
    Reset(u64),
    /// The connection is no more.
    Lost,
    /// The peer broke the protocol, and the connection was ended for it.
    Broken(&'static str),
    /// The message is refused; the stream alone ends.
    Refused(Refused),
    /// The stream ended before its head was whole (RFC 9114 §4.1.1).
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

/// A section that begins a message, as it is decoded.
trait HeadSection: Sized {
    type Head;

    fn begin(limits: SectionLimits) -> Self;
    fn push(&mut self, name: &[u8], value: Bytes) -> Result<(), Refused>;
    fn end(self) -> Result<Self::Head, Malformed>;
    /// Whether content may follow.
    fn is_final(head: &Self::Head) -> bool;
}

impl Receiver {
    pub(super) fn new(stream: quinn::RecvStream, shared: Arc<Shared>, limits: SectionLimits) -> Self {
        let reader = match shared.side() {
            Side::Server => RequestReader::new(limits.bytes),
            Side::Client => RequestReader::of_responses(limits.bytes),
        };
        Self { stream, shared, reader, limits, chunk: Bytes::new(), section: None, finished: false, over: false }
    }

    /// The number of the stream.
    pub(super) fn id(&self) -> u64 {
        quinn::VarInt::from(self.stream.id()).into_inner()
    }

    /// The head of the request.
    pub(super) async fn request_head(&mut self) -> Result<RequestHead, ReadFailure> {
        std::future::poll_fn(|cx| self.poll_head::<RequestSection>(cx)).await
    }

    /// The next head of the response: interim, or final. Cancel-safe.
    pub(super) async fn response_head(&mut self) -> Result<ResponseHead, ReadFailure> {
        std::future::poll_fn(|cx| self.poll_head::<ResponseSection>(cx)).await
    }

    fn poll_head<S: HeadSection>(&mut self, cx: &mut Context<'_>) -> Poll<Result<S::Head, ReadFailure>> {
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
            None => section.end().map_err(Refused::Malformed),
        };
        let head = head.map_err(|refused| self.fail(ReadFailure::Refused(refused)))?;
        if S::is_final(&head) {
            self.reader.head_is_final();
        }
        Poll::Ready(Ok(head))
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
        self.section = None;
        Poll::Ready(match decoded {
            Poll::Ready(Some(())) | Poll::Pending => Ok(()),
            Poll::Ready(None) if self.shared.fault().is_some() => {
                Err(self.fail(ReadFailure::Broken("http3.qpack_error")))
            }
            Poll::Ready(None) => {
                // What the section refers to is not held on to; a stream that is stopped below is cancelled there.
                if self.finished {
                    self.shared.cancel(self.id());
                }
                Err(self.fail(ReadFailure::Refused(Refused::TooLarge)))
            }
        })
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
        self.section = None;
        match &failure {
            ReadFailure::Refused(Refused::Malformed(_)) => self.stop(Code::H3_MESSAGE_ERROR),
            ReadFailure::Refused(_) => self.stop(self.shared.side().no_more()),
            ReadFailure::Incomplete => self.stop(Code::H3_REQUEST_INCOMPLETE),
            ReadFailure::Reset(_) => self.shared.cancel(self.id()),
            ReadFailure::Lost | ReadFailure::Broken(_) => {}
        }
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
        if self.stream.stop(varint(code)).is_ok() && !self.finished {
            self.shared.cancel(self.id());
        }
    }
}

impl Drop for Receiver {
    fn drop(&mut self) {
        if !self.over {
            self.stop(self.shared.side().no_more());
        }
    }
}

impl HeadSection for RequestSection {
    type Head = RequestHead;

    fn begin(limits: SectionLimits) -> Self {
        Self::new(limits)
    }

    fn push(&mut self, name: &[u8], value: Bytes) -> Result<(), Refused> {
        Self::push(self, name, value)
    }

    fn end(self) -> Result<RequestHead, Malformed> {
        self.finish(false)
    }

    fn is_final(_: &RequestHead) -> bool {
        true
    }
}

impl HeadSection for ResponseSection {
    type Head = ResponseHead;

    fn begin(limits: SectionLimits) -> Self {
        Self::new(limits)
    }

    fn push(&mut self, name: &[u8], value: Bytes) -> Result<(), Refused> {
        Self::push(self, name, value)
    }

    fn end(self) -> Result<ResponseHead, Malformed> {
        self.finish()
    }

    fn is_final(head: &ResponseHead) -> bool {
        !head.status.is_informational()
    }
}

impl Side {
    /// The code of one who needs no more of a message. RFC 9114 §4.1: a server that has what it needs says `H3_NO_ERROR`;
    /// RFC 9114 §4.1.1: a client that gives up cancels.
    fn no_more(self) -> Code {
        match self {
            Self::Server => Code::H3_NO_ERROR,
            Self::Client => Code::H3_REQUEST_CANCELLED,
        }
    }
}

fn of_client(failure: ReadFailure) -> Failure {
    match failure {
        ReadFailure::Reset(_) => Failure::DownstreamReset,
        ReadFailure::Lost => Failure::DownstreamClosed,
        ReadFailure::Broken(details) => Failure::DownstreamProtocol(details.into()),
        ReadFailure::Incomplete => Failure::DownstreamProtocol("http3.incomplete_request".into()),
        ReadFailure::Refused(Refused::TooLarge) => Failure::HeadersTooLarge("http3.headers_too_large"),
        ReadFailure::Refused(Refused::TooMany) => Failure::HeadersTooLarge("http3.too_many_headers"),
        ReadFailure::Refused(Refused::Malformed(malformed)) => {
            Failure::DownstreamProtocol(format!("http3.{malformed}").into())
        }
    }
}

fn of_upstream(failure: ReadFailure) -> ResetReason {
    let broke = |details: &str| ResetReason::ProtocolError(details.to_owned());
    match failure {
        // RFC 9114 §4.1.1: nothing was done for it.
        ReadFailure::Reset(code) if code == Code::H3_REQUEST_REJECTED.value() => ResetReason::RemoteRefused,
        ReadFailure::Reset(_) => ResetReason::RemoteReset,
        ReadFailure::Lost => ResetReason::ConnectionTermination,
        ReadFailure::Broken(details) => broke(details),
        ReadFailure::Incomplete => broke("http3.incomplete_response"),
        ReadFailure::Refused(Refused::TooLarge) => broke("http3.headers_too_large"),
        ReadFailure::Refused(Refused::TooMany) => broke("http3.too_many_headers"),
        ReadFailure::Refused(Refused::Malformed(malformed)) => broke(&format!("http3.{malformed}")),
    }
}
