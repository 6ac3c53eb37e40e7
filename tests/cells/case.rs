//! One case: what the client does, and what the upstream does with it, in words that every version has.

use bytes::Bytes;

use crate::support::message::{Fields, Request};

/// A case of the table.
#[derive(Clone, Debug)]
pub(crate) struct Case {
    pub(crate) name: &'static str,
    pub(crate) act: Act,
    pub(crate) script: Script,
}

/// What the client does, on a connection of its own.
#[derive(Clone, Debug)]
pub(crate) enum Act {
    /// A whole exchange.
    Exchange(Request),
    /// Sends the parts one by one, each when as many bytes have come back as were sent before; then ends the request.
    Talk(Request, &'static [&'static str]),
    /// Reads the first five bytes of the content, lets the upstream go on, and reads the rest.
    ReadThenRelease(Request),
    /// Leaves when the upstream has the head.
    LeaveBeforeReply(Request),
    /// Leaves when the first five bytes of the content are there.
    LeaveInReply(Request),
    /// Sends a part of the content and waits for the reply; never ends the request.
    Unfinished(Request, &'static str),
    /// Sends a part of the content and leaves when the upstream has it.
    LeaveInRequest(Request, &'static str),
}

/// What the upstream does.
#[derive(Clone, Debug, Default)]
pub(crate) struct Script {
    /// Whether it begins with the head of the request, before the content has come; it reads on meanwhile.
    pub(crate) early: bool,
    pub(crate) steps: Vec<Step>,
}

#[derive(Clone, Debug)]
pub(crate) enum Step {
    Interim(u16, Fields),
    Head(u16, Fields),
    Data(Bytes),
    /// Ends the message.
    Trailers(Fields),
    /// Ends the message.
    End,
    /// A reset of the stream, or of the connection where there are none.
    Reset,
    /// Until so much of the request's content has come, or all.
    AwaitContent(usize),
    /// Until the client lets it go on.
    AwaitRelease,
    /// Until the other side has given up.
    AwaitEnd,
}

impl Script {
    /// Answers when the request is whole.
    pub(crate) fn head(status: u16, fields: &[(&str, &str)]) -> Self {
        Self::default().then(Step::Head(status, lines(fields)))
    }

    /// A whole answer with a length.
    pub(crate) fn reply(status: u16, body: &'static str) -> Self {
        Self::head(status, &[("content-length", &body.len().to_string())]).data(body).end()
    }

    pub(crate) fn interim(self, status: u16, fields: &[(&str, &str)]) -> Self {
        self.then(Step::Interim(status, lines(fields)))
    }

    pub(crate) fn and_head(self, status: u16, fields: &[(&str, &str)]) -> Self {
        self.then(Step::Head(status, lines(fields)))
    }

    pub(crate) fn data(self, data: impl Into<Bytes>) -> Self {
        self.then(Step::Data(data.into()))
    }

    pub(crate) fn trailers(self, fields: &[(&str, &str)]) -> Self {
        self.then(Step::Trailers(lines(fields)))
    }

    pub(crate) fn end(self) -> Self {
        self.then(Step::End)
    }

    pub(crate) fn reset(self) -> Self {
        self.then(Step::Reset)
    }

    pub(crate) fn await_content(self, length: usize) -> Self {
        self.then(Step::AwaitContent(length))
    }

    pub(crate) fn await_release(self) -> Self {
        self.then(Step::AwaitRelease)
    }

    pub(crate) fn await_end(self) -> Self {
        self.then(Step::AwaitEnd)
    }

    pub(crate) fn early(mut self) -> Self {
        self.early = true;
        self
    }

    fn then(mut self, step: Step) -> Self {
        self.steps.push(step);
        self
    }
}

fn lines(fields: &[(&str, &str)]) -> Fields {
    fields.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
}
