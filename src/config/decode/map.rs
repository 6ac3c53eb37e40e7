//! Map fields: any key, one kind of value.

use std::collections::HashMap;

use prost_reflect::{FieldDescriptor, Kind, MapKey, Value};

use super::{Decoder, fault};
use crate::config::at::At;
use crate::config::node::{Content, Entry, Node, Quoted, Scalar};

impl Decoder {
    /// The entries of a map field.
    pub(super) fn map(self, at: At<'_>, node: &Node, field: &FieldDescriptor) -> Option<Value> {
        let kind = field.kind();
        let descriptor = kind.as_message()?;
        let (key, value) = (descriptor.map_entry_key_field().kind(), descriptor.map_entry_value_field().kind());
        let Content::Mapping(entries) = &node.content else {
            let found = node.describe();
            fault(
                at.field(field.name()),
                node.location,
                format!("expected a mapping of keys to values, found {found}"),
            );
            return None;
        };
        let mut map = HashMap::new();
        for entry in entries {
            let at = at.entry(field.name(), &entry.key);
            match (self.key(at, entry, &key), self.value(at, &entry.value, &value)) {
                (Some(key), Some(_)) if map.contains_key(&key) => {
                    fault(at, entry.location, format!("the key {} is there twice", Quoted(&entry.key)));
                }
                (Some(key), Some(value)) => {
                    map.insert(key, value);
                }
                _ => {}
            }
        }
        Some(Value::Map(map))
    }

    fn key(self, at: At<'_>, entry: &Entry, kind: &Kind) -> Option<MapKey> {
        // A key is written as text whatever it means.
        let scalar = Scalar { text: entry.key.clone(), plain: None };
        self.scalar(at, &Node { location: entry.location, content: Content::Scalar(scalar) }, kind)?.into_map_key()
    }
}
