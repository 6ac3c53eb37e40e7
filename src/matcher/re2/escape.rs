//! What follows a backslash.

use std::fmt::Write as _;

use regex::Regex;

use super::error::{Problem, SyntaxError};
use super::pattern::Pattern;

/// What an escape stands for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Escape {
    Byte(u8),
    /// A class, in brackets of its own or as an escape of both syntaxes.
    Class(String),
}

/// An escape that may stand inside brackets and outside, behind its backslash.
pub(super) fn escape(pattern: &mut Pattern<'_>) -> Result<Escape, SyntaxError> {
    let start = pattern.position() - 1;
    let Some(letter) = pattern.next() else { return Err(pattern.error(start, Problem::TrailingBackslash)) };
    let byte = match letter {
        b'd' | b'D' | b'w' | b'W' => return Ok(Escape::Class(format!("\\{}", char::from(letter)))),
        // Without the vertical tab, which the other syntax counts as a space.
        b's' => return Ok(Escape::Class(r"[\t\n\f\r\x20]".to_owned())),
        b'S' => return Ok(Escape::Class(r"[^\t\n\f\r\x20]".to_owned())),
        b'p' | b'P' => return unicode_class(pattern, start, letter == b'P'),
        b'a' => Some(0x07),
        b'f' => Some(0x0C),
        b'n' => Some(b'\n'),
        b'r' => Some(b'\r'),
        b't' => Some(b'\t'),
        b'v' => Some(0x0B),
        b'x' => hexadecimal(pattern),
        b'0' => octal(pattern, 0),
        // A single digit would refer to a group.
        b'1'..=b'7' if matches!(pattern.peek(), Some(b'0'..=b'7')) => octal(pattern, letter - b'0'),
        _ if letter.is_ascii() && !letter.is_ascii_alphanumeric() => Some(letter),
        _ => None,
    };
    byte.map(Escape::Byte).ok_or_else(|| pattern.error(start, Problem::Escape))
}

/// `\xFF` or `\x{FF}`, behind its `x`. There is no character above 255.
fn hexadecimal(pattern: &mut Pattern<'_>) -> Option<u8> {
    let braced = pattern.accept(b'{');
    let digits = if braced { pattern.rest().split_once('}')?.0 } else { pattern.rest().get(..2)? };
    pattern.skip(digits.len() + usize::from(braced));
    let hexadecimal = digits.bytes().all(|digit| digit.is_ascii_hexdigit());
    u8::from_str_radix(digits, 16).ok().filter(|_| hexadecimal)
}

/// Up to two more octal digits.
fn octal(pattern: &mut Pattern<'_>, first: u8) -> Option<u8> {
    let mut value = u16::from(first);
    for _ in 0..2 {
        let Some(digit @ b'0'..=b'7') = pattern.peek() else { break };
        value = value * 8 + u16::from(digit - b'0');
        pattern.skip(1);
    }
    u8::try_from(value).ok()
}

/// `\pN`, `\p{Greek}`, `\p{^Greek}`, behind the `p`: those of the first 256 characters that belong to it.
fn unicode_class(pattern: &mut Pattern<'_>, start: usize, negated: bool) -> Result<Escape, SyntaxError> {
    let name = match pattern.rest().strip_prefix('{') {
        Some(braced) => braced.split_once('}').map(|(name, _)| (name, name.len() + 2)),
        None => pattern.rest().get(..1).map(|name| (name, 1)),
    };
    let Some((name, length)) = name else { return Err(pattern.error(start, Problem::Escape)) };
    pattern.skip(length);
    let (name, negated) = name.strip_prefix('^').map_or((name, negated), |name| (name, !negated));
    let is_name = !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
    let one = Regex::new(&format!("^\\p{{{name}}}$")).ok().filter(|_| is_name);
    let Some(one) = one else { return Err(pattern.error(start, Problem::ClassName)) };
    let mut buffer = [0; 4];
    let mut class = String::from(if negated { r"[^" } else { r"[" });
    let mut is_empty = true;
    for byte in 0..=u8::MAX {
        if one.is_match(char::from(byte).encode_utf8(&mut buffer)) {
            is_empty = false;
            // Writing to a string does not fail.
            let _ = write!(class, "\\x{byte:02X}");
        }
    }
    class.push(']');
    Ok(Escape::Class(match (is_empty, negated) {
        (false, _) => class,
        (true, false) => NOTHING.to_owned(),
        (true, true) => ANYTHING.to_owned(),
    }))
}

/// The text up to `\E` or the end, behind its `\Q`.
pub(super) fn quoted<'p>(pattern: &mut Pattern<'p>) -> &'p str {
    let rest = pattern.rest();
    let (text, length) = rest.split_once(r"\E").map_or((rest, rest.len()), |(text, _)| (text, text.len() + 2));
    pattern.skip(length);
    text
}

/// Writes a byte so that it stands for itself, inside brackets and outside.
pub(super) fn push_byte(byte: u8, out: &mut String) {
    if byte.is_ascii_alphanumeric() || matches!(byte, b'/' | b'_') {
        out.push(char::from(byte));
    } else {
        // Writing to a string does not fail.
        let _ = write!(out, "\\x{byte:02X}");
    }
}

const NOTHING: &str = r"[^\x00-\xFF]";
const ANYTHING: &str = r"[\x00-\xFF]";
