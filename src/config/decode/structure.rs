//! `Struct`, `Value` and `ListValue`: any tree at all.

use std::collections::HashMap;

use prost_reflect::{DynamicMessage, MapKey, MessageDescriptor, Value};

use super::{Decoder, fault};
use crate::config::at::At;
use crate::config::node::{Content, Entry, Meaning, Node, Quoted};
use crate::config::schema;

impl Decoder {
    /// The tree under a node as a message of one of the three types.
    pub(super) fn structure(self, at: At<'_>, node: &Node, descriptor: &MessageDescriptor) -> Option<DynamicMessage> {
        match (descriptor.name(), &node.content) {
            ("Struct", Content::Mapping(entries)) => self.entries(at, entries, descriptor),
            ("Struct", _) if node.is_null() => Some(DynamicMessage::new(descriptor.clone())),
            ("ListValue", Content::Sequence(items)) => self.items(at, items, descriptor),
            ("Value", _) => self.any_value(at, node, descriptor),
            (name, _) => {
                let expected = if name == "Struct" { "a mapping" } else { "a list" };
                fault(at, node.location, format!("expected {expected}, found {}", node.describe()));
                None
            }
        }
    }

    fn any_value(self, at: At<'_>, node: &Node, descriptor: &MessageDescriptor) -> Option<DynamicMessage> {
        let (arm, value) = match &node.content {
            Content::Mapping(entries) => {
                let inner = schema::message("google.protobuf.Struct")?;
                ("struct_value", Value::Message(self.entries(at, entries, &inner)?))
            }
            Content::Sequence(items) => {
                let inner = schema::message("google.protobuf.ListValue")?;
                ("list_value", Value::Message(self.items(at, items, &inner)?))
            }
            Content::Scalar(scalar) => match scalar.meaning() {
                Meaning::Null => ("null_value", Value::EnumNumber(0)),
                Meaning::Bool(value) => ("bool_value", Value::Bool(value)),
                Meaning::Float(number) => ("number_value", Value::F64(number)),
                Meaning::Text(text) => ("string_value", Value::String(text)),
                // A Struct holds every number as a double.
                Meaning::Integer(number) => ("number_value", Value::F64(number.to_string().parse().ok()?)),
            },
        };
        let mut message = DynamicMessage::new(descriptor.clone());
        message.set_field_by_name(arm, value);
        Some(message)
    }

    fn entries(self, at: At<'_>, entries: &[Entry], descriptor: &MessageDescriptor) -> Option<DynamicMessage> {
        let value = schema::message("google.protobuf.Value")?;
        let mut fields: HashMap<MapKey, Value> = HashMap::new();
        for entry in entries {
            let at = at.entry("", &entry.key);
            let inner = self.any_value(at, &entry.value, &value);
            let before = fields.insert(
                MapKey::String(entry.key.clone()),
                Value::Message(inner.unwrap_or_else(|| DynamicMessage::new(value.clone()))),
            );
            if before.is_some() {
                fault(at, entry.location, format!("the key {} is there twice", Quoted(&entry.key)));
            }
        }
        let mut message = DynamicMessage::new(descriptor.clone());
        message.set_field_by_name("fields", Value::Map(fields));
        Some(message)
    }

    fn items(self, at: At<'_>, items: &[Node], descriptor: &MessageDescriptor) -> Option<DynamicMessage> {
        let value = schema::message("google.protobuf.Value")?;
        let items = items.iter().enumerate().map(|(index, item)| self.any_value(at.item("", index), item, &value));
        let items: Vec<Value> =
            items.map(|item| Value::Message(item.unwrap_or_else(|| DynamicMessage::new(value.clone())))).collect();
        let mut message = DynamicMessage::new(descriptor.clone());
        message.set_field_by_name("values", Value::List(items));
        Some(message)
    }
}
