//! One row: what an upstream does with the first request that it gets, and what must come of it.

use crate::http3::row::{H3_MESSAGE_ERROR, Last};
use crate::http3::wire::{CONTROL, headers, settings};

/// A row of the table.
#[derive(Clone, Debug)]
pub(super) struct Row {
    pub(super) name: String,
    pub(super) method: &'static str,
    pub(super) steps: Vec<Step>,
    pub(super) want: Want,
    pub(super) client: Answer,
}

/// What an upstream does next. Streams are numbered in the order in which they are opened.
#[derive(Clone, Debug)]
pub(super) enum Step {
    /// Opens a unidirectional stream.
    Uni(Vec<u8>, Last),
    /// Goes on with the unidirectional stream of this number.
    MoreUni(usize, Vec<u8>, Last),
    /// Opens a bidirectional stream.
    Bi(Vec<u8>),
    /// Writes on the stream of the request.
    Answer(Vec<u8>, Last),
    /// Writes on the stream of the request, and reads it to its end at the same time.
    ReadWhile(Vec<u8>),
    /// Asks the gateway to say no more on the stream of the request.
    StopRequest(u64),
    /// Asks the gateway to say no more on its first unidirectional stream: its control stream.
    StopControl(u64),
    /// Waits until something comes from the gateway on any stream.
    UntilHeard,
    /// Closes the connection.
    Close(u64),
}

/// What the upstream must see.
#[derive(Clone, Copy, Debug)]
pub(super) enum Want {
    /// The end of the connection, with this code. The next request comes on a new one.
    Closed(u64),
    /// `STOP_SENDING` of the response, with this code.
    Stopped(u64),
    /// `STOP_SENDING` on the unidirectional stream of this number.
    UniStopped(usize, u64),
    /// `RESET_STREAM` of the request, with this code.
    Reset(u64),
    /// Nothing: the next request comes on the same connection.
    Nothing,
    /// Nothing, and the next request comes on a new connection.
    Left,
}

/// What the client must see, and what stands in the log.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Answer {
    /// 200 and this content, whole.
    Good(&'static str),
    /// A local reply with this status, these flags, and details that begin so.
    Local(u16, &'static str, &'static str),
    /// 200 that does not end well, or a local reply when that was known before the head went on.
    Cut,
}

impl Row {
    /// An upstream that opens its control stream, with SETTINGS that say nothing, before all else.
    pub(super) fn new(name: &str) -> Self {
        Self::bare(name).control(settings(&[]))
    }

    /// An upstream that does nothing unasked.
    pub(super) fn bare(name: &str) -> Self {
        let client = Answer::Good("");
        Self { name: name.to_owned(), method: "GET", steps: Vec::new(), want: Want::Nothing, client }
    }

    pub(super) fn method(self, method: &'static str) -> Self {
        Self { method, ..self }
    }

    pub(super) fn step(mut self, step: Step) -> Self {
        self.steps.push(step);
        self
    }

    pub(super) fn uni(self, bytes: impl AsRef<[u8]>, last: Last) -> Self {
        self.step(Step::Uni(bytes.as_ref().to_vec(), last))
    }

    /// Opens a control stream that stays open.
    pub(super) fn control(self, frames: impl AsRef<[u8]>) -> Self {
        self.uni([CONTROL, frames.as_ref()].concat(), Last::Open)
    }

    /// Goes on with the control stream.
    pub(super) fn more_control(self, frames: impl AsRef<[u8]>) -> Self {
        self.step(Step::MoreUni(0, frames.as_ref().to_vec(), Last::Open))
    }

    /// Answers with these bytes, and no end yet.
    pub(super) fn begins(self, bytes: impl AsRef<[u8]>) -> Self {
        self.step(Step::Answer(bytes.as_ref().to_vec(), Last::Open))
    }

    /// Answers with these bytes and FIN.
    pub(super) fn whole(self, bytes: impl AsRef<[u8]>) -> Self {
        self.step(Step::Answer(bytes.as_ref().to_vec(), Last::Fin))
    }

    /// Answers with 200 and nothing else.
    pub(super) fn answers(self) -> Self {
        self.whole(headers(&[(":status", "200")]))
    }

    pub(super) fn want(self, want: Want) -> Self {
        Self { want, ..self }
    }

    pub(super) fn client(self, client: Answer) -> Self {
        Self { client, ..self }
    }

    /// The connection ends with this code, and the request with it.
    pub(super) fn closes(self, code: u64) -> Self {
        self.want(Want::Closed(code)).client(PROTOCOL_ERROR)
    }

    /// A stream error of type `H3_MESSAGE_ERROR` (RFC 9114 §4.1.2).
    pub(super) fn malformed(self) -> Self {
        self.want(Want::Stopped(H3_MESSAGE_ERROR)).client(PROTOCOL_ERROR)
    }

    /// The same, once the head has gone on.
    pub(super) fn cut(self) -> Self {
        self.want(Want::Stopped(H3_MESSAGE_ERROR)).client(Answer::Cut)
    }

    /// 200 with this content.
    pub(super) fn good(self, content: &'static str) -> Self {
        self.client(Answer::Good(content))
    }
}

/// What a client is told of an upstream that broke the protocol.
pub(crate) const PROTOCOL_ERROR: Answer =
    Answer::Local(502, "UPE", "upstream_reset_before_response_started{protocol_error");
