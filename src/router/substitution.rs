//! Replacing what a regular expression finds: Envoy's `RegexMatchAndSubstitute`.

use regex::bytes::{Captures, Regex as Bytes};

use crate::config::proto::envoy::r#type::matcher::v3::RegexMatchAndSubstitute;
use crate::config::{At, Invalid};
use crate::matcher::compile;

/// An expression, and what every part that it describes is replaced by.
#[derive(Clone, Debug)]
pub struct Substitution {
    pattern: Bytes,
    replacement: Box<[Part]>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Part {
    Text(Box<str>),
    /// What the group of this number holds; group 0 is the whole match.
    Group(usize),
}

// === impl Substitution ===

impl Substitution {
    /// Compiles what the message says.
    ///
    /// # Errors
    /// When the expression is none, or the replacement has a backslash without a group of the expression behind it.
    pub fn build(at: At<'_>, proto: &RegexMatchAndSubstitute) -> Result<Self, Invalid> {
        let pattern = at.required("pattern", proto.pattern.as_ref());
        let pattern = pattern.and_then(|pattern| compile(at.field("pattern"), pattern, |pattern| pattern));
        let parts = parts(&proto.substitution).map_err(|error| at.field("substitution").error(error));
        let (pattern, replacement) = (pattern?, parts?);
        let groups = pattern.captures_len() - 1;
        let highest = replacement.iter().map(|part| if let Part::Group(group) = part { *group } else { 0 }).max();
        match highest.filter(|highest| *highest > groups) {
            Some(group) => Err(at
                .field("substitution")
                .error(format_args!("asks for group {group}: the pattern has {groups} in round brackets"))),
            None => Ok(Self { pattern, replacement: replacement.into() }),
        }
    }

    /// The text with all that is found replaced. None when a character was cut in two on the way.
    #[must_use]
    pub fn apply(&self, text: &str) -> Option<String> {
        let replaced = self.pattern.replace_all(text.as_bytes(), |groups: &Captures<'_>| {
            let mut replacement = Vec::new();
            for part in &self.replacement {
                replacement.extend_from_slice(match part {
                    Part::Text(text) => text.as_bytes(),
                    Part::Group(group) => groups.get(*group).map_or(&b""[..], |group| group.as_bytes()),
                });
            }
            replacement
        });
        String::from_utf8(replaced.into_owned()).ok()
    }
}

/// Divides a replacement: `\1` is a group, `\\` a backslash.
fn parts(replacement: &str) -> Result<Vec<Part>, &'static str> {
    let mut pieces = replacement.split('\\');
    let mut parts = vec![Part::Text(pieces.next().unwrap_or_default().into())];
    while let Some(piece) = pieces.next() {
        match piece.chars().next().map(|first| (first, first.to_digit(10))) {
            Some((_, Some(group))) => {
                parts.push(Part::Group(group as usize));
                parts.push(Part::Text(piece.get(1..).unwrap_or_default().into()));
            }
            // Two backslashes leave an empty piece between them.
            None => {
                let Some(text) = pieces.next() else { return Err(LONE_BACKSLASH) };
                parts.push(Part::Text(format!("\\{text}").into()));
            }
            Some((_, None)) => return Err(LONE_BACKSLASH),
        }
    }
    parts.retain(|part| *part != Part::Text("".into()));
    Ok(parts)
}

const LONE_BACKSLASH: &str = "has a lone backslash: write `\\0` to `\\9` for what was found, `\\\\` for a backslash";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_replacement_is_text_and_groups() {
        let text = |text: &str| Part::Text(text.into());
        assert_eq!(parts(r"/\2/\1"), Ok(vec![text("/"), Part::Group(2), text("/"), Part::Group(1)]));
        assert_eq!(parts(r"a\\1"), Ok(vec![text("a"), text("\\1")]));
        assert_eq!(parts(r"\\\\"), Ok(vec![text("\\"), text("\\")]));
        assert_eq!(parts(r"\\\1"), Ok(vec![text("\\"), Part::Group(1)]));
        assert_eq!(parts(r"\12"), Ok(vec![Part::Group(1), text("2")]));
        assert_eq!(parts(""), Ok(vec![]));
        assert_eq!(parts("$0"), Ok(vec![text("$0")]));
        for lone in [r"\", r"a\x", r"\\\", r"\é"] {
            assert_eq!(parts(lone), Err(LONE_BACKSLASH), "{lone}");
        }
    }
}
