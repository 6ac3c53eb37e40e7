//! One tree over another, as Envoy merges `--config-yaml` over a file: what is repeated is appended, a message is merged
//! field by field, an arm of a oneof takes the place of the others, and anything else is replaced.
//!
//! The trees are merged before they are walked, so that the rules judge the whole and every node keeps its place. An
//! `Any` is replaced as one; so is a duration, which Envoy merges by its parts (5s under 0.5s gives it 5.5s).

use std::collections::HashSet;

use prost_reflect::{FieldDescriptor, Kind, MessageDescriptor};

use super::decode::field_named;
use super::node::{Content, Entry, Location, Node};

/// Puts `over` on top of `base`, both of them messages of one type.
pub(crate) fn merge(base: &mut Node, over: Node, descriptor: &MessageDescriptor) {
    match (&mut base.content, over.content) {
        (Content::Mapping(below), Content::Mapping(above)) => {
            let mut set = HashSet::new();
            for entry in above {
                match field_named(descriptor, &entry.key) {
                    // A field that the upper text sets twice, or an arm beside another: the walk says so.
                    Some(field) if !entry.value.is_null() && !set.insert(claim(&field)) => below.push(entry),
                    _ => merge_entry(below, entry, descriptor),
                }
            }
        }
        // One of them is no message: the walk says so.
        (_, content) => *base = Node { location: over.location, content },
    }
}

/// What no two keys of one mapping may set: the oneof of an arm, else the field.
fn claim(field: &FieldDescriptor) -> String {
    field.containing_oneof().map_or_else(|| field.full_name().to_owned(), |oneof| oneof.full_name().to_owned())
}

fn merge_entry(below: &mut Vec<Entry>, above: Entry, descriptor: &MessageDescriptor) {
    let Some(field) = field_named(descriptor, &above.key) else { return below.push(above) };
    if above.value.is_null() {
        return;
    }
    let same = |entry: &&mut Entry| field_named(descriptor, &entry.key).as_ref() == Some(&field);
    if let Some(entry) = below.iter_mut().find(same) {
        return merge_value(&mut entry.value, above.value, &field);
    }
    let other_arm = |entry: &Entry| {
        let oneof = field_named(descriptor, &entry.key).and_then(|other| other.containing_oneof());
        oneof.is_some() && oneof == field.containing_oneof()
    };
    below.retain(|entry| !other_arm(entry));
    below.push(above);
}

fn merge_value(below: &mut Node, above: Node, field: &FieldDescriptor) {
    if below.is_null() {
        *below = above;
        return;
    }
    if field.is_map() {
        return merge_keys(below, above);
    }
    if field.is_list() {
        let mut items =
            into_items(below.location, std::mem::replace(&mut below.content, Content::Sequence(Vec::new())));
        items.extend(into_items(above.location, above.content));
        below.content = Content::Sequence(items);
        return;
    }
    match field.kind() {
        Kind::Message(inner) if inner.full_name() == "google.protobuf.Struct" => merge_keys(below, above),
        Kind::Message(inner) if !inner.full_name().starts_with("google.protobuf.") => merge(below, above, &inner),
        _ => *below = above,
    }
}

/// Keys of a map or a struct: the upper one wins.
fn merge_keys(below: &mut Node, above: Node) {
    match (&mut below.content, above.content) {
        (Content::Mapping(entries), Content::Mapping(above)) => {
            for entry in above {
                match entries.iter_mut().find(|below| below.key == entry.key) {
                    Some(below) => *below = entry,
                    None => entries.push(entry),
                }
            }
        }
        (_, content) => *below = Node { location: above.location, content },
    }
}

/// One value alone stands for a list of one.
fn into_items(location: Location, content: Content) -> Vec<Node> {
    match content {
        Content::Sequence(items) => items,
        content => vec![Node { location, content }],
    }
}
