//! What an event says: its message and its fields, written so that none of it can begin a line or move a cursor.

use std::fmt::{self, Write};

use tracing::Event;
use tracing::field::{Field, Visit};

/// How what an event says is made harmless.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Escape {
    /// Not here: the whole line is escaped later.
    Later,
    /// Control characters as Rust writes them.
    Controls,
    /// As the inside of a JSON string.
    Json,
}

/// Which part of it is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Part {
    /// The message.
    Message,
    /// ` name=value` for each field.
    Fields,
    /// `,"name":"value"` for each field.
    Members,
}

/// Writes one part of what an event says at the end of a line.
pub(super) struct Said<'a> {
    out: Escaped<'a>,
    part: Part,
}

/// Text that is escaped on its way.
struct Escaped<'a> {
    line: &'a mut String,
    escape: Escape,
}

// === impl Said ===

impl<'a> Said<'a> {
    /// Writes `part` of `event` to `line`; `suppressed` lines before it are a field where there are any.
    pub(super) fn write(line: &'a mut String, (part, escape): (Part, Escape), event: &Event<'_>, suppressed: u64) {
        let mut said = Self { out: Escaped { line, escape }, part };
        event.record(&mut said);
        if suppressed > 0 {
            said.add("suppressed", format_args!("{suppressed}"));
        }
    }

    fn add(&mut self, name: &str, value: fmt::Arguments<'_>) {
        let out = &mut self.out;
        // Writing to a string fails only where a value fails to say what it is: then it says less.
        let _ = match (self.part, name == "message") {
            (Part::Message, true) => out.write_fmt(value),
            (Part::Fields, false) => write!(out, " {name}={value}"),
            (Part::Members, false) => {
                out.line.push_str(",\"");
                let written = out.write_str(name);
                out.line.push_str("\":\"");
                let written = written.and_then(|()| out.write_fmt(value));
                out.line.push('"');
                written
            }
            (Part::Message, false) | (Part::Fields | Part::Members, true) => Ok(()),
        };
    }
}

impl Visit for Said<'_> {
    fn record_str(&mut self, field: &Field, value: &str) {
        if self.part == Part::Fields && value.contains([' ', '"']) {
            self.add(field.name(), format_args!("{value:?}"));
        } else {
            self.add(field.name(), format_args!("{value}"));
        }
    }

    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        self.add(field.name(), format_args!("{value:?}"));
    }
}

// === impl Escaped ===

impl Write for Escaped<'_> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        if self.escape == Escape::Later {
            self.line.push_str(text);
            return Ok(());
        }
        text.chars().try_for_each(|letter| self.write_char(letter))
    }

    fn write_char(&mut self, letter: char) -> fmt::Result {
        match (self.escape, letter) {
            // What a peer sent may stand in it: it must not begin a line or move a cursor.
            (Escape::Controls, letter) if letter.is_control() => self.line.extend(letter.escape_default()),
            (Escape::Json, '"' | '\\' | '\n' | '\r' | '\t') => self.line.extend(letter.escape_default()),
            (Escape::Json, letter) if letter.is_control() => write!(self.line, "\\u{:04x}", u32::from(letter))?,
            (_, letter) => self.line.push(letter),
        }
        Ok(())
    }
}
