//! The walk: a tree of located nodes against the descriptor of a message.
//!
//! `read` starts it at Bootstrap. It checks names, types, oneofs, the support table and the validation rules, reports
//! every fault with its place and goes on. What comes out is a dynamic message, whose bytes the typed message is
//! decoded from; what could not be read is left out of it, so that building finds the other faults in the same run.
//! Which spellings are accepted follows Envoy's own reader (protobuf JSON, with its liberties).

mod any;
mod canonical;
mod map;
mod scalar;
mod structure;
mod well_known;

use std::collections::{HashMap, HashSet};

use prost_reflect::{DynamicMessage, FieldDescriptor, Kind, MessageDescriptor, OneofDescriptor, ReflectMessage, Value};

use super::at::At;
use super::diagnostic::Code;
use super::node::{Content, Entry, Location, Node, Quoted};
use super::rules::{broken, broken_items};
use super::schema::MessageFacts;
use super::support::{self, Support};

pub(crate) use canonical::encode;

/// A walk over a tree. A value that cannot be read has been reported and gives `None`.
#[derive(Clone, Copy)]
pub(crate) struct Decoder {
    /// What may pass with a warning.
    pub(crate) leniency: Leniency,
}

/// What the command line lets pass.
#[derive(Clone, Copy, Debug, Default)]
pub struct Leniency {
    /// A field that Envoy does not have is a warning: Envoy's `--allow-unknown-static-fields`.
    pub unknown_fields: bool,
    /// A deprecated field is not worth a word: Envoy's `--skip-deprecated-logs`.
    pub deprecated: bool,
}

impl Decoder {
    /// The message that the node describes.
    pub(crate) fn message(self, at: At<'_>, node: &Node, descriptor: &MessageDescriptor) -> Option<DynamicMessage> {
        match &node.content {
            Content::Mapping(entries) => Some(self.fields(at, entries.iter(), descriptor)),
            _ if node.is_null() => Some(self.fields(at, [].iter(), descriptor)),
            _ => {
                let (name, found) = (descriptor.full_name(), node.describe());
                fault(at, node.location, format!("expected a mapping with the fields of {name}, found {found}"));
                None
            }
        }
    }

