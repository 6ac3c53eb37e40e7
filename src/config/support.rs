//! Which fields of Envoy's API have an effect here: the one table that errors and documentation read.
//!
//! `support.tsv` lists messages with their fields and enums with their values. The walk asks it for everything that is
//! set, so that nothing is ignored in silence: what the table does not name is an error, what it calls ignored a warning
//! with the reason. `quicgate config support` prints it.

use std::collections::HashMap;
use std::sync::LazyLock;

use super::schema;

/// What becomes of something that is set.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Support {
    /// It has its effect.
    Applied,
    /// It has its effect, but for what is named here.
    Partly(&'static str),
    /// It does no harm to ignore it; why.
    Ignored(&'static str),
    /// It will not be implemented; why.
    Refused(&'static str),
    /// Envoy knows it and this gateway does not.
    Missing,
}

/// The fields of one message or the values of one enum, by name.
pub(crate) type Names = HashMap<&'static str, Support>;

/// Whether something of a message is supported.
pub(crate) fn is_type(message: &str) -> bool {
    TABLE.contains_key(message)
}

/// Whether a type is refused as a whole.
pub(crate) fn refuses_type(name: &str) -> bool {
    REFUSED_TYPES.contains_key(name)
}

/// The messages of which something is supported.
pub(crate) fn messages() -> impl Iterator<Item = &'static str> {
    TABLE.keys().copied().filter(|name| schema::message(name).is_some())
}

/// The messages and enums that are listed.
pub(crate) fn names() -> impl Iterator<Item = &'static str> {
    TABLE.keys().copied()
}

/// The types that are refused as a whole, each with the reason.
pub(crate) fn refused_types() -> impl Iterator<Item = (&'static str, &'static str)> {
    REFUSED_TYPES.iter().map(|(name, why)| (*name, *why))
}

/// What becomes of a field of a message.
pub(crate) fn of(message: &str, field: &str) -> Support {
    TABLE.get(message).and_then(|fields| fields.get(field)).copied().unwrap_or(Support::Missing)
}

/// What becomes of a value of an enum. All values of an enum that the table does not name have their effect.
pub(crate) fn of_value(name: &str, value: &str) -> Support {
    TABLE.get(name).map_or(Support::Applied, |values| values.get(value).copied().unwrap_or(Support::Missing))
}

/// Whether the value of a field is read.
pub(crate) fn is_read(message: &str, field: &str) -> bool {
    !matches!(of(message, field), Support::Missing | Support::Refused(_))
}

/// Why a field is refused, or a value of it beyond what is implemented.
pub(crate) fn refusal(message: &str, field: &str) -> String {
    refused(field, of(message, field))
}

/// Why a value of an enum is refused.
pub(crate) fn value_refusal(name: &str, value: &str) -> String {
    refused(value, of_value(name, value))
}

/// Why a type is refused.
pub(crate) fn type_refusal(name: &str) -> String {
    refused(name, REFUSED_TYPES.get(name).map_or(Support::Missing, |why| Support::Refused(why)))
}

fn refused(name: &str, support: Support) -> String {
    match support {
        Support::Refused(why) => format!("`{name}` is refused: {why}"),
        Support::Partly(beyond) => format!("{beyond} {NOT_IMPLEMENTED}"),
        _ => format!("`{name}` {NOT_IMPLEMENTED}"),
    }
}

/// What is said of it.
pub(crate) const NOT_IMPLEMENTED: &str = "is known to Envoy 1.40 but not implemented by Quicgate yet";

/// One line of the table.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Line {
    /// A message or an enum.
    pub(crate) name: &'static str,
    /// `applied`, `partly`, `ignored` or `refused`.
    pub(crate) status: &'static str,
    /// Fields or values, with spaces between them.
    pub(crate) names: &'static str,
    /// The tests that show what is applied; of anything else, the reason.
    pub(crate) because: &'static str,
}

