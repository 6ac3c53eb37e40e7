//! Dynamic messages as bytes, the same bytes for the same content.
//!
//! The entries of a map come in the order of their keys. The library's own encoder leaves them in hash order, and then
//! the bytes in an Any, by which a reload tells what changed, would differ from run to run.

use prost::Message;
use prost::encoding::{WireType, encode_key, encode_varint};
use prost_reflect::{DynamicMessage, FieldDescriptor, ReflectMessage, Value};

/// The bytes of a message, fields by number and map entries by key.
pub(crate) fn encode(message: &DynamicMessage) -> Vec<u8> {
    let mut out = Vec::new();
    for (field, value) in message.fields() {
        match value {
            Value::Message(inner) => put(&mut out, &field, &encode(inner)),
            Value::List(items) if field.kind().as_message().is_some() => {
                for inner in items.iter().filter_map(Value::as_message) {
                    put(&mut out, &field, &encode(inner));
                }
            }
            Value::Map(entries) => {
                let mut entries: Vec<_> = entries.iter().collect();
                entries.sort_by_key(|(key, _)| *key);
                for (key, value) in entries {
                    put(&mut out, &field, &encode_entry(&field, Value::from(key.clone()), value.clone()));
                }
            }
            _ => {
                let mut alone = DynamicMessage::new(message.descriptor());
                alone.set_field(&field, value.clone());
                out.extend(alone.encode_to_vec());
            }
        }
    }
    out
}

fn encode_entry(field: &FieldDescriptor, key: Value, value: Value) -> Vec<u8> {
    let Some(descriptor) = field.kind().as_message().cloned() else { return Vec::new() };
    let mut entry = DynamicMessage::new(descriptor.clone());
    entry.set_field(&descriptor.map_entry_key_field(), key);
    entry.set_field(&descriptor.map_entry_value_field(), value);
    encode(&entry)
}

fn put(out: &mut Vec<u8>, field: &FieldDescriptor, bytes: &[u8]) {
    encode_key(field.number(), WireType::LengthDelimited, out);
    encode_varint(bytes.len() as u64, out);
    out.extend_from_slice(bytes);
}