    /// The message with the fields of a mapping that can be read.
    fn fields<'n>(
        self,
        at: At<'_>,
        entries: impl Iterator<Item = &'n Entry> + Clone,
        descriptor: &MessageDescriptor,
    ) -> DynamicMessage {
        let mut message = DynamicMessage::new(descriptor.clone());
        let mut seen = Seen { taken: taken(entries.clone(), descriptor), ..Seen::default() };
        for entry in entries {
            let Some(field) =
                field_named(descriptor, &entry.key).or_else(|| self.unknown(at, entry, descriptor, &mut seen))
            else {
                continue;
            };
            if !seen.admit(at.field(field.name()), entry, &field) {
                continue;
            }
            if entry.value.is_null() && !holds_null(&field) {
                continue;
            }
            if !self.is_supported(at.field(field.name()), entry.location, &field) {
                seen.faulty_fields.push(field.number());
                continue;
            }
            match self.field(at, &entry.value, &field) {
                Some(value) => message.set_field(&field, value),
                None => seen.faulty_fields.push(field.number()),
            }
        }
        check_rules(at, &message, &seen);
        message
    }

    /// Reports a key that is no field. What follows is read as the field that it seems to be, so that its faults are
    /// found as well.
    fn unknown(
        self,
        at: At<'_>,
        entry: &Entry,
        descriptor: &MessageDescriptor,
        seen: &mut Seen,
    ) -> Option<FieldDescriptor> {
        let names: Vec<String> = descriptor.fields().map(|field| field.name().to_owned()).collect();
        let near = at.nearest(&entry.key, names.iter().map(String::as_str));
        let message = format!("unknown field {} in {}", Quoted(&entry.key), descriptor.full_name());
        if self.leniency.unknown_fields {
            at.field(&entry.key).add(Code::NoEffect, Some(entry.location), message, near.map(did_you_mean));
            return None;
        }
        seen.faulty = true;
        let hint = match entry.key.as_str() {
            "<<" => Some("Envoy knows no merge keys: write the fields out, or give a whole value an anchor".to_owned()),
            _ => near.map(did_you_mean).or_else(|| misplaced(descriptor, entry)),
        };
        at.field(&entry.key).add(Code::Unknown, Some(entry.location), message, hint);
        let field = descriptor.get_field_by_name(near?)?;
        if seen.taken.contains(&field.number()) || seen.fields.contains_key(&field.number()) {
            return None;
        }
        at.respell(entry.location, field.name());
        Some(field)
    }

    /// Reports a deprecated field, an ignored one, and one that is not implemented; the last is not read.
    fn is_supported(self, at: At<'_>, key: Location, field: &FieldDescriptor) -> bool {
        let message = field.parent_message().full_name();
        if message.starts_with("google.protobuf.") {
            return true;
        }
        let deprecated =
            MessageFacts::of(message).and_then(|facts| facts.field(field.name())).is_some_and(|facts| facts.deprecated);
        match support::of(message, field.name()) {
            Support::Missing | Support::Refused(_) => {
                at.add(Code::NotImplemented, Some(key), support::refusal(message, field.name()), None);
                return false;
            }
            Support::Ignored(reason) => {
                at.add(Code::NoEffect, Some(key), format!("`{}` has no effect: {reason}", field.name()), None);
            }
            Support::Applied | Support::Partly(_) if deprecated && !self.leniency.deprecated => {
                at.add(Code::Deprecated, Some(key), format!("`{}` is deprecated in Envoy's API", field.name()), None);
            }
            Support::Applied | Support::Partly(_) => {}
        }
        true
    }

    /// The value of a field that is set.
    fn field(self, at: At<'_>, node: &Node, field: &FieldDescriptor) -> Option<Value> {
        if field.is_map() {
            self.map(at, node, field)
        } else if field.is_list() {
            Some(self.list(at, node, field))
        } else {
            self.value(at.field(field.name()), node, &field.kind())
        }
    }

    /// A list; as Envoy, one value alone stands for a list of one.
    fn list(self, at: At<'_>, node: &Node, field: &FieldDescriptor) -> Value {
        let kind = field.kind();
        let items = match &node.content {
            Content::Sequence(items) => items.as_slice(),
            _ => std::slice::from_ref(node),
        };
        let items = items.iter().enumerate().map(|(index, item)| {
            let at = at.item(field.name(), index);
            let value = if matches!(item.content, Content::Sequence(_)) && !is_value(&kind) {
                fault(at, item.location, "expected one item, found a list".to_owned());
                None
            } else {
                self.value(at, item, &kind)
            };
            // An item that cannot be read keeps its place, so that the others keep theirs.
            value.unwrap_or_else(|| Value::default_value(&kind))
        });
        Value::List(items.collect())
    }

    /// One value of a kind.
    fn value(self, at: At<'_>, node: &Node, kind: &Kind) -> Option<Value> {
        match kind {
            Kind::Message(descriptor) => self.well_known(at, node, descriptor).map(Value::Message),
            _ => self.scalar(at, node, kind),
        }
    }
}

/// What a message has had so far.
#[derive(Default)]
struct Seen {
    /// The key under which each field was set.
    fields: HashMap<u32, (String, Location)>,
    /// Fields that no misspelt key can mean.
    taken: HashSet<u32>,
    /// Fields that are set and could not be read: no rule judges them.
    faulty_fields: Vec<u32>,
    /// Whether anything else was wrong.
    faulty: bool,
}

impl Seen {
    /// Whether the field may be set: neither it nor another arm of its oneof has been.
    fn admit(&mut self, at: At<'_>, entry: &Entry, field: &FieldDescriptor) -> bool {
        if let Some((key, location)) = self.fields.get(&field.number()) {
            let name = if *key == entry.key { format!("`{key}`") } else { format!("`{}`, as `{key}`,", entry.key) };
            fault(at, entry.location, format!("{name} is already set in line {}", location.line));
            self.faulty = true;
            return false;
        }
        if entry.value.is_null() && !holds_null(field) {
            return true;
        }
        let oneof = field.containing_oneof();
        let arms = oneof.iter().flat_map(|oneof| oneof.fields().collect::<Vec<_>>());
        let other = arms.into_iter().find_map(|arm| self.fields.get(&arm.number()));
        if let Some((key, location)) = other {
            let message = format!("`{}` and `{key}` (line {}) exclude each other: keep one", entry.key, location.line);
            fault(at, entry.location, message);
            self.faulty = true;
            return false;
        }
        self.fields.insert(field.number(), (entry.key.clone(), entry.location));
        true
    }
}