/// The lines of the table.
pub(crate) fn lines() -> impl Iterator<Item = Line> {
    TEXT.lines().filter(|line| !line.starts_with('#') && !line.is_empty()).map(|line| {
        let mut columns = line.split('\t');
        let mut next = || columns.next().unwrap_or_default();
        Line { name: next(), status: next(), names: next(), because: next() }
    })
}

fn table() -> HashMap<&'static str, Names> {
    let mut table: HashMap<&str, Names> = HashMap::new();
    for line in lines().filter(|line| !line.is_refused_type()) {
        let support = match line.status {
            "applied" => Support::Applied,
            "partly" => Support::Partly(line.because),
            "refused" => Support::Refused(line.because),
            _ => Support::Ignored(line.because),
        };
        let names = table.entry(line.name).or_default();
        for name in line.names.split_whitespace() {
            // What is applied but for something has two lines; the exception holds.
            if support != Support::Applied || !names.contains_key(name) {
                names.insert(name, support);
            }
        }
    }
    table
}

impl Line {
    /// Whether the line refuses a type as a whole.
    fn is_refused_type(self) -> bool {
        self.status == "refused" && self.names.is_empty()
    }
}

/// Types that are refused as a whole, and why.
static REFUSED_TYPES: LazyLock<HashMap<&str, &str>> =
    LazyLock::new(|| lines().filter(|line| line.is_refused_type()).map(|line| (line.name, line.because)).collect());

static TABLE: LazyLock<HashMap<&str, Names>> = LazyLock::new(table);

const TEXT: &str = include_str!("support.tsv");

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::evidence;

    #[test]
    fn every_line_names_what_exists_and_says_why() {
        for line in lines() {
            assert!(matches!(line.status, "applied" | "partly" | "ignored" | "refused"), "{line:?}");
            assert!(line.status == "applied" || !line.because.is_empty(), "{line:?}: a reason is missing");
            for name in line.names.split_whitespace() {
                let known = match (schema::message(line.name), schema::descriptors().get_enum_by_name(line.name)) {
                    (Some(message), _) => message.get_field_by_name(name).is_some(),
                    (None, Some(item)) => item.get_value_by_name(name).is_some(),
                    (None, None) => false,
                };
                assert!(known, "support.tsv: `{}.{name}` does not exist", line.name);
                let applied = line.status != "partly"
                    || lines().any(|other| {
                        other.name == line.name
                            && other.status == "applied"
                            && other.names.split_whitespace().any(|n| n == name)
                    });
                assert!(applied, "support.tsv: `{}.{name}` is applied in part, so it needs a line of tests", line.name);
            }
            assert!(
                line.is_refused_type()
                    || schema::message(line.name).is_some()
                    || schema::descriptors().get_enum_by_name(line.name).is_some(),
                "support.tsv: there is no `{}`",
                line.name
            );
        }
    }

    #[test]
    fn every_line_that_is_applied_names_a_test_that_shows_it() {
        for line in lines().filter(|line| line.status == "applied") {
            assert!(!line.because.is_empty(), "support.tsv: no test shows `{}` {}", line.name, line.names);
            for test in line.because.split_whitespace() {
                assert_eq!(evidence::find(test), Ok(()), "support.tsv: `{}` {}: {test}", line.name, line.names);
            }
        }
    }

    #[test]
    fn what_is_not_listed_is_missing() {
        assert_eq!(of("envoy.config.bootstrap.v3.Bootstrap", "admin"), Support::Applied);
        assert_eq!(of("envoy.config.bootstrap.v3.Bootstrap", "hds_config"), Support::Missing);
        assert_eq!(of("no.such.Message", "field"), Support::Missing);
    }

    #[test]
    fn of_an_enum_that_is_listed_the_other_values_are_missing() {
        let discovery = "envoy.config.cluster.v3.Cluster.DiscoveryType";
        assert_eq!(of_value(discovery, "STATIC"), Support::Applied);
        assert_eq!(of_value(discovery, "EDS"), Support::Missing);
        assert_eq!(of_value("envoy.config.core.v3.TrafficDirection", "INBOUND"), Support::Applied);
    }
}
