//! The support table as a list: every field of every message that is supported, and what becomes of it.

use super::schema;
use super::support::{self, Support};

/// A message or an enum of which something is supported, or a type that is refused.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Supported {
    /// The full name.
    pub name: String,
    /// Its fields or values in the order of Envoy's API; none of a type that is refused as a whole.
    pub parts: Vec<Part>,
    /// Why the type is refused as a whole, if it is.
    pub refused: Option<String>,
}

/// A field of a message, or a value of an enum.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Part {
    /// Its name.
    pub name: String,
    /// What becomes of it.
    pub status: Status,
    /// Why, or what of it is not implemented.
    pub because: String,
}

/// What becomes of a field that is set.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Status {
    /// It has its effect.
    Applied,
    /// It has its effect but for what is named.
    Partly,
    /// It is a warning.
    Ignored,
    /// It is an error, and will be.
    Refused,
    /// It is an error so far.
    NotImplemented,
}

/// Everything that the support table says, by name.
#[must_use]
pub fn support_list() -> Vec<Supported> {
    let mut list: Vec<Supported> = support::names().map(of).collect();
    let refused = support::refused_types();
    list.extend(refused.map(|(name, why)| Supported {
        name: name.to_owned(),
        parts: Vec::new(),
        refused: Some(why.to_owned()),
    }));
    list.sort_by(|one, other| one.name.cmp(&other.name));
    list
}

fn of(name: &'static str) -> Supported {
    let descriptors = schema::descriptors();
    let parts = match (schema::message(name), descriptors.get_enum_by_name(name)) {
        (Some(message), _) => {
            message.fields().map(|field| part(field.name(), support::of(name, field.name()))).collect()
        }
        (None, Some(item)) => {
            item.values().map(|value| part(value.name(), support::of_value(name, value.name()))).collect()
        }
        (None, None) => Vec::new(),
    };
    Supported { name: name.to_owned(), parts, refused: None }
}

fn part(name: &str, support: Support) -> Part {
    let (status, because) = match support {
        Support::Applied => (Status::Applied, ""),
        Support::Partly(beyond) => (Status::Partly, beyond),
        Support::Ignored(why) => (Status::Ignored, why),
        Support::Refused(why) => (Status::Refused, why),
        Support::Missing => (Status::NotImplemented, ""),
    };
    Part { name: name.to_owned(), status, because: because.to_owned() }
}
