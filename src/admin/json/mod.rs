//! Protobuf messages as JSON, in the form in which Envoy's admin interface prints them: field names as in the proto file,
//! in the order of their numbers, 64-bit integers as strings, an `Any` as its content with `@type`, one space of indent.
//!
//! What a field holds that is marked sensitive is never shown: `[redacted]` stands for it.

mod well_known;

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use prost::{Message, Name};
use prost_reflect::{DynamicMessage, FieldDescriptor, Kind, MapKey, ReflectMessage, Value as Field};
use serde_json::{Map, Value};

use crate::config::{descriptors, is_sensitive, type_name};

/// How fields are shown that hold their default.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Defaults {
    /// They are left out.
    Omitted,
    /// They are shown, but for messages and what is optional.
    Shown,
}

/// The message, to be read by the names of its fields; none where no descriptor has its type.
pub(super) fn dynamic<M: Message + Name>(message: &M) -> Option<DynamicMessage> {
    unpacked(&M::full_name(), &message.encode_to_vec())
}

/// The message in an `Any` of that type.
pub(super) fn unpacked(name: &str, bytes: &[u8]) -> Option<DynamicMessage> {
    DynamicMessage::decode(descriptors().get_message_by_name(name)?, bytes).ok()
}

/// The message as JSON.
pub(super) fn value<M: Message + Name>(message: &M, defaults: Defaults) -> Value {
    dynamic(message).map_or(Value::Null, |message| Printer { defaults }.message(&message, Secrecy::Open))
}

/// The message as JSON, as it is printed inside an `Any`: with `@type`.
pub(super) fn with_type(message: &DynamicMessage) -> Value {
    let url = format!("type.googleapis.com/{}", message.descriptor().full_name());
    Printer { defaults: Defaults::Omitted }.any(&url, message, Secrecy::Open)
}

/// The text that Envoy makes of it: one space of indent, a newline at the end.
pub(super) fn pretty(value: &Value) -> String {
    let mut text = Vec::new();
    let indent = serde_json::ser::PrettyFormatter::with_indent(b" ");
    let mut printer = serde_json::Serializer::with_formatter(&mut text, indent);
    // A value of strings, numbers and maps with string keys can always be written to memory.
    let _ = serde::Serialize::serialize(value, &mut printer);
    text.push(b'\n');
    String::from_utf8_lossy(&text).into_owned()
}

/// Whether a field, or one that it is in, is marked sensitive.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Secrecy {
    Open,
    Secret,
}

struct Printer {
    defaults: Defaults,
}

impl Printer {
    fn message(&self, message: &DynamicMessage, secrecy: Secrecy) -> Value {
        if message.descriptor().full_name() == "google.protobuf.Any" {
            return self.packed(message, secrecy);
        }
        match well_known::value(message, secrecy) {
            Some(value) => value,
            None => Value::Object(self.fields(message, secrecy)),
        }
    }

    fn fields(&self, message: &DynamicMessage, secrecy: Secrecy) -> Map<String, Value> {
        let descriptor = message.descriptor();
        let mut fields: Vec<FieldDescriptor> = descriptor.fields().collect();
        fields.sort_by_key(FieldDescriptor::number);
        let shown = |field: &FieldDescriptor| {
            message.has_field(field) || (self.defaults == Defaults::Shown && !field.supports_presence())
        };
        let mut map = Map::new();
        for field in fields.iter().filter(|field| shown(field)) {
            let secrecy = if is_secret(field) { Secrecy::Secret } else { secrecy };
            if let Some(value) = self.field(&message.get_field(field), field, secrecy) {
                map.insert(field.name().to_owned(), value);
            }
        }
        map
    }

    /// The whole of a field; none where it is a secret that no text can stand for.
    fn field(&self, held: &Field, field: &FieldDescriptor, secrecy: Secrecy) -> Option<Value> {
        match held {
            Field::List(items) => {
                let one = |item| self.single(item, &field.kind(), secrecy);
                items.iter().map(one).collect::<Option<_>>().map(Value::Array)
            }
            Field::Map(entries) => {
                let Kind::Message(entry) = field.kind() else { return None };
                let kind = entry.map_entry_value_field().kind();
                // Keys are shown even of secrets: one text for all of them would leave one entry.
                let one = |(key, held)| Some((key_text(key), self.single(held, &kind, secrecy)?));
                let mut entries = entries.iter().map(one).collect::<Option<Vec<_>>>()?;
                entries.sort_by(|(one, _), (other, _)| one.cmp(other));
                Some(Value::Object(entries.into_iter().collect()))
            }
            single => self.single(single, &field.kind(), secrecy),
        }
    }

