//! One line: what each flag says of one event.

use std::fmt::Write as _;

use jiff::Zoned;
use rustix::thread::gettid;
use tracing::{Event, Metadata};

use super::super::level::{Level, component};
use super::flag::Flag;
use super::said::{Escape, Part as Of, Said};
use super::{Part, Pattern};

/// An event, and what there is to know of it beside what it says.
#[derive(Debug)]
pub(in super::super) struct Entry<'a> {
    /// The event.
    pub event: &'a Event<'a>,
    /// When it happened.
    pub time: &'a Zoned,
    /// How many like it were not written.
    pub suppressed: u64,
    /// Whether colours are seen.
    pub colours: bool,
}

// === impl Pattern ===

impl Pattern {
    /// The line of this entry, with its end.
    pub(in super::super) fn line(&self, entry: &Entry<'_>) -> String {
        let mut line = String::with_capacity(USUAL);
        let (mut coloured, colours) = (false, entry.colours && !self.escaped);
        for part in &self.parts {
            match part {
                Part::Text(text) => line.push_str(text),
                Part::Flag(Flag::ColourOn, _) if colours => {
                    line.push_str(colour(entry.level()));
                    coloured = true;
                }
                Part::Flag(Flag::ColourOn, _) => {}
                Part::Flag(Flag::ColourOff, _) => end_colour(&mut line, &mut coloured),
                Part::Flag(flag, width) => {
                    let start = line.len();
                    entry.write(flag, self.escaped, &mut line);
                    if let Some(width) = width {
                        width.fit(&mut line, start);
                    }
                }
            }
        }
        end_colour(&mut line, &mut coloured);
        if self.escaped {
            line = as_c_string(&line);
        }
        line.push('\n');
        line
    }
}

// === impl Entry ===

impl Entry<'_> {
    fn level(&self) -> Level {
        Level::of(*self.metadata().level())
    }

    fn metadata(&self) -> &'static Metadata<'static> {
        self.event.metadata()
    }

    /// Writes what `flag` stands for; `escaped` where the whole line is escaped later.
    fn write(&self, flag: &Flag, escaped: bool, line: &mut String) {
        let plain = if escaped { Escape::Later } else { Escape::Controls };
        match flag {
            Flag::Said => self.say(line, &[Of::Message, Of::Fields], plain),
            Flag::SaidAsJson => self.say(line, &[Of::Message, Of::Fields], Escape::Json),
            Flag::MessageAsJson => self.say(line, &[Of::Message], Escape::Json),
            Flag::FieldsAsJson => self.say(line, &[Of::Members], Escape::Json),
            Flag::Level => line.push_str(self.level().name()),
            Flag::ShortLevel => line.push(self.level().letter()),
            Flag::Component => line.push_str(component(self.metadata().target())),
            Flag::Path => line.push_str(self.path()),
            Flag::File => line.push_str(self.path().rsplit(['/', '\\']).next().unwrap_or_default()),
            Flag::Module => line.push_str(self.metadata().module_path().unwrap_or_default()),
            Flag::ColourOn | Flag::ColourOff => {}
            Flag::Line | Flag::PathAndLine | Flag::Time(_) | Flag::Elapsed(_) | Flag::Thread | Flag::Process => {
                // Writing to a string does not fail, and each of these has a text.
                let _ = self.number(flag, line);
            }
        }
    }

    /// Writes what stands in digits.
    fn number(&self, flag: &Flag, line: &mut String) -> std::fmt::Result {
        match (flag, self.metadata().line()) {
            (Flag::Time(shape), _) => write!(line, "{}", self.time.strftime(shape)),
            (Flag::Elapsed(elapsed), _) => write!(line, "{}", elapsed.until(self.time)),
            (Flag::Thread, _) => write!(line, "{}", gettid().as_raw_nonzero()),
            (Flag::Process, _) => write!(line, "{}", std::process::id()),
            (Flag::Line, Some(number)) => write!(line, "{number}"),
            (Flag::PathAndLine, Some(number)) => write!(line, "{}:{number}", self.path()),
            _ => Ok(()),
        }
    }

    fn say(&self, line: &mut String, parts: &[Of], escape: Escape) {
        for part in parts {
            Said::write(line, (*part, escape), self.event, self.suppressed);
        }
    }

    fn path(&self) -> &'static str {
        self.metadata().file().unwrap_or_default()
    }
}

fn end_colour(line: &mut String, coloured: &mut bool) {
    if std::mem::take(coloured) {
        line.push_str("\x1b[0m");
    }
}

fn colour(level: Level) -> &'static str {
    match level {
        Level::Trace | Level::Debug => "\x1b[2m",
        Level::Info => "\x1b[32m",
        Level::Warning => "\x1b[33m",
        Level::Error | Level::Critical | Level::Off => "\x1b[31m",
    }
}

/// The line as it would stand in a C string: what is no printable ASCII in octal, as Envoy writes it.
fn as_c_string(line: &str) -> String {
    let mut escaped = String::with_capacity(line.len() + ROOM_TO_ESCAPE);
    for byte in line.bytes() {
        match byte {
            b'"' | b'\'' | b'\\' | b'\n' | b'\r' | b'\t' => escaped.extend(byte.escape_ascii().map(char::from)),
            b' '..=b'~' => escaped.push(char::from(byte)),
            _ => {
                // Writing to a string does not fail.
                let _ = write!(escaped, "\\{byte:03o}");
            }
        }
    }
    escaped
}

/// Bytes that most lines do not exceed.
const USUAL: usize = 256;

/// Bytes that escaping adds to most lines at most.
const ROOM_TO_ESCAPE: usize = 64;
