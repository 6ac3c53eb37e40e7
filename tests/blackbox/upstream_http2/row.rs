//! One row: what an upstream does with the first request that it gets, and what must come of it.

use crate::http2::wire::{ROW_STREAM, RST_STREAM, frame, headers, last_data, last_headers};
use crate::upstream_http3::row::{Answer, PROTOCOL_ERROR};

/// A row of the table.
#[derive(Clone, Debug)]
pub(super) struct Row {
    pub(super) name: String,
    pub(super) method: &'static str,
    /// What is written when the head of the request has come.
    pub(super) frames: Vec<u8>,
    /// Whether the connection is closed then.
    pub(super) closes: bool,
    pub(super) want: Want,
    pub(super) client: Answer,
}

/// What the upstream must see.
#[derive(Clone, Copy, Debug)]
pub(super) enum Want {
    /// GOAWAY with this code. The next request comes on a new connection.
    Closed(u32),
    /// `RST_STREAM` of the request, with this code.
    Reset(u32),
    /// Nothing: the next request comes on the same connection.
    Nothing,
    /// Nothing, and a request comes on a new connection.
    Left,
}

impl Row {
    pub(super) fn new(name: &str) -> Self {
        let client = Answer::Good("");
        Self { name: name.to_owned(), method: "GET", frames: Vec::new(), closes: false, want: Want::Nothing, client }
    }

    pub(super) fn method(self, method: &'static str) -> Self {
        Self { method, ..self }
    }

    /// Writes these frames.
    pub(super) fn write(mut self, frames: impl AsRef<[u8]>) -> Self {
        self.frames.extend_from_slice(frames.as_ref());
        self
    }

    /// Answers with these fields, and no end of the stream.
    pub(super) fn head(self, fields: &[(&str, &str)]) -> Self {
        self.write(headers(fields))
    }

    /// Answers with these fields and no content.
    pub(super) fn answer(self, fields: &[(&str, &str)]) -> Self {
        self.write(last_headers(fields))
    }

    /// Ends the stream with this content.
    pub(super) fn content(self, content: &str) -> Self {
        self.write(last_data(content))
    }

    /// Resets the stream.
    pub(super) fn resets(self, code: u32) -> Self {
        self.write(frame(RST_STREAM, 0, code.to_be_bytes()))
    }

    /// Closes the connection.
    pub(super) fn closing(self) -> Self {
        Self { closes: true, ..self }
    }

    pub(super) fn want(self, want: Want) -> Self {
        Self { want, ..self }
    }

    pub(super) fn client(self, client: Answer) -> Self {
        Self { client, ..self }
    }

    /// 200 with this content.
    pub(super) fn good(self, content: &'static str) -> Self {
        self.client(Answer::Good(content))
    }

    /// A stream error of type `PROTOCOL_ERROR` (RFC 9113 §8.1.1).
    pub(super) fn malformed(self) -> Self {
        self.want(Want::Reset(PROTOCOL)).client(PROTOCOL_ERROR)
    }

    /// The same, once the head has gone on.
    pub(super) fn cut(self) -> Self {
        self.want(Want::Reset(PROTOCOL)).client(Answer::Cut)
    }

    /// The h2 crate cannot type a field, and ends the connection.
    pub(super) fn breaks(self) -> Self {
        self.want(Want::Closed(PROTOCOL)).client(PROTOCOL_ERROR)
    }
}

/// RFC 9113 §7.
pub(super) const NO_ERROR: u32 = 0x0;
pub(super) const PROTOCOL: u32 = 0x1;
pub(super) const FRAME_SIZE: u32 = 0x6;
pub(super) const REFUSED_STREAM: u32 = 0x7;
pub(super) const CANCEL: u32 = 0x8;

/// GOAWAY with this last stream.
pub(super) fn goaway(last: u32) -> Vec<u8> {
    let payload = [last.to_be_bytes(), NO_ERROR.to_be_bytes()].concat();
    crate::http2::wire::frame_on(0, crate::http2::wire::GOAWAY, 0, payload)
}

/// The stream of the first request of a connection.
pub(super) const FIRST: u32 = ROW_STREAM;
