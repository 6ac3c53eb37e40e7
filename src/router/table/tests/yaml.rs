//! Messages written in YAML, whatever the support table says of their fields.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use prost_reflect::{DynamicMessage, FieldDescriptor, Kind, MessageDescriptor, Value};
use serde_json::Value as Json;

use crate::config::descriptors;
use crate::config::proto::envoy::config::route::v3::RouteConfiguration;

/// A route configuration.
pub(super) fn route_configuration(yaml: &str) -> RouteConfiguration {
    let json: Json = serde_yaml::from_str(yaml).unwrap_or_else(|error| panic!("{error}\n{yaml}"));
    let descriptor = descriptors().get_message_by_name("envoy.config.route.v3.RouteConfiguration").unwrap();
    message(&descriptor, &json).transcode_to().unwrap()
}

fn message(descriptor: &MessageDescriptor, json: &Json) -> DynamicMessage {
    let mut message = DynamicMessage::new(descriptor.clone());
    let Some(fields) = json.as_object() else {
        // A wrapper such as BoolValue is written as what it holds.
        let field = descriptor.get_field_by_name("value").unwrap();
        message.set_field(&field, value(&field, json));
        return message;
    };
    for (name, json) in fields {
        let field = descriptor.get_field_by_name(name).unwrap_or_else(|| panic!("{}: {name}", descriptor.full_name()));
        let value = match json {
            Json::Array(items) => Value::List(items.iter().map(|item| value(&field, item)).collect()),
            json => value(&field, json),
        };
        message.set_field(&field, value);
    }
    message
}

fn value(field: &FieldDescriptor, json: &Json) -> Value {
    let text = || json.as_str().unwrap_or_else(|| panic!("{}: {json}", field.full_name()));
    match field.kind() {
        Kind::Message(descriptor) => Value::Message(message(&descriptor, json)),
        Kind::Enum(descriptor) => Value::EnumNumber(descriptor.get_value_by_name(text()).unwrap().number()),
        Kind::Bool => Value::Bool(json.as_bool().unwrap()),
        Kind::Int64 => Value::I64(json.as_i64().unwrap()),
        Kind::Uint32 => Value::U32(json.as_u64().and_then(|number| u32::try_from(number).ok()).unwrap()),
        Kind::Bytes => Value::Bytes(STANDARD.decode(text()).unwrap().into()),
        Kind::String => Value::String(text().to_owned()),
        kind => panic!("{}: no test writes a {kind:?}", field.full_name()),
    }
}
