//! `--log-format`: the shape of a line, in spdlog's pattern syntax as Envoy takes it.
//!
//! `server` compiles the text once; `line` asks for a line of each event. [`flag`] holds what can stand after a `%`,
//! [`entry`] writes it, [`said`] writes the message and its fields so that nothing in them reaches a terminal raw.

mod entry;
mod flag;
mod said;
mod width;

use std::fmt;
use std::iter::Peekable;
use std::str::{Chars, FromStr};

use self::flag::{FLAGS, Flag};
use self::width::Width;

pub(super) use self::entry::Entry;

/// The shape of a line, compiled.
#[derive(Debug)]
pub struct Pattern {
    parts: Vec<Part>,
    /// Whether the whole line is escaped as a C string (`--log-format-escaped`).
    escaped: bool,
}

/// A pattern that is none.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PatternError {
    /// No flag has this letter.
    UnknownFlag(char),
    /// The text ends where a flag had begun, with this.
    Unfinished(String),
}

/// A stretch of a line.
#[derive(Debug)]
enum Part {
    /// Text that stands in every line.
    Text(String),
    /// What a flag stands for, fitted into a width where one is given.
    Flag(Flag, Option<Width>),
}

// === impl Pattern ===

impl Pattern {
    /// How a line looks where nothing else is asked for.
    pub const DEFAULT: &str = "[%Y-%m-%d %T.%e][%^%l%$][%n] %v";

    /// With the whole line escaped as a C string, as Envoy's `--log-format-escaped`, or not.
    #[must_use]
    pub fn escaped(self, escaped: bool) -> Self {
        Self { escaped, ..self }
    }
}

impl FromStr for Pattern {
    type Err = PatternError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let (mut parts, mut plain) = (Vec::new(), String::new());
        let mut letters = text.chars().peekable();
        while let Some(letter) = letters.next() {
            if letter != '%' {
                plain.push(letter);
                continue;
            }
            let mut begun = String::from('%');
            let width = Width::read(&mut letters, &mut begun);
            let letter = letters.next().ok_or(PatternError::Unfinished(begun))?;
            // Of no length or only a sign: a width means nothing, as in spdlog.
            if letter == '%' {
                plain.push('%');
                continue;
            }
            let flag = Flag::of(letter).ok_or(PatternError::UnknownFlag(letter))?;
            if !plain.is_empty() {
                parts.push(Part::Text(std::mem::take(&mut plain)));
            }
            parts.push(Part::Flag(flag, width));
        }
        if !plain.is_empty() {
            parts.push(Part::Text(plain));
        }
        Ok(Self { parts, escaped: false })
    }
}

// === impl PatternError ===

impl fmt::Display for PatternError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::UnknownFlag(letter) => {
                write!(f, "there is no flag '%{}'; there are %%", letter.escape_debug())?;
                FLAGS.chars().try_for_each(|known| write!(f, " %{known}"))?;
                f.write_str(", and a width before the letter, as %-8l; write %% for a percent sign")
            }
            Self::Unfinished(begun) => {
                write!(f, "it ends in the middle of a flag, with '{begun}'; write %% for a percent sign")
            }
        }
    }
}

impl std::error::Error for PatternError {}

/// The letters of a pattern that are still to be read.
type Letters<'a> = Peekable<Chars<'a>>;

#[cfg(test)]
mod tests;
