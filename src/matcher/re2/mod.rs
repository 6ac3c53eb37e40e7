//! Regular expressions as Envoy reads them: the syntax of RE2, over bytes.
//!
//! Envoy compiles every `safe_regex` with RE2 in its Latin-1 mode: a byte is a character, `\d \w \s \b` and folding of
//! case are ASCII. The `regex` crate without Unicode matches in the same way, and neither backtracks, but they read a
//! few spellings differently; [`translate`] turns the one syntax into the other and refuses what RE2 refuses. Group
//! names are dropped: nothing refers to them.

mod class;
mod error;
mod escape;
mod pattern;

use class::class;
use error::Problem;
use escape::{Escape, escape, push_byte, quoted};
use pattern::Pattern;

pub(super) use error::SyntaxError;

/// The same expression for a `regex::bytes::RegexBuilder` with `unicode(false)`.
///
/// # Errors
/// [`SyntaxError`] when RE2 does not take it. Unbalanced groups are left to the `regex` crate.
pub(super) fn translate(re2: &str) -> Result<String, SyntaxError> {
    let mut pattern = Pattern::new(re2);
    let mut out = String::with_capacity(re2.len());
    // Whether the last item was a repetition, which may not be repeated in turn.
    let mut repeated = false;
    while let Some(byte) = pattern.next() {
        let start = pattern.position() - 1;
        let repeats = match byte {
            b'*' | b'+' | b'?' => Some(char::from(byte).to_string()),
            b'{' => counted(&mut pattern, start)?,
            _ => None,
        };
        if let Some(operator) = repeats {
            out.push_str(&operator);
            if pattern.accept(b'?') {
                out.push('?');
            }
            if repeated {
                return Err(pattern.error(start, Problem::RepeatedRepetition));
            }
            repeated = true;
            continue;
        }
        repeated = false;
        match byte {
            b'\\' => escaped(&mut pattern, &mut out)?,
            b'[' => class(&mut pattern, &mut out)?,
            b'(' => group(&mut pattern, &mut out)?,
            b'.' | b'^' | b'$' | b'|' | b')' => out.push(char::from(byte)),
            literal => push_byte(literal, &mut out),
        }
    }
    Ok(out)
}

/// A pattern that matches a text and nothing else.
pub(super) fn quote(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    text.bytes().for_each(|byte| push_byte(byte, &mut out));
    out
}

/// `{2}`, `{2,}` or `{2,3}` behind its brace. Anything else is a brace that stands for itself.
fn counted(pattern: &mut Pattern<'_>, start: usize) -> Result<Option<String>, SyntaxError> {
    let Some(inside) = pattern.rest().split('}').next().filter(|inside| inside.len() < pattern.rest().len()) else {
        return Ok(None);
    };
    let number = |digits: &str| {
        let plain = digits.bytes().all(|byte| byte.is_ascii_digit()) && (digits == "0" || !digits.starts_with('0'));
        (plain && !digits.is_empty()).then(|| digits.parse().unwrap_or(u32::MAX))
    };
    let (least, most) = match inside.split_once(',') {
        None => (number(inside), number(inside)),
        Some((least, "")) => (number(least), Some(0)),
        Some((least, most)) => (number(least), number(most)),
    };
    let (Some(least), Some(most)) = (least, most) else { return Ok(None) };
    let open_ended = inside.ends_with(',');
    let operator = format!("{{{inside}}}");
    pattern.skip(inside.len() + 1);
    if least > MAX_REPETITIONS || most > MAX_REPETITIONS || (!open_ended && most < least) {
        return Err(pattern.error(start, Problem::RepetitionSize));
    }
    Ok(Some(operator))
}

/// What follows a backslash outside brackets.
fn escaped(pattern: &mut Pattern<'_>, out: &mut String) -> Result<(), SyntaxError> {
    if pattern.accept(b'Q') {
        out.push_str(&quote(quoted(pattern)));
        return Ok(());
    }
    match pattern.rest().as_bytes().first() {
        Some(b'A') => out.push_str(r"\A"),
        Some(b'z') => out.push_str(r"\z"),
        // In a group, for `\b{` means something else to the other syntax.
        Some(b'b') => out.push_str(r"(?:\b)"),
        Some(b'B') => out.push_str(r"(?:\B)"),
        Some(b'C') => out.push_str("(?s:.)"),
        _ => {
            match escape(pattern)? {
                Escape::Byte(byte) => push_byte(byte, out),
                Escape::Class(class) => out.push_str(&class),
            }
            return Ok(());
        }
    }
    pattern.skip(1);
    Ok(())
}

/// What follows an opening bracket: a name or flags, if any.
fn group(pattern: &mut Pattern<'_>, out: &mut String) -> Result<(), SyntaxError> {
    let start = pattern.position() - 1;
    out.push('(');
    let Some(rest) = pattern.rest().strip_prefix('?') else { return Ok(()) };
    if let Some(named) = rest.strip_prefix("P<").or_else(|| rest.strip_prefix('<')) {
        let name = named.split('>').next().filter(|name| name.len() < named.len());
        let is_word =
            |name: &&str| !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
        let Some(name) = name.filter(is_word) else { return Err(pattern.error(start, Problem::GroupName)) };
        pattern.skip(pattern.rest().len() - named.len() + name.len() + 1);
        return Ok(());
    }
    let flags = rest.find([':', ')']).and_then(|end| rest.get(..=end)).unwrap_or(rest);
    let (known, end) = flags.split_at_checked(flags.len().saturating_sub(1)).unwrap_or_default();
    pattern.skip(1 + flags.len());
    if !matches!(end, ":" | ")") || !known.bytes().all(|flag| b"imsU-".contains(&flag)) {
        return Err(pattern.error(start, Problem::GroupKind));
    }
    out.push('?');
    out.push_str(flags);
    Ok(())
}

/// How often RE2 lets a part be counted.
const MAX_REPETITIONS: u32 = 1000;

#[cfg(test)]
mod tests;
