//! Times as `%START_TIME(...)%` prints them: strftime, with seconds since 1970 (`%s`) and fractions (`%3f`).
//!
//! A format is taken apart when it is built; a specifier that does not exist is refused then.

use std::io::Write as _;
use std::time::SystemTime;

use jiff::tz::TimeZone;
use jiff::{Timestamp, Zoned};

/// A compiled time format.
#[derive(Clone, Debug)]
pub(super) struct TimeFormat {
    items: Vec<Item>,
    zone: TimeZone,
}

/// A specifier that does not exist: `%Q`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct UnknownSpecifier;

#[derive(Clone, Debug)]
enum Item {
    Literal(String),
    Field(Field),
}

#[derive(Clone, Copy, Debug)]
struct Field {
    what: What,
    pad: Option<Pad>,
    upper: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Pad {
    None,
    Space,
    Zero,
}

#[derive(Clone, Copy, Debug)]
enum What {
    /// A specifier of strftime that stands for one thing.
    Letter(char),
    /// So many digits of the second's fraction.
    Fraction(usize),
    /// The fraction without the zeros at its end.
    ShortFraction,
    /// The offset from UTC with so many colons.
    Offset(usize),
}

// === impl TimeFormat ===

impl TimeFormat {
    /// Compiles `pattern`.
    pub(super) fn parse(pattern: &str, zone: TimeZone) -> Result<Self, UnknownSpecifier> {
        let mut items = Vec::new();
        parse_into(pattern, &mut items)?;
        Ok(Self { items, zone })
    }

    /// Writes `time`.
    pub(super) fn write(&self, time: SystemTime, out: &mut Vec<u8>) {
        let time = Timestamp::try_from(time).unwrap_or_default().to_zoned(self.zone.clone());
        for item in &self.items {
            match item {
                Item::Literal(text) => out.extend_from_slice(text.as_bytes()),
                Item::Field(field) => field.write(&time, out),
            }
        }
    }
}

fn parse_into(pattern: &str, items: &mut Vec<Item>) -> Result<(), UnknownSpecifier> {
    let mut rest = pattern;
    while let Some((literal, after)) = rest.split_once('%') {
        if !literal.is_empty() {
            items.push(Item::Literal(literal.to_owned()));
        }
        rest = specifier(after, items)?;
    }
    if !rest.is_empty() {
        items.push(Item::Literal(rest.to_owned()));
    }
    Ok(())
}

/// Reads one specifier behind its `%`, and answers what follows.
fn specifier<'a>(text: &'a str, items: &mut Vec<Item>) -> Result<&'a str, UnknownSpecifier> {
    let mut field = Field { what: What::Letter('%'), pad: None, upper: false };
    let flags = text.find(|flag| !"-_0^".contains(flag)).unwrap_or(text.len());
    let (flags, text) = text.split_at(flags);
    for flag in flags.chars() {
        match flag {
            '-' => field.pad = Some(Pad::None),
            '_' => field.pad = Some(Pad::Space),
            '0' => field.pad = Some(Pad::Zero),
            _ => field.upper = true,
        }
    }
    if let Some((what, rest)) = SPECIAL.iter().find_map(|(word, what)| Some((*what, text.strip_prefix(word)?))) {
        items.push(Item::Field(Field { what, ..field }));
        return Ok(rest);
    }
    if let Some((parts, rest)) = COMPOSITE.iter().find_map(|(word, parts)| Some((*parts, text.strip_prefix(word)?))) {
        parse_into(parts, items)?;
        return Ok(rest);
    }
    let mut letters = text.chars();
    let digit = letters.next().and_then(|letter| letter.to_digit(10));
    if let (Some(digits @ 1..=9), Some(rest)) = (digit, letters.as_str().strip_prefix('f')) {
        items.push(Item::Field(Field { what: What::Fraction(digits as usize), ..field }));
        return Ok(rest);
    }
    // Envoy prints what it does not know as it is written; here that is taken for the slip it is.
    let mut letters = text.chars();
    let letter = letters.next().filter(|letter| LETTERS.contains(*letter)).ok_or(UnknownSpecifier)?;
    items.push(Item::Field(Field { what: What::Letter(letter), ..field }));
    Ok(letters.as_str())
}

// === impl Field ===

impl Field {
    fn write(self, time: &Zoned, out: &mut Vec<u8>) {
        match self.what {
            What::Letter(letter) => self.letter(letter, time, out),
            What::Fraction(digits) => {
                let nanoseconds = format!("{:09}", time.subsec_nanosecond());
                out.extend(nanoseconds.bytes().take(digits));
            }
            What::ShortFraction => {
                let nanoseconds = format!("{:09}", time.subsec_nanosecond());
                let short = nanoseconds.trim_end_matches('0');
                out.extend_from_slice(if short.is_empty() { "0" } else { short }.as_bytes());
            }
            What::Offset(colons) => offset(time.offset().seconds(), colons, out),
        }
    }

