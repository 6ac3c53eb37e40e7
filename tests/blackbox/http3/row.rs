//! One row: what a client does, and what must come of it.

use super::wire::{CONTROL, headers, settings};
use crate::watched::Upstream;

/// A row of the table.
#[derive(Clone, Debug)]
pub(super) struct Row {
    pub(super) name: String,
    pub(super) steps: Vec<Step>,
    pub(super) want: Want,
    /// What of it the backend may see beside the request that comes after.
    pub(super) upstream: Upstream,
}

/// What a client does next. Streams are numbered in the order in which they are opened, of each kind.
#[derive(Clone, Debug)]
pub(super) enum Step {
    /// Opens a unidirectional stream.
    Uni(Vec<u8>, Last),
    /// Opens a request stream.
    Request(Vec<u8>, Last),
    /// Goes on with the unidirectional stream of this number.
    MoreUni(usize, Vec<u8>, Last),
    /// Goes on with the request stream opened last.
    More(Vec<u8>, Last),
    /// Asks the gateway to say no more on the request stream opened last (`STOP_SENDING`).
    Stop(u64),
    /// Waits for the answer to another request: what was written before has been looked at then.
    Meanwhile,
    /// Asks the gateway to say no more on the first unidirectional stream of its own: its control stream.
    StopControl(u64),
}

/// How a stream is left after what was written.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Last {
    /// It may go on.
    Open,
    /// With FIN.
    Fin,
    /// With `RESET_STREAM` of this code.
    Reset(u64),
}

/// What must come.
#[derive(Clone, Debug)]
pub(super) enum Want {
    /// The end of the connection, with this code.
    Closed(u64),
    /// A reset of the response on the request stream opened last.
    Reset(u64),
    /// The same, and `STOP_SENDING` with this code, as the request had not ended.
    ResetAndStopped(u64),
    /// `STOP_SENDING` on the unidirectional stream opened last.
    UniStopped(u64),
    /// Answers with these statuses on the request stream opened last, the final one last.
    Statuses(&'static [u16]),
    /// 200, with all of these in the request as the backend saw it.
    Good(Vec<&'static str>),
    /// Nothing: the connection stands.
    Nothing,
}

impl Row {
    /// A client that opens its control stream, with SETTINGS that say nothing, before all else.
    pub(super) fn new(name: &str) -> Self {
        Self::bare(name).control(settings(&[]))
    }

    /// A client that does nothing unasked.
    pub(super) fn bare(name: &str) -> Self {
        let steps = Vec::new();
        Self { name: name.to_owned(), steps, want: Want::Nothing, upstream: Upstream::Nothing }
    }

    fn step(mut self, step: Step) -> Self {
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

    /// Goes on with the first unidirectional stream, the control stream in most rows.
    pub(super) fn more_control(self, frames: impl AsRef<[u8]>) -> Self {
        self.more_uni(0, frames, Last::Open)
    }

    pub(super) fn more_uni(self, stream: usize, bytes: impl AsRef<[u8]>, last: Last) -> Self {
        self.step(Step::MoreUni(stream, bytes.as_ref().to_vec(), last))
    }

    pub(super) fn request(self, bytes: impl AsRef<[u8]>, last: Last) -> Self {
        self.step(Step::Request(bytes.as_ref().to_vec(), last))
    }

    /// A request stream with these bytes and FIN.
    pub(super) fn whole(self, bytes: impl AsRef<[u8]>) -> Self {
        self.request(bytes, Last::Fin)
    }

    /// A request stream with the head of a good GET, these bytes, and FIN.
    pub(super) fn get_then(self, bytes: impl AsRef<[u8]>) -> Self {
        let head = self.head("GET", &[]);
        self.whole([&head, bytes.as_ref()].concat())
    }

    /// A request stream with the head of a good POST, these bytes, and FIN.
    pub(super) fn post_then(self, fields: &[(&str, &str)], bytes: impl AsRef<[u8]>) -> Self {
        let head = self.head("POST", fields);
        self.whole([&head, bytes.as_ref()].concat())
    }

    /// A GET with these fields besides.
    pub(super) fn get(self, fields: &[(&str, &str)]) -> Self {
        let head = self.head("GET", fields);
        self.whole(head)
    }

    pub(super) fn more(self, bytes: impl AsRef<[u8]>, last: Last) -> Self {
        self.step(Step::More(bytes.as_ref().to_vec(), last))
    }

    pub(super) fn stop(self, code: u64) -> Self {
        self.step(Step::Stop(code))
    }

    pub(super) fn meanwhile(self) -> Self {
        self.step(Step::Meanwhile)
    }

    pub(super) fn stop_control(self, code: u64) -> Self {
        self.step(Step::StopControl(code))
    }

    /// The head of a good request, its path named for the row.
    pub(super) fn head(&self, method: &str, fields: &[(&str, &str)]) -> Vec<u8> {
        let path = format!("/{}", self.name);
        let pseudo = [(":method", method), (":scheme", "https"), (":authority", "localhost"), (":path", &path)];
        headers(&[&pseudo, fields].concat())
    }

    pub(super) fn want(self, want: Want) -> Self {
        Self { want, ..self }
    }

    pub(super) fn closes(self, code: u64) -> Self {
        self.want(Want::Closed(code))
    }

    pub(super) fn resets(self, code: u64) -> Self {
        self.want(Want::Reset(code))
    }

    /// A stream error of type `H3_MESSAGE_ERROR` (RFC 9114 §4.1.2).
    pub(super) fn malformed(self) -> Self {
        self.resets(H3_MESSAGE_ERROR)
    }

    pub(super) fn answers(self, statuses: &'static [u16]) -> Self {
        self.want(Want::Statuses(statuses))
    }

    /// 200, with all of these in what the backend saw.
    pub(super) fn good(self, seen: &[&'static str]) -> Self {
        self.want(Want::Good(seen.to_vec())).upstream(Upstream::Whole)
    }

    pub(super) fn upstream(self, upstream: Upstream) -> Self {
        Self { upstream, ..self }
    }

    /// The beginning may have gone on before the fault came.
    pub(super) fn late(self) -> Self {
        self.upstream(Upstream::NothingWhole)
    }
}

/// RFC 9114 §8.1.
pub(crate) const H3_NO_ERROR: u64 = 0x100;
pub(crate) const H3_STREAM_CREATION_ERROR: u64 = 0x103;
pub(crate) const H3_CLOSED_CRITICAL_STREAM: u64 = 0x104;
pub(crate) const H3_FRAME_UNEXPECTED: u64 = 0x105;
pub(crate) const H3_FRAME_ERROR: u64 = 0x106;
pub(crate) const H3_EXCESSIVE_LOAD: u64 = 0x107;
pub(crate) const H3_ID_ERROR: u64 = 0x108;
pub(crate) const H3_SETTINGS_ERROR: u64 = 0x109;
pub(crate) const H3_MISSING_SETTINGS: u64 = 0x10a;
pub(crate) const H3_REQUEST_CANCELLED: u64 = 0x10c;
pub(crate) const H3_REQUEST_INCOMPLETE: u64 = 0x10d;
pub(crate) const H3_MESSAGE_ERROR: u64 = 0x10e;

/// RFC 9204 §6.
pub(crate) const QPACK_DECOMPRESSION_FAILED: u64 = 0x200;
pub(crate) const QPACK_ENCODER_STREAM_ERROR: u64 = 0x201;
pub(crate) const QPACK_DECODER_STREAM_ERROR: u64 = 0x202;
