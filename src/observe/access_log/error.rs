//! What is wrong with a format, said so that the person who wrote it can put it right.

use std::fmt;

/// A format that cannot be built.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FormatError {
    /// In a `json_format`, the property the text stands in: `request.path`, `tags[1]`.
    pub property: Option<String>,
    /// Where in the text, in bytes from 0: the `%` an operator begins with.
    pub position: usize,
    /// What is wrong there.
    pub problem: Problem,
}

/// One thing that can be wrong with a format.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Problem {
    /// A `%` that begins no operator.
    Unbalanced,
    /// An operator that does not exist; `near` are those whose names are alike.
    UnknownOperator {
        /// The name as written.
        operator: String,
        /// Names like it, the nearest first.
        near: Vec<&'static str>,
    },
    /// An operator of Envoy's that is not implemented here yet.
    NotImplemented {
        /// Its name.
        operator: String,
    },
    /// An operator that needs an argument has none.
    ArgumentMissing {
        /// Its name.
        operator: String,
        /// What the argument is.
        expected: &'static str,
    },
    /// An operator that takes no argument has one.
    ArgumentNotTaken {
        /// Its name.
        operator: String,
    },
    /// An argument that makes no sense.
    BadArgument {
        /// The operator.
        operator: String,
        /// The argument as written.
        argument: String,
        /// What it may be.
        expected: &'static str,
    },
    /// An operator that cannot be shortened has a length, as in `%PROTOCOL:3%`.
    LengthNotTaken {
        /// Its name.
        operator: String,
    },
    /// A `json_format` that is not an object.
    NotAnObject,
}

// === impl FormatError ===

impl FormatError {
    pub(super) fn new(position: usize, problem: Problem) -> Self {
        Self { property: None, position, problem }
    }

    /// The same error, in the property `outer` of an object or list.
    pub(super) fn within(mut self, outer: &str) -> Self {
        self.property = Some(match self.property {
            None => outer.to_owned(),
            Some(inner) if inner.starts_with('[') => format!("{outer}{inner}"),
            Some(inner) => format!("{outer}.{inner}"),
        });
        self
    }
}

impl fmt::Display for FormatError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(property) = &self.property {
            write!(f, "in {property}: ")?;
        }
        if self.problem != Problem::NotAnObject {
            write!(f, "at byte {}: ", self.position)?;
        }
        self.problem.fmt(f)
    }
}

impl std::error::Error for FormatError {}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unbalanced => {
                write!(f, "'%' begins no operator; write %NAME% or %NAME(ARGUMENT):LENGTH%, and %% for a percent sign")
            }
            Self::UnknownOperator { operator, near } => {
                write!(f, "no operator is called %{operator}%")?;
                match near.as_slice() {
                    [] => Ok(()),
                    near => write!(f, "; did you mean %{}%?", near.join("% or %")),
                }
            }
            Self::NotImplemented { operator } => {
                write!(f, "%{operator}% is known to Envoy but not implemented yet; take it out of the format")
            }
            Self::ArgumentMissing { operator, expected } => write!(f, "%{operator}% needs an argument: {expected}"),
            Self::ArgumentNotTaken { operator } => write!(f, "%{operator}% takes no argument and no length"),
            Self::BadArgument { operator, argument, expected } => {
                write!(f, "%{operator}% cannot take '{argument}': {expected}")
            }
            Self::LengthNotTaken { operator } => write!(f, "%{operator}% takes no length"),
            Self::NotAnObject => f.write_str("a json_format is an object: one property for each thing to log"),
        }
    }
}

/// The names most like `wanted`, the nearest first: those that differ in a third of it at most, or hold all its words.
pub(super) fn near(wanted: &str, names: impl Iterator<Item = &'static str>) -> Vec<&'static str> {
    let wanted = wanted.to_ascii_uppercase();
    let most = (wanted.len() / 3).max(1);
    let words = |name: &str| wanted.split('_').all(|word| name.split('_').any(|other| other == word));
    let alike = names.map(|name| (distance(&wanted, name), name)).filter(|(far, name)| *far <= most || words(name));
    let mut alike: Vec<_> = alike.collect();
    alike.sort_unstable();
    alike.into_iter().take(NEAR_NAMES).map(|(_, name)| name).collect()
}

/// How many letters must be changed, added or taken away.
fn distance(a: &str, b: &str) -> usize {
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (above, left) in a.bytes().enumerate() {
        let mut diagonal = above;
        let mut before = above + 1;
        if let Some(first) = row.first_mut() {
            *first = before;
        }
        for (cell, up) in row.iter_mut().skip(1).zip(b.bytes()) {
            let changed = diagonal + usize::from(left != up);
            diagonal = *cell;
            *cell = changed.min(diagonal + 1).min(before + 1);
            before = *cell;
        }
    }
    row.last().copied().unwrap_or(0)
}

const NEAR_NAMES: usize = 3;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn distance_counts_edits() {
        for (a, b, edits) in [("", "", 0), ("", "ABC", 3), ("ABC", "ABC", 0), ("KITTEN", "SITTING", 3), ("AB", "BA", 2)]
        {
            assert_eq!(distance(a, b), edits, "{a} {b}");
        }
    }

    #[test]
    fn near_names_come_nearest_first() {
        let names = ["PROTOCOL", "DURATION", "REQUEST_DURATION", "RESPONSE_DURATION"];
        assert_eq!(near("PROTOCL", names.into_iter()), ["PROTOCOL"]);
        assert_eq!(near("request_durations", names.into_iter()), ["REQUEST_DURATION"]);
        assert_eq!(near("DURATION_RESPONSE", names.into_iter()), ["RESPONSE_DURATION"]);
        assert!(near("XYZ", names.into_iter()).is_empty());
    }
}
