//! The path of a site: what requests go to its backends.

use std::fmt;

/// A path, `/` for all; else without a slash at its end.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct SitePath(String);

/// Why a text is no path of a site.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PathError {
    /// A query or a fragment begins in it.
    Query,
    /// It holds a character that stands percent-encoded in a path, or nowhere.
    Character(char),
    /// A `%` is not followed by two hexadecimal digits.
    Percent,
    /// Two slashes follow each other.
    EmptySegment,
    /// A segment is `.` or `..`.
    DotSegment,
}

// === impl SitePath ===

impl SitePath {
    /// The path that follows a name: with its slash, or empty.
    ///
    /// # Errors
    /// [`PathError`] where no request could have such a path.
    pub(super) fn new(text: &str) -> Result<Self, PathError> {
        let path = text.strip_suffix('/').unwrap_or(text);
        if path.is_empty() {
            return Ok(Self("/".to_owned()));
        }
        if let Some(char) = path.chars().find(|char| !is_of_a_path(*char)) {
            return Err(if matches!(char, '?' | '#') { PathError::Query } else { PathError::Character(char) });
        }
        let is_encoded =
            |after: &str| after.get(..2).is_some_and(|hex| hex.bytes().all(|byte| byte.is_ascii_hexdigit()));
        if !path.split('%').skip(1).all(is_encoded) {
            return Err(PathError::Percent);
        }
        for segment in path.split('/').skip(1) {
            match segment {
                "" => return Err(PathError::EmptySegment),
                "." | ".." => return Err(PathError::DotSegment),
                _ => {}
            }
        }
        Ok(Self(path.to_owned()))
    }

    /// As in a request.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether it is the path of every request.
    #[must_use]
    pub fn is_root(&self) -> bool {
        self.0 == "/"
    }
}

// === impl PathError ===

impl fmt::Display for PathError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Query => "the path has a query or a fragment: requests are told apart by path alone, leave it out",
            Self::Character(char) => {
                let char = char.escape_debug();
                return write!(f, "the path holds `{char}`: write it percent-encoded, as requests have it");
            }
            Self::Percent => "the path has a `%` without two hexadecimal digits after it: `%25` is the sign itself",
            Self::EmptySegment => "the path has two slashes in a row: write one",
            Self::DotSegment => "the path has a part `.` or `..`, which clients resolve: write the path that is left",
        })
    }
}

/// RFC 3986 §3.3: what a path is made of, but for `'`.
fn is_of_a_path(char: char) -> bool {
    char.is_ascii_alphanumeric() || "/-._~%!$&()*+,;:@".contains(char)
}
