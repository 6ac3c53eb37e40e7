//! Which fields of Envoy's API have an effect here: the one table that errors and documentation read.
//!
//! `support.tsv` lists messages with their fields. The walk asks it for every field that is set, so that nothing is
//! ignored in silence: what the table does not name is an error, what it calls ignored a warning with the reason.

use std::collections::HashMap;
use std::sync::LazyLock;

/// What becomes of a field that is set.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Support {
    Applied,
    /// It does no harm to ignore it; why.
    Ignored(&'static str),
    /// Envoy knows it and this gateway does not.
    Missing,
}

/// The fields of one message, by name.
pub(crate) type Fields = HashMap<&'static str, Support>;

/// The fields of a message; none when nothing of it is supported.
pub(crate) fn fields(message: &str) -> Option<&'static Fields> {
    TABLE.get(message)
}

/// The messages of which something is supported.
pub(crate) fn messages() -> impl Iterator<Item = &'static str> {
    TABLE.keys().copied()
}

/// What becomes of a field of a message.
pub(crate) fn of(message: &str, field: &str) -> Support {
    fields(message).and_then(|fields| fields.get(field)).copied().unwrap_or(Support::Missing)
}

fn table(text: &'static str) -> HashMap<&'static str, Fields> {
    let mut table: HashMap<&str, Fields> = HashMap::new();
    for line in text.lines().filter(|line| !line.starts_with('#') && !line.is_empty()) {
        let mut columns = line.split('\t');
        let (message, status) = (columns.next().unwrap_or_default(), columns.next().unwrap_or_default());
        let names = columns.next().unwrap_or_default().split_whitespace();
        let support =
            if status == "applied" { Support::Applied } else { Support::Ignored(columns.next().unwrap_or_default()) };
        table.entry(message).or_default().extend(names.map(|name| (name, support)));
    }
    table
}

static TABLE: LazyLock<HashMap<&str, Fields>> = LazyLock::new(|| table(TEXT));

const TEXT: &str = include_str!("support.tsv");

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::schema;

    #[test]
    fn every_line_names_what_exists_and_ignored_says_why() {
        for (message, fields) in &table(TEXT) {
            let descriptor = schema::message(message).unwrap_or_else(|| panic!("support.tsv: no message `{message}`"));
            for (field, support) in fields {
                assert!(descriptor.get_field_by_name(field).is_some(), "support.tsv: no field `{message}.{field}`");
                assert_ne!(
                    *support,
                    Support::Ignored(""),
                    "support.tsv: `{message}.{field}` is ignored without a reason"
                );
            }
        }
        for line in TEXT.lines().filter(|line| !line.starts_with('#') && !line.is_empty()) {
            let status = line.split('\t').nth(1);
            assert!(matches!(status, Some("applied" | "ignored")), "support.tsv: `{line}`");
        }
    }

    #[test]
    fn what_is_not_listed_is_missing() {
        assert_eq!(of("envoy.config.bootstrap.v3.Bootstrap", "admin"), Support::Applied);
        assert_eq!(of("envoy.config.bootstrap.v3.Bootstrap", "hds_config"), Support::Missing);
        assert_eq!(of("no.such.Message", "field"), Support::Missing);
    }
}
