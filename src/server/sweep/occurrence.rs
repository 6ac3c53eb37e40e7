//! Where a configuration sets which field.

use prost_reflect::{FieldDescriptor, Kind, MessageDescriptor};
use serde_json::Value;

use crate::config::{descriptors, type_name};

/// A step into a tree.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Step {
    Key(String),
    Index(usize),
}

/// A field that is set, a value of an enum, or a message that stands somewhere.
#[derive(Clone, Debug)]
pub(super) struct Occurrence {
    /// The message, or the enum.
    owner: String,
    /// The field, or the value; empty for a message as such.
    name: String,
    /// Where its value stands.
    pub(super) path: Vec<Step>,
    /// What the value is; of a list or a map, each of them.
    pub(super) kind: Option<Kind>,
}

impl Occurrence {
    pub(super) fn is_of(&self, owner: &str, name: &str) -> bool {
        self.owner == owner && self.name == name
    }

    /// Whether it stands somewhere below another.
    pub(super) fn is_within(&self, other: &Self) -> bool {
        self.path.len() > other.path.len() && self.path.starts_with(&other.path)
    }
}

/// All of a bootstrap configuration.
pub(super) fn occurrences(tree: &Value) -> Vec<Occurrence> {
    let mut walk = Walk { path: Vec::new(), found: Vec::new() };
    walk.message(tree, &descriptor("envoy.config.bootstrap.v3.Bootstrap"));
    walk.found
}

struct Walk {
    path: Vec<Step>,
    found: Vec<Occurrence>,
}

impl Walk {
    fn message(&mut self, tree: &Value, message: &MessageDescriptor) {
        self.note(message.full_name(), "", None);
        for (key, value) in tree.as_object().into_iter().flatten().filter(|(key, _)| *key != "@type") {
            let field = message.get_field_by_name(key);
            let field = field.unwrap_or_else(|| panic!("{} has no field {key}", message.full_name()));
            self.step(Step::Key(key.clone()), |walk| walk.field(value, &field));
        }
    }

    fn field(&mut self, value: &Value, field: &FieldDescriptor) {
        let kind = match field.kind() {
            Kind::Message(entry) if field.is_map() => entry.map_entry_value_field().kind(),
            kind => kind,
        };
        self.note(field.parent_message().full_name(), field.name(), Some(kind.clone()));
        match value {
            Value::Array(items) if field.is_list() => {
                for (index, item) in items.iter().enumerate() {
                    self.step(Step::Index(index), |walk| walk.value(item, &kind));
                }
            }
            Value::Object(entries) if field.is_map() => {
                for (key, item) in entries {
                    self.step(Step::Key(key.clone()), |walk| walk.value(item, &kind));
                }
            }
            _ => self.value(value, &kind),
        }
    }

    fn value(&mut self, value: &Value, kind: &Kind) {
        match kind {
            Kind::Enum(descriptor) => {
                let name = value.as_str().unwrap_or_default();
                self.note(descriptor.full_name(), name, Some(kind.clone()));
            }
            Kind::Message(message) if message.full_name() == "google.protobuf.Any" => self.any(value),
            Kind::Message(message) if !message.full_name().starts_with("google.protobuf.") => {
                self.message(value, message);
            }
            _ => {}
        }
    }

    fn any(&mut self, value: &Value) {
        let named = |field: &str| descriptor(type_name(value[field].as_str().unwrap()));
        let message = named("@type");
        if message.name() != "TypedStruct" {
            return self.message(value, &message);
        }
        for name in ["type_url", "value"] {
            let kind = message.get_field_by_name(name).map(|field| field.kind());
            self.step(Step::Key(name.to_owned()), |walk| walk.note(message.full_name(), name, kind));
        }
        self.step(Step::Key("value".to_owned()), |walk| walk.message(&value["value"], &named("type_url")));
    }

    fn note(&mut self, owner: &str, name: &str, kind: Option<Kind>) {
        let found = Occurrence { owner: owner.to_owned(), name: name.to_owned(), path: self.path.clone(), kind };
        self.found.push(found);
    }

    fn step(&mut self, step: Step, walk: impl FnOnce(&mut Self)) {
        self.path.push(step);
        walk(self);
        self.path.pop();
    }
}

fn descriptor(name: &str) -> MessageDescriptor {
    descriptors().get_message_by_name(name).unwrap_or_else(|| panic!("there is no {name}"))
}
