//! `Any`: a message that names its own type.
//!
//! It is decoded here by that type, strictly, and packed again, so that its owner on a higher floor gets a message
//! without faults. A `TypedStruct`, which names the type of a struct, is packed as the message that it stands for.

use prost::bytes::Bytes;
use prost_reflect::{DynamicMessage, MessageDescriptor, Value};

use super::{Decoder, did_you_mean, encode, fault, fault_with_hint};
use crate::config::any::type_name;
use crate::config::at::At;
use crate::config::node::{Content, Location, Node, Quoted};
use crate::config::spelling::nearest;
use crate::config::{schema, support};

impl Decoder {
    /// The message under a node, packed.
    pub(super) fn any(self, at: At<'_>, node: &Node, descriptor: &MessageDescriptor) -> Option<DynamicMessage> {
        let Content::Mapping(entries) = &node.content else {
            if node.is_null() {
                return Some(DynamicMessage::new(descriptor.clone()));
            }
            let found = node.describe(self.syntax);
            fault(at, node.location, format!("expected a mapping with `@type`, found {found}"));
            return None;
        };
        let mut types = entries.iter().filter(|entry| entry.key == "@type");
        let Some(entry) = types.next() else {
            fault(
                at,
                node.location,
                "`@type` is missing: it names the message, as `\"@type\": type.googleapis.com/...`".to_owned(),
            );
            return None;
        };
        if let Some(second) = types.next() {
            let message = format!("`@type` is already set in line {}", entry.location.line);
            fault(at.field("@type"), second.location, message);
            return None;
        }
        let url = self.type_url(at.field("@type"), &entry.value)?;
        if is_typed_struct(type_name(&url)) {
            return self.typed_struct(at, node, descriptor);
        }
        let inner = self.named(at.field("@type"), entry.value.location, &url)?;
        let message = match node.entry("value").filter(|_| has_own_form(&inner)) {
            Some(value) => self.well_known(at.field("value"), &value.value, &inner)?,
            None => self.message(at, node, &inner)?,
        };
        Some(pack(descriptor, &url, &message))
    }

    /// A `TypedStruct` may carry a type URL or a bare name. Without a value it is the message with nothing set.
    fn typed_struct(self, at: At<'_>, node: &Node, descriptor: &MessageDescriptor) -> Option<DynamicMessage> {
        let Content::Mapping(entries) = &node.content else { return None };
        let known = |key: &str| matches!(key, "@type" | "type_url" | "typeUrl" | "value");
        for entry in entries.iter().filter(|entry| !known(&entry.key)) {
            let near = nearest(&entry.key, ["type_url", "value"].into_iter()).map(did_you_mean);
            let message = format!("unknown field {} in a TypedStruct", Quoted(&entry.key));
            fault_with_hint(at.field(&entry.key), entry.location, message, near);
        }
        let Some(entry) = node.entry("type_url").or_else(|| node.entry("typeUrl")) else {
            fault(
                at,
                node.location,
                "`type_url` is missing: a TypedStruct names the message that it stands for".to_owned(),
            );
            return None;
        };
        let Content::Scalar(url) = &entry.value.content else {
            fault(at.field("type_url"), entry.value.location, "expected a type URL".to_owned());
            return None;
        };
        let inner = self.named(at.field("type_url"), entry.value.location, &url.text)?;
        let message = match node.entry("value") {
            Some(value) => self.message(at, &value.value, &inner)?,
            None => {
                self.message(at, &Node { location: node.location, content: Content::Mapping(Vec::new()) }, &inner)?
            }
        };
        let whole = entries.iter().all(|entry| known(&entry.key));
        whole.then(|| pack(descriptor, &format!("{TYPE_HOST}{}", inner.full_name()), &message))
    }

    fn type_url(self, at: At<'_>, node: &Node) -> Option<String> {
        let Content::Scalar(url) = &node.content else {
            fault(at, node.location, format!("expected a type URL, found {}", node.describe(self.syntax)));
            return None;
        };
        match url.text.split_once('/') {
            Some((host, _)) if !host.is_empty() => Some(url.text.clone()),
            _ => {
                let message =
                    format!("{} is no type URL: it has a host and a slash before the name", Quoted(&url.text));
                let hint = schema::message(&url.text).map(|_| did_you_mean(&format!("{TYPE_HOST}{}", url.text)));
                fault_with_hint(at, node.location, message, hint);
                None
            }
        }
    }

    /// The descriptor of a type that may stand in an Any: one that is supported.
    fn named(self, at: At<'_>, location: Location, url: &str) -> Option<MessageDescriptor> {
        let name = type_name(url);
        let known = schema::message(name);
        if known.is_some() && (support::fields(name).is_some() || name.starts_with("google.protobuf.")) {
            return known;
        }
        if known.is_some() || schema::is_untyped(name) {
            fault(at, location, format!("`{name}` is known to Envoy 1.40 but not implemented by Quicgate yet"));
            return None;
        }
        let near = nearest(name, support::messages());
        fault_with_hint(
            at,
            location,
            format!("{} is no type that Envoy 1.40 has", Quoted(name)),
            near.map(did_you_mean),
        );
        None
    }
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
