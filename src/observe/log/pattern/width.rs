//! The width of a flag: `%8l` sets to the right, `%-8l` to the left, `%=8l` in the middle; `%8!l` cuts what is longer.

use super::Letters;

/// How much room a flag has, in characters.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Width {
    side: Side,
    columns: usize,
    /// Whether what is longer is cut at its end.
    cut: bool,
}

/// Where a short text stands in its room.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Side {
    Left,
    Right,
    Middle,
}

impl Width {
    /// Reads what may stand between `%` and the letter; what was read is added to `begun`. A side without a number says
    /// nothing, as in spdlog.
    pub(super) fn read(letters: &mut Letters<'_>, begun: &mut String) -> Option<Self> {
        let side = match letters.next_if(|letter| matches!(letter, '-' | '=')) {
            Some(sign) => {
                begun.push(sign);
                if sign == '-' { Side::Left } else { Side::Middle }
            }
            None => Side::Right,
        };
        let mut columns = None;
        while let Some(digit) = letters.peek().and_then(|letter| letter.to_digit(10)) {
            begun.extend(letters.next());
            let read = columns.unwrap_or(0) * 10 + digit as usize;
            columns = Some(read.min(MOST));
        }
        let columns = columns?;
        let cut = letters.next_if_eq(&'!');
        begun.extend(cut);
        Some(Self { side, columns, cut: cut.is_some() })
    }

    /// Fits what stands in `line` from `start` on into the room.
    pub(super) fn fit(self, line: &mut String, start: usize) {
        let written = line.get(start..).unwrap_or_default();
        let length = written.chars().count();
        let missing = self.columns.saturating_sub(length);
        if length > self.columns {
            let end = written.char_indices().nth(self.columns).map(|(end, _)| start + end);
            if let Some(end) = end.filter(|_| self.cut) {
                line.truncate(end);
            }
            return;
        }
        let before = match self.side {
            Side::Left => 0,
            Side::Right => missing,
            Side::Middle => missing / 2,
        };
        line.insert_str(start, blanks(before));
        line.push_str(blanks(missing - before));
    }
}

fn blanks(count: usize) -> &'static str {
    BLANKS.get(..count).unwrap_or(BLANKS)
}

/// The widest room: spdlog's.
const MOST: usize = 64;

const BLANKS: &str = "                                                                ";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn there_are_blanks_for_the_widest_room() {
        assert_eq!(BLANKS.len(), MOST);
    }
}
