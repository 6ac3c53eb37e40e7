//! What can stand after a `%`: spdlog's flags, and those that Envoy adds to them.

use std::sync::atomic::{AtomicI64, Ordering::Relaxed};

use jiff::{Timestamp, Zoned};

/// What a letter stands for.
#[derive(Debug)]
pub(super) enum Flag {
    /// The time, in the syntax of strftime.
    Time(&'static str),
    /// The time since the line before.
    Elapsed(Elapsed),
    /// The level.
    Level,
    /// Its first letter.
    ShortLevel,
    /// The component: Envoy's logger.
    Component,
    /// The message and its fields.
    Said,
    /// The same as the inside of a JSON string.
    SaidAsJson,
    /// The message without its fields, as the inside of a JSON string.
    MessageAsJson,
    /// The fields, as members of a JSON object, each after a comma.
    FieldsAsJson,
    /// The thread's number.
    Thread,
    /// The process's number.
    Process,
    /// The path of the source file.
    Path,
    /// The name of the source file.
    File,
    /// The line in it.
    Line,
    /// Both.
    PathAndLine,
    /// The module. Which function it was is not known.
    Module,
    /// Here the colour of the level begins.
    ColourOn,
    /// Here it ends.
    ColourOff,
}

/// The time since the line before, in whole units.
#[derive(Debug)]
pub(super) struct Elapsed {
    /// The unit, in nanoseconds.
    unit: i64,
    /// When the last line was, in nanoseconds since 1970.
    last: AtomicI64,
}

// === impl Flag ===

impl Flag {
    /// The flag of this letter.
    pub(super) fn of(letter: char) -> Option<Self> {
        Some(match letter {
            'v' | '_' => Self::Said,
            'j' => Self::SaidAsJson,
            '+' => Self::MessageAsJson,
            '*' => Self::FieldsAsJson,
            'l' => Self::Level,
            'L' => Self::ShortLevel,
            'n' => Self::Component,
            't' => Self::Thread,
            'P' => Self::Process,
            'g' => Self::Path,
            's' => Self::File,
            '#' => Self::Line,
            '@' => Self::PathAndLine,
            '!' => Self::Module,
            '^' => Self::ColourOn,
            '$' => Self::ColourOff,
            'O' => Self::Elapsed(Elapsed::new(1_000_000_000)),
            'o' => Self::Elapsed(Elapsed::new(1_000_000)),
            'i' => Self::Elapsed(Elapsed::new(1_000)),
            'u' => Self::Elapsed(Elapsed::new(1)),
            _ => Self::Time(time(letter)?),
        })
    }
}

// === impl Elapsed ===

impl Elapsed {
    /// The first line counts from here.
    fn new(unit: i64) -> Self {
        Self { unit, last: AtomicI64::new(nanoseconds(Timestamp::now())) }
    }

    /// How much there is between the line before and one written `now`. Nothing where the clock was set back.
    pub(super) fn until(&self, now: &Zoned) -> i64 {
        let now = nanoseconds(now.timestamp());
        now.saturating_sub(self.last.swap(now, Relaxed)).max(0) / self.unit
    }
}

fn nanoseconds(time: Timestamp) -> i64 {
    i64::try_from(time.as_nanosecond()).unwrap_or(i64::MAX)
}

/// What the letter of a date or time means, in the syntax of strftime.
fn time(letter: char) -> Option<&'static str> {
    Some(match letter {
        'Y' => "%Y",
        'C' => "%y",
        'm' => "%m",
        'd' => "%d",
        'H' => "%H",
        'I' => "%I",
        'M' => "%M",
        'S' => "%S",
        'e' => "%3f",
        'f' => "%6f",
        'F' => "%9f",
        'p' => "%p",
        'r' => "%I:%M:%S %p",
        'R' => "%H:%M",
        'T' | 'X' => "%H:%M:%S",
        'D' | 'x' => "%m/%d/%y",
        'c' => "%a %b %-d %H:%M:%S %Y",
        'a' => "%a",
        'A' => "%A",
        'b' | 'h' => "%b",
        'B' => "%B",
        'z' => "%:z",
        'E' => "%s",
        _ => return None,
    })
}

/// Every letter, in the order in which a person is told.
pub(super) const FLAGS: &str = "v_j+*lLntPgs#@!YCmdHIMSefFprRTXDxcaAbhBzEOoiu^$";
