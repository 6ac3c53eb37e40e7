//! What stands in square brackets.

use super::error::{Problem, SyntaxError};
use super::escape::{Escape, escape, push_byte};
use super::pattern::Pattern;

/// A class, behind its opening bracket. Punctuation is written as numbers, for `[`, `&&`, `--` and `~~` mean more inside
/// brackets to the other syntax.
pub(super) fn class(pattern: &mut Pattern<'_>, out: &mut String) -> Result<(), SyntaxError> {
    let start = pattern.position() - 1;
    out.push('[');
    if pattern.accept(b'^') {
        out.push('^');
    }
    let mut first = true;
    while first || pattern.peek() != Some(b']') {
        first = false;
        if named(pattern, out)? {
            continue;
        }
        let item = pattern.position();
        match member(pattern, start)? {
            Escape::Class(class) => out.push_str(&class),
            Escape::Byte(low) => range(pattern, item, low, out)?,
        }
    }
    pattern.skip(1);
    out.push(']');
    Ok(())
}

/// `[:alpha:]` or `[:^alpha:]`.
fn named(pattern: &mut Pattern<'_>, out: &mut String) -> Result<bool, SyntaxError> {
    let Some((name, _)) = pattern.rest().strip_prefix("[:").and_then(|rest| rest.split_once(":]")) else {
        return Ok(false);
    };
    let start = pattern.position();
    pattern.skip(name.len() + 4);
    if !NAMES.contains(&name.strip_prefix('^').unwrap_or(name)) {
        return Err(pattern.error(start, Problem::ClassName));
    }
    out.push_str("[:");
    out.push_str(name);
    out.push_str(":]");
    Ok(true)
}

/// A byte, or the range that begins with it. `item` is where it began.
fn range(pattern: &mut Pattern<'_>, item: usize, low: u8, out: &mut String) -> Result<(), SyntaxError> {
    push_byte(low, out);
    let next = pattern.rest().as_bytes();
    if next.first() != Some(&b'-') || matches!(next.get(1), None | Some(b']')) {
        return Ok(());
    }
    pattern.skip(1);
    let end = pattern.position();
    match member(pattern, item)? {
        Escape::Class(_) => Err(pattern.error(end, Problem::Escape)),
        Escape::Byte(high) if high < low => Err(pattern.error(item, Problem::ClassRange)),
        Escape::Byte(high) => {
            out.push('-');
            push_byte(high, out);
            Ok(())
        }
    }
}

/// One member, `start` being where the class began.
fn member(pattern: &mut Pattern<'_>, start: usize) -> Result<Escape, SyntaxError> {
    match pattern.next() {
        Some(b'\\') => escape(pattern),
        Some(byte) => Ok(Escape::Byte(byte)),
        None => Err(pattern.error(start, Problem::ClassOpen)),
    }
}

/// The classes that have a name, alike in both syntaxes.
const NAMES: [&str; 14] = [
    "alnum", "alpha", "ascii", "blank", "cntrl", "digit", "graph", "lower", "print", "punct", "space", "upper", "word",
    "xdigit",
];
