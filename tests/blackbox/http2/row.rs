//! One row: what a client writes, and what must come of it.

use super::wire::{END_STREAM, ROW_STREAM, headers, last_headers, section};
use crate::watched::Upstream;

/// A row of the table.
#[derive(Clone, Debug)]
pub(super) struct Row {
    pub(super) name: String,
    /// Written at once each; before the next, all of it has been read by the gateway.
    pub(super) writes: Vec<Vec<u8>>,
    pub(super) want: Want,
    /// What of it the backend may see beside the request that comes after.
    pub(super) upstream: Upstream,
}

/// What must come.
#[derive(Clone, Debug)]
pub(super) enum Want {
    /// The end of the connection, with this code.
    Closed(u32),
    /// A reset of the stream, with this code.
    Reset(u32),
    /// Answers with these statuses, the final one last.
    Statuses(&'static [u16]),
    /// 200, with all of these in the request as the backend saw it, and none of the others.
    Good(Vec<&'static str>, Vec<&'static str>),
}

impl Row {
    /// A row that is malformed by a fault in its head: a stream error of type `PROTOCOL_ERROR` (RFC 9113 §8.1.1).
    pub(super) fn new(name: &str) -> Self {
        let (writes, want) = (Vec::new(), Want::Reset(PROTOCOL_ERROR));
        Self { name: name.to_owned(), writes, want, upstream: Upstream::Nothing }
    }

    /// Writes these frames.
    pub(super) fn write(mut self, frames: impl AsRef<[u8]>) -> Self {
        self.writes.push(frames.as_ref().to_vec());
        self
    }

    /// A request of these fields and no others.
    pub(super) fn only(self, fields: &[(&str, &str)]) -> Self {
        self.write(last_headers(fields))
    }

    /// A GET with these fields besides.
    pub(super) fn get(self, fields: &[(&str, &str)]) -> Self {
        let head = self.head("GET", END_STREAM, fields);
        self.write(head)
    }

    /// The head of a good POST with these fields besides, and these frames.
    pub(super) fn post_then(self, fields: &[(&str, &str)], frames: impl AsRef<[u8]>) -> Self {
        let head = self.head("POST", 0, fields);
        self.write([&head, frames.as_ref()].concat())
    }

    /// The head of a good POST with content, and these trailers.
    pub(super) fn trailers(self, fields: &[(&str, &str)]) -> Self {
        let frames = [super::wire::data("ab"), last_headers(fields)].concat();
        self.post_then(&[("trailer", "x-sum")], frames)
    }

    /// The same, but more may come on the stream.
    pub(super) fn trailers_without_end(self, fields: &[(&str, &str)]) -> Self {
        let frames = [super::wire::data("ab"), headers(fields)].concat();
        self.post_then(&[], frames)
    }

    /// The head of a good request, its path named for the row.
    pub(super) fn head(&self, method: &str, flags: u8, fields: &[(&str, &str)]) -> Vec<u8> {
        let path = format!("/{}", self.name);
        let pseudo = [(":method", method), (":scheme", "https"), (":authority", "localhost"), (":path", &path)];
        section(ROW_STREAM, flags, &[&pseudo, fields].concat())
    }

    pub(super) fn want(self, want: Want) -> Self {
        Self { want, ..self }
    }

    /// The h2 crate cannot type a field, and ends the connection.
    pub(super) fn closes(self) -> Self {
        self.want(Want::Closed(PROTOCOL_ERROR))
    }

    pub(super) fn answers(self, statuses: &'static [u16]) -> Self {
        self.want(Want::Statuses(statuses))
    }

    /// 200, with all of these in what the backend saw.
    pub(super) fn good(self, seen: &[&'static str]) -> Self {
        self.good_without(seen, &[])
    }

    /// 200, with all of these in what the backend saw, and none of the others.
    pub(super) fn good_without(self, seen: &[&'static str], unseen: &[&'static str]) -> Self {
        self.want(Want::Good(seen.to_vec(), unseen.to_vec())).upstream(Upstream::Whole)
    }

    pub(super) fn upstream(self, upstream: Upstream) -> Self {
        Self { upstream, ..self }
    }

    /// The beginning may have gone on before the fault came.
    pub(super) fn late(self) -> Self {
        self.upstream(Upstream::NothingWhole)
    }
}

/// RFC 9113 §7.
pub(super) const NO_ERROR: u32 = 0x0;
pub(super) const PROTOCOL_ERROR: u32 = 0x1;
pub(super) const ENHANCE_YOUR_CALM: u32 = 0xb;