    fn letter(self, letter: char, time: &Zoned, out: &mut Vec<u8>) {
        let (hour, half) = (i64::from(time.hour()), i64::from(time.hour() + 11) % 12 + 1);
        let weekday = i64::from(time.weekday().to_monday_zero_offset());
        let day = i64::from(time.day_of_year()) - 1;
        match letter {
            'Y' => self.number(time.year().into(), 1, Pad::Zero, out),
            'C' => self.number(i64::from(time.year()).div_euclid(100), 2, Pad::Zero, out),
            'y' => self.number(i64::from(time.year()).rem_euclid(100), 2, Pad::Zero, out),
            'G' => self.number(time.date().iso_week_date().year().into(), 1, Pad::Zero, out),
            'g' => self.number(i64::from(time.date().iso_week_date().year()).rem_euclid(100), 2, Pad::Zero, out),
            'V' => self.number(time.date().iso_week_date().week().into(), 2, Pad::Zero, out),
            'm' => self.number(time.month().into(), 2, Pad::Zero, out),
            'd' => self.number(time.day().into(), 2, Pad::Zero, out),
            'e' => self.number(time.day().into(), 2, Pad::Space, out),
            'j' => self.number(day + 1, 3, Pad::Zero, out),
            'H' => self.number(hour, 2, Pad::Zero, out),
            'k' => self.number(hour, 2, Pad::Space, out),
            'I' => self.number(half, 2, Pad::Zero, out),
            'l' => self.number(half, 2, Pad::Space, out),
            'M' => self.number(time.minute().into(), 2, Pad::Zero, out),
            'S' => self.number(time.second().into(), 2, Pad::Zero, out),
            's' => self.number(time.timestamp().as_second(), 1, Pad::Zero, out),
            'u' => self.number(weekday + 1, 1, Pad::Zero, out),
            'w' => self.number((weekday + 1) % 7, 1, Pad::Zero, out),
            'U' => self.number((day + 7 - (weekday + 1) % 7) / 7, 2, Pad::Zero, out),
            'W' => self.number((day + 7 - weekday) / 7, 2, Pad::Zero, out),
            'a' => self.name(short(nth(&WEEKDAYS, weekday)), out),
            'A' => self.name(nth(&WEEKDAYS, weekday), out),
            'b' | 'h' => self.name(short(nth(&MONTHS, i64::from(time.month()) - 1)), out),
            'B' => self.name(nth(&MONTHS, i64::from(time.month()) - 1), out),
            'p' => self.name(if hour < 12 { "AM" } else { "PM" }, out),
            'P' => self.name(if hour < 12 { "am" } else { "pm" }, out),
            'Z' => self.name(time.time_zone().to_offset_info(time.timestamp()).abbreviation(), out),
            'f' => Self { what: What::Fraction(9), ..self }.write(time, out),
            'z' => Self { what: What::Offset(0), ..self }.write(time, out),
            't' => out.push(b'\t'),
            other => self.name(other.encode_utf8(&mut [0; 4]), out),
        }
    }

    fn number(self, number: i64, width: usize, pad: Pad, out: &mut Vec<u8>) {
        // Writing into memory does not fail.
        let _ = match self.pad.unwrap_or(pad) {
            Pad::None => write!(out, "{number}"),
            Pad::Space => write!(out, "{number:width$}"),
            Pad::Zero => write!(out, "{number:0width$}"),
        };
    }

    fn name(self, name: &str, out: &mut Vec<u8>) {
        out.extend(name.bytes().map(|letter| if self.upper { letter.to_ascii_uppercase() } else { letter }));
    }
}