    fn single(&self, held: &Field, kind: &Kind, secrecy: Secrecy) -> Option<Value> {
        match (held, secrecy) {
            (Field::Message(message), secrecy) => Some(self.message(message, secrecy)),
            (Field::String(_), Secrecy::Secret) => Some(REDACTED.into()),
            (Field::Bytes(_), Secrecy::Secret) => Some(BASE64_STANDARD.encode(REDACTED).into()),
            (_, Secrecy::Secret) => None,
            (held, Secrecy::Open) => Some(scalar(held, kind)),
        }
    }

    fn packed(&self, any: &DynamicMessage, secrecy: Secrecy) -> Value {
        let url = any.get_field_by_name("type_url");
        let url = url.as_ref().and_then(|url| url.as_str()).unwrap_or_default();
        let bytes = any.get_field_by_name("value");
        let bytes = bytes.as_ref().and_then(|bytes| bytes.as_bytes()).cloned().unwrap_or_default();
        match unpacked(type_name(url), &bytes) {
            Some(message) => self.any(url, &message, secrecy),
            // What cannot be read cannot be redacted: only its name is shown.
            None if url.is_empty() => Value::Object(Map::new()),
            None => Value::Object(Map::from_iter([("@type".to_owned(), url.into())])),
        }
    }

    fn any(&self, url: &str, message: &DynamicMessage, secrecy: Secrecy) -> Value {
        let mut map = Map::from_iter([("@type".to_owned(), url.into())]);
        match self.message(message, secrecy) {
            Value::Object(fields) if !well_known::is_one(message) => map.extend(fields),
            value => {
                map.insert("value".to_owned(), value);
            }
        }
        Value::Object(map)
    }
}

/// Whether what the field holds is never shown. A struct that stands for a message may hold anything, under any name.
fn is_secret(field: &FieldDescriptor) -> bool {
    is_sensitive(field) || (field.name() == "value" && field.parent_message().name() == "TypedStruct")
}

fn scalar(held: &Field, kind: &Kind) -> Value {
    match held {
        Field::Bool(value) => (*value).into(),
        Field::I32(value) => (*value).into(),
        Field::U32(value) => (*value).into(),
        // As JSON's numbers are doubles to many readers, these are strings.
        Field::I64(value) => value.to_string().into(),
        Field::U64(value) => value.to_string().into(),
        // The shortest digits that say it, not those of the double next to it.
        Field::F32(value) => number(value.to_string().parse().unwrap_or(f64::from(*value))),
        Field::F64(value) => number(*value),
        Field::String(value) => value.as_str().into(),
        Field::Bytes(value) => BASE64_STANDARD.encode(value).into(),
        Field::EnumNumber(value) => {
            let named = kind.as_enum().and_then(|kind| kind.get_value(*value).map(|value| value.name().to_owned()));
            named.map_or_else(|| (*value).into(), Value::from)
        }
        Field::Message(_) | Field::List(_) | Field::Map(_) => Value::Null,
    }
}

/// A number, without a fraction where it has none; what is no number as a word.
#[expect(clippy::cast_possible_truncation, reason = "the bounds are those within which a double holds every integer")]
fn number(value: f64) -> Value {
    if value.fract() == 0.0 && value.abs() < 9_007_199_254_740_992.0 {
        return (value as i64).into();
    }
    match serde_json::Number::from_f64(value) {
        Some(number) => number.into(),
        None if value.is_nan() => "NaN".into(),
        None if value > 0.0 => "Infinity".into(),
        None => "-Infinity".into(),
    }
}

fn key_text(key: &MapKey) -> String {
    match key {
        MapKey::Bool(key) => key.to_string(),
        MapKey::I32(key) => key.to_string(),
        MapKey::I64(key) => key.to_string(),
        MapKey::U32(key) => key.to_string(),
        MapKey::U64(key) => key.to_string(),
        MapKey::String(key) => key.clone(),
    }
}

/// What stands for a secret.
const REDACTED: &str = "[redacted]";

#[cfg(test)]
mod tests;
