//! `%REQ(MAIN?OTHER):LENGTH%`, `%RESP%`, `%TRAILER%`, `%REQ_WITHOUT_QUERY%`.

use super::super::capture::{Captured, Captures, Field, Side, Slot};
use super::super::error::Problem;
use super::super::syntax::Command;
use super::super::value::Value;

/// A header field, or another one where it is missing.
#[derive(Clone, Debug)]
pub(in super::super) struct Header {
    main: Option<Slot>,
    other: Option<Slot>,
    limit: Option<usize>,
    without_query: bool,
}

impl Header {
    pub(super) fn compile(command: &Command<'_>, side: Side, captures: &mut Captures) -> Result<Self, Problem> {
        let argument = command.needed("the name of a header field")?;
        let (main, other) = argument.split_once('?').unwrap_or((argument, ""));
        if other.contains('?') {
            return Err(command.bad(argument, "a field may have one other after a question mark, not two"));
        }
        let mut slot = |name: &str| {
            if name.is_empty() {
                return Ok(None);
            }
            let field =
                Field::parse(side, name).ok_or_else(|| command.bad(name, "it is not the name of a header field"))?;
            Ok(Some(captures.slot(side, field)))
        };
        Ok(Self { main: slot(main)?, other: slot(other)?, limit: command.length, without_query: false })
    }

    pub(super) fn without_query(self) -> Self {
        Self { without_query: true, ..self }
    }

    /// The first value of the field.
    pub(super) fn answer<'a>(&self, captured: &'a Captured) -> Value<'a> {
        let of = |slot: Option<Slot>| captured.value(slot?);
        let Some(value) = of(self.main).or_else(|| of(self.other)) else { return Value::Absent };
        let bytes = value.as_bytes();
        let kept = if self.without_query { bytes.split(|byte| *byte == b'?').next().unwrap_or(bytes) } else { bytes };
        Value::Bytes(kept).cut(self.limit)
    }
}