fn nth(names: &[&'static str], index: i64) -> &'static str {
    usize::try_from(index).ok().and_then(|index| names.get(index)).copied().unwrap_or("")
}

fn short(name: &str) -> &str {
    name.get(..3).unwrap_or(name)
}

/// `+0130`, `+01:30`, `+01:30:00`.
fn offset(seconds: i32, colons: usize, out: &mut Vec<u8>) {
    let sign = if seconds < 0 { '-' } else { '+' };
    let seconds = seconds.unsigned_abs();
    let (hours, minutes) = (seconds / 3600, seconds / 60 % 60);
    let _ = match colons {
        0 => write!(out, "{sign}{hours:02}{minutes:02}"),
        1 => write!(out, "{sign}{hours:02}:{minutes:02}"),
        _ => write!(out, "{sign}{hours:02}:{minutes:02}:{:02}", seconds % 60),
    };
}

/// The form of `%START_TIME%` without an argument.
pub(super) const UTC_DEFAULT: &str = "%Y-%m-%dT%H:%M:%E3SZ";

/// The form of `%START_TIME_LOCAL%` without an argument.
pub(super) const LOCAL_DEFAULT: &str = "%Y-%m-%dT%H:%M:%E3S%z";

/// The specifiers that are one letter. `%n` is not among them: a line is one line.
const LETTERS: &str = "%AabBhCdegGHIjklmMpPsSfuUVWwyYzZt";

/// Specifiers of more than one letter.
const SPECIAL: &[(&str, What)] = &[
    ("E4Y", What::Letter('Y')),
    ("EY", What::Letter('Y')),
    ("E*z", What::Offset(2)),
    ("Ez", What::Offset(1)),
    ("::z", What::Offset(2)),
    (":z", What::Offset(1)),
    ("E*f", What::ShortFraction),
    ("E1f", What::Fraction(1)),
    ("E3f", What::Fraction(3)),
    ("E6f", What::Fraction(6)),
    ("E9f", What::Fraction(9)),
];

/// Specifiers that stand for several.
const COMPOSITE: &[(&str, &str)] = &[
    ("E*S", "%S.%E*f"),
    ("E3S", "%S.%3f"),
    ("E6S", "%S.%6f"),
    ("E9S", "%S.%9f"),
    ("ET", "T"),
    ("D", "%m/%d/%y"),
    ("x", "%m/%d/%y"),
    ("F", "%Y-%m-%d"),
    ("T", "%H:%M:%S"),
    ("X", "%H:%M:%S"),
    ("R", "%H:%M"),
    ("r", "%I:%M:%S %p"),
    ("c", "%a %b %e %H:%M:%S %Y"),
];

const WEEKDAYS: [&str; 7] = ["Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"];

const MONTHS: [&str; 12] = [
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
];

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use proptest::prelude::*;

    use super::*;

    fn written(pattern: &str, zone: TimeZone) -> String {
        // 2026-11-21T09:11:48.24457Z, a Saturday.
        let time = SystemTime::UNIX_EPOCH + Duration::new(1_795_252_308, 244_570_000);
        let mut out = Vec::new();
        TimeFormat::parse(pattern, zone).unwrap().write(time, &mut out);
        String::from_utf8(out).unwrap()
    }

    fn new_york() -> TimeZone {
        TimeZone::posix("EST5EDT,M3.2.0,M11.1.0").unwrap()
    }

    /// Each as Envoy 1.40 printed it for the same moment.
    #[test]
    fn specifiers_are_envoys() {
        let facts = "a Sat|A Saturday|b Nov|B November|c Sat Nov 21 09:11:48 2026|C 20|d 21|D 11/21/26|e 21|f 244570000|\
            F 2026-11-21|g 26|G 2026|h Nov|H 09|I 09|j 325|k  9|l  9|m 11|M 11|p AM|P am|r 09:11:48 AM|R 09:11|\
            s 1795252308|S 48|t \t|T 09:11:48|u 6|U 46|V 47|w 6|W 46|x 11/21/26|X 09:11:48|y 26|Y 2026|z +0000|Z UTC|% %|\
            1f 2|2f 24|3f 244|5f 24457|6f 244570|9f 244570000|E3S 48.244|E*S 48.24457|E3f 244|E*f 24457|Ez +00:00|\
            E*z +00:00:00|E4Y 2026|EY 2026|ET T|:z +00:00|::z +00:00:00|-d 21|_d 21|^a SAT|-H 9|_H  9";
        for fact in facts.split('|') {
            let (specifier, expected) = fact.split_once(' ').unwrap();
            assert_eq!(written(&format!("%{specifier}"), TimeZone::UTC), expected, "%{specifier}");
        }
    }

    #[test]
    fn local_time_is_envoys() {
        assert_eq!(
            written("%H %I %c %z %Z %Ez %s", new_york()),
            "04 04 Sat Nov 21 04:11:48 2026 -0500 EST -05:00 1795252308"
        );
        assert_eq!(written("%s.%3f %%s", TimeZone::UTC), "1795252308.244 %s");
    }

    #[test]
    fn the_default_form_is_envoys() {
        assert_eq!(written(UTC_DEFAULT, TimeZone::UTC), "2026-11-21T09:11:48.244Z");
        assert_eq!(written(LOCAL_DEFAULT, new_york()), "2026-11-21T04:11:48.244-0500");
    }

    #[test]
    fn what_does_not_exist_is_refused() {
        for pattern in ["%Q", "%", "a%", "%12f", "%n", "%E", "%é"] {
            assert_eq!(TimeFormat::parse(pattern, TimeZone::UTC).err(), Some(UnknownSpecifier), "{pattern}");
        }
    }

    proptest! {
        #[test]
        fn any_pattern_is_written_or_refused(pattern in "(%|[a-zA-Z0-9:*^_ -]|\\PC){0,24}", seconds in 0_u64..1 << 40) {
            if let Ok(format) = TimeFormat::parse(&pattern, new_york()) {
                format.write(SystemTime::UNIX_EPOCH + Duration::from_secs(seconds), &mut Vec::new());
            }
        }
    }
}
