//! `Any`: a message that names its own type.
//!
//! It is decoded here by that type, strictly, and packed again, so that its owner on a higher floor gets a message
//! without faults. A `TypedStruct`, which names the type of a struct, is packed as the message that it stands for.

use prost::bytes::Bytes;
use prost_reflect::{DynamicMessage, MessageDescriptor, Value};

use super::{Decoder, did_you_mean, encode, fault, fault_with_hint};
use crate::config::any::type_name;
use crate::config::at::{At, Invalid};
use crate::config::diagnostic::Code;
use crate::config::node::{Content, Entry, Location, Node, Quoted};
use crate::config::spelling::nearest;
use crate::config::{schema, support};

impl Decoder {
    /// The message under a node, packed.
    pub(super) fn any(self, at: At<'_>, node: &Node, descriptor: &MessageDescriptor) -> Option<DynamicMessage> {
        let Content::Mapping(entries) = &node.content else {
            if node.is_null() {
                return Some(DynamicMessage::new(descriptor.clone()));
            }
            fault(at, node.location, format!("expected a mapping with `@type`, found {}", node.describe()));
            return None;
        };
        let Some(entry) = only(at, entries, "@type").ok()? else {
            let meant = entries.iter().find(|entry| nearest(&entry.key, ["@type"].into_iter()).is_some());
            let location = meant.map_or(node.location, |entry| entry.location);
            let message = "`@type` is missing: it names the message, as `type.googleapis.com/...`".to_owned();
            fault_with_hint(at, location, message, meant.map(|_| did_you_mean("@type")));
            return None;
        };
        let url = type_url(at.field("@type"), &entry.value)?;
        if is_typed_struct(type_name(&url)) {
            return self.typed_struct(at, entries, &schema::message(type_name(&url))?, descriptor);
        }
        let inner = named(at.field("@type"), entry.value.location, &url)?;
        let message = match node.entry("value").filter(|_| has_own_form(&inner)) {
            Some(value) => self.well_known(at.field("value"), &value.value, &inner)?,
            None => self.fields(at, entries.iter().filter(|entry| entry.key != "@type"), &inner),
        };
        Some(pack(descriptor, &url, &message))
    }

    /// A `TypedStruct` names its message by a type URL or a bare name. Without a value that message has nothing set.
    fn typed_struct(
        self,
        at: At<'_>,
        entries: &[Entry],
        typed_struct: &MessageDescriptor,
        any: &MessageDescriptor,
    ) -> Option<DynamicMessage> {
        let own = entries.iter().filter(|entry| !matches!(entry.key.as_str(), "@type" | "value"));
        let own = self.fields(at, own, typed_struct);
        let url = own.get_field_by_name("type_url")?.as_str()?.to_owned();
        if url.is_empty() {
            at.field("type_url").error("is not set: it names the message that the TypedStruct stands for");
            return None;
        }
        let location = entries.iter().find(|entry| matches!(entry.key.as_str(), "type_url" | "typeUrl"));
        let location = location.or(entries.first()).map(|entry| entry.value.location)?;
        let inner = named(at.field("type_url"), location, &url)?;
        let message = match only(at, entries, "value").ok()? {
            Some(entry) => self.message(at, &entry.value, &inner)?,
            None => self.fields(at, [].iter(), &inner),
        };
        Some(pack(any, &format!("{TYPE_HOST}{}", inner.full_name()), &message))
    }
}

fn type_url(at: At<'_>, node: &Node) -> Option<String> {
    let Content::Scalar(url) = &node.content else {
        fault(at, node.location, format!("expected a type URL, found {}", node.describe()));
        return None;
    };
    if url.text.find('/').is_some_and(|slash| slash > 0) {
        return Some(url.text.clone());
    }
    let message = format!("{} is no type URL: it has a host and a slash before the name", Quoted(&url.text));
    let hint = schema::message(&url.text).map(|_| did_you_mean(&format!("{TYPE_HOST}{}", url.text)));
    fault_with_hint(at, node.location, message, hint);
    None
}

/// The entry under a key that is no field, if there is one; a second is a fault.
fn only<'n>(at: At<'_>, entries: &'n [Entry], key: &str) -> Result<Option<&'n Entry>, Invalid> {
    let mut entries = entries.iter().filter(|entry| entry.key == key);
    let first = entries.next();
    if let (Some(first), Some(second)) = (first, entries.next()) {
        let message = format!("`{key}` is already set in line {}", first.location.line);
        return Err(at.field(key).add(Code::Invalid, Some(second.location), message, None));
    }
    Ok(first)
}

/// The descriptor of a type that may stand in an Any: one that is supported.
fn named(at: At<'_>, location: Location, url: &str) -> Option<MessageDescriptor> {
    let name = type_name(url);
    if is_typed_struct(name) {
        fault(at, location, "a TypedStruct may not hold another".to_owned());
        return None;
    }
    let known = schema::message(name);
    if known.is_some() && (support::is_type(name) || name.starts_with("google.protobuf.")) {
        return known;
    }
    if known.is_some() || schema::is_untyped(name) || support::refuses_type(name) {
        at.add(Code::NotImplemented, Some(location), support::type_refusal(name), None);
        return None;
    }
    let near = at.nearest(name, support::messages());
    let message = format!("{} is no type that Envoy 1.40 has", Quoted(name));
    at.add(Code::Unknown, Some(location), message, near.map(did_you_mean));
    None
}

/// Messages that stand in an Any under `value`, for they have a form other than a mapping of fields.
fn has_own_form(descriptor: &MessageDescriptor) -> bool {
    descriptor.full_name().starts_with("google.protobuf.") && descriptor.name() != "Empty"
}

fn is_typed_struct(name: &str) -> bool {
    matches!(name, "xds.type.v3.TypedStruct" | "udpa.type.v1.TypedStruct")
}

fn pack(descriptor: &MessageDescriptor, url: &str, message: &DynamicMessage) -> DynamicMessage {
    let mut any = DynamicMessage::new(descriptor.clone());
    any.set_field_by_name("type_url", Value::String(url.to_owned()));
    any.set_field_by_name("value", Value::Bytes(Bytes::from(encode(message))));
    any
}

/// What a type URL begins with by custom; any host will do.
const TYPE_HOST: &str = "type.googleapis.com/";