/// Where a key is unknown: the fields that are set by other keys, and the arms that those exclude.
fn taken<'n>(entries: impl Iterator<Item = &'n Entry> + Clone, descriptor: &MessageDescriptor) -> HashSet<u32> {
    if entries.clone().all(|entry| field_named(descriptor, &entry.key).is_some()) {
        return HashSet::new();
    }
    let set = entries.filter(|entry| !entry.value.is_null()).filter_map(|entry| field_named(descriptor, &entry.key));
    set.flat_map(|field| match field.containing_oneof() {
        Some(oneof) => oneof.fields().map(|arm| arm.number()).collect(),
        None => vec![field.number()],
    })
    .collect()
}

/// A field by its proto name or its JSON name.
pub(crate) fn field_named(descriptor: &MessageDescriptor, key: &str) -> Option<FieldDescriptor> {
    descriptor.get_field_by_name(key).or_else(|| descriptor.get_field_by_json_name(key))
}

/// Applies the rules of one message to its fields.
fn check_rules(at: At<'_>, message: &DynamicMessage, seen: &Seen) {
    let descriptor = message.descriptor();
    let Some(facts) = MessageFacts::of(descriptor.full_name()) else { return };
    for oneof in descriptor.oneofs().filter(|oneof| facts.required_oneofs.contains(&oneof.name())) {
        let set = oneof.fields().any(|arm| message.has_field(&arm) || seen.faulty_fields.contains(&arm.number()));
        if !set && !seen.faulty {
            let arms = arms(&oneof);
            let one_of = if arms.len() > 1 { "one of " } else { "" };
            at.error(format!("{one_of}{} has to be set", arms.join(", ")));
        }
    }
    for facts in facts.fields {
        let Some(field) = descriptor.get_field_by_name(facts.name) else { continue };
        if seen.faulty_fields.contains(&field.number()) {
            continue;
        }
        let absent = field.supports_presence() && !message.has_field(&field);
        // The arm of a oneof that is not chosen has no value.
        if absent && field.containing_oneof().is_some() {
            continue;
        }
        let value = (!absent).then(|| message.get_field(&field));
        if let Some(fault) = broken(facts.rules, value.as_deref(), &field.kind()) {
            let unset = if absent || seen.fields.contains_key(&field.number()) { "" } else { "is not set and " };
            at.field(facts.name).error(format!("{unset}{fault}"));
        }
        let items = value.as_deref().map(|value| broken_items(facts.rules, value, &field.kind()));
        for (index, fault) in items.unwrap_or_default() {
            let at = at.item(facts.name, index);
            // An item that could not be read has been told.
            if !at.is_tainted() {
                at.error(fault);
            }
        }
    }
}

/// The arms of a oneof that may be chosen here, in back-quotes; all of them when there is none.
fn arms(oneof: &OneofDescriptor) -> Vec<String> {
    let quoted = |arm: FieldDescriptor| format!("`{}`", arm.name());
    let supported = |arm: &FieldDescriptor| support::is_read(arm.parent_message().full_name(), arm.name());
    let arms: Vec<String> = oneof.fields().filter(supported).map(quoted).collect();
    if arms.is_empty() { oneof.fields().map(quoted).collect() } else { arms }
}

/// A null is a value only where any value may stand.
fn holds_null(field: &FieldDescriptor) -> bool {
    !field.is_list() && !field.is_map() && is_value(&field.kind())
}

fn is_value(kind: &Kind) -> bool {
    kind.as_message()
        .is_some_and(|message| matches!(message.full_name(), "google.protobuf.Value" | "google.protobuf.ListValue"))
}

fn did_you_mean(name: &str) -> String {
    format!("did you mean `{name}`?")
}

/// A field that stands one level too high: under which field it belongs.
fn misplaced(descriptor: &MessageDescriptor, entry: &Entry) -> Option<String> {
    let homes = descriptor.fields().filter(|field| {
        let message = field.kind().as_message().cloned().filter(|_| !field.is_map());
        message.is_some_and(|message| field_named(&message, &entry.key).is_some())
    });
    let homes: Vec<String> = homes
        .filter(|home| support::is_read(home.parent_message().full_name(), home.name()))
        .map(|home| format!("`{}`", home.name()))
        .collect();
    match homes.as_slice() {
        [] => None,
        homes if homes.len() > 3 => None,
        homes => Some(format!("it is a field of {}", homes.join(" and of "))),
    }
}

fn fault(at: At<'_>, location: Location, message: String) {
    fault_with_hint(at, location, message, None);
}

fn fault_with_hint(at: At<'_>, location: Location, message: String, hint: Option<String>) {
    at.add(Code::Invalid, Some(location), message, hint);
}
