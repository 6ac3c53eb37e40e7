//! Why a pattern is not a regular expression.

use std::error::Error;
use std::fmt;

/// What RE2 does not take.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::matcher) struct SyntaxError {
    pub(super) problem: Problem,
    pub(super) text: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Problem {
    ClassName,
    ClassOpen,
    ClassRange,
    Escape,
    GroupKind,
    GroupName,
    RepeatedRepetition,
    RepetitionSize,
    TrailingBackslash,
}

impl fmt::Display for SyntaxError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = &self.text;
        match self.problem {
            Problem::ClassName => write!(formatter, "`{text}` is not the name of a class"),
            Problem::ClassOpen => write!(formatter, "`{text}` has no closing `]`"),
            Problem::ClassRange => write!(formatter, "the range `{text}` ends before it begins"),
            Problem::Escape => write!(formatter, "RE2 has no escape `{text}`: write `\\\\` for a backslash"),
            Problem::GroupKind => write!(
                formatter,
                "RE2 has no group of this kind (`{text}`): look-around, references and the flags x and u do not exist"
            ),
            Problem::GroupName => write!(formatter, "`{text}` does not name a group: use letters, digits and `_`"),
            Problem::RepeatedRepetition => {
                write!(formatter, "`{text}` repeats a repetition: put brackets around what is repeated")
            }
            Problem::RepetitionSize => {
                write!(formatter, "`{text}` is not a count: both ends are at most 1000, the smaller comes first")
            }
            Problem::TrailingBackslash => formatter.write_str("the last character is a lone backslash"),
        }
    }
}

impl Error for SyntaxError {}
