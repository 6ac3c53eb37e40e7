//! Where a field stands in the text: a step at a time down the tree, by its proto name, its JSON name, or the misspelling that
//! is read as it.

use super::node::{Content, Location, Node};
use super::report::Report;

/// A node of the text and where its key stands. Not exact when the path goes on where the text has nothing.
#[derive(Clone, Copy)]
pub(super) struct Place<'a> {
    pub(super) node: &'a Node,
    pub(super) key: Location,
    pub(super) exact: bool,
}

impl Place<'_> {
    pub(super) fn fields(self, path: &str, report: &Report) -> Self {
        let names = path.split('.').filter(|name| !name.is_empty());
        names.fold(self, |place, name| place.field(name, report))
    }

    fn field(self, name: &str, report: &Report) -> Self {
        let respelt = match &self.node.content {
            Content::Mapping(entries) => entries.iter().find(|entry| report.is_respelt(entry.location, name)),
            _ => None,
        };
        let respelt = respelt.map_or(name, |entry| &entry.key);
        let inside = self.entry(&[name, &lower_camel(name), respelt]);
        if inside.exact || !self.exact {
            return inside;
        }
        // A TypedStruct holds the fields of the message it stands for under `value`.
        let typed_struct = self.node.entry("@type").is_some_and(|entry| match &entry.value.content {
            Content::Scalar(scalar) => scalar.text.ends_with(".TypedStruct"),
            _ => false,
        });
        if typed_struct && name != "value" { self.field("value", report).field(name, report) } else { inside }
    }

    pub(super) fn entry(self, keys: &[&str]) -> Self {
        let found = keys.iter().find_map(|key| self.node.entry(key)).filter(|_| self.exact);
        match found {
            Some(entry) => Self { node: &entry.value, key: entry.location, exact: true },
            None => Self { exact: false, ..self },
        }
    }

    pub(super) fn item(self, index: usize) -> Self {
        match &self.node.content {
            Content::Sequence(items) if self.exact => match items.get(index) {
                Some(node) => Self { node, key: node.location, exact: true },
                None => Self { exact: false, ..self },
            },
            // A single value stands for a list of one.
            _ => self,
        }
    }
}

/// The JSON name of a field: `port_value` as `portValue`.
fn lower_camel(name: &str) -> String {
    let mut camel = String::with_capacity(name.len());
    let mut upper = false;
    for letter in name.chars() {
        match letter {
            '_' => upper = true,
            _ if upper => {
                camel.push(letter.to_ascii_uppercase());
                upper = false;
            }
            _ => camel.push(letter),
        }
    }
    camel
}
