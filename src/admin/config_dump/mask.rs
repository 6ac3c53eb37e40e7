//! A field mask: which fields of a message are shown.

use std::collections::BTreeMap;
use std::fmt;

use prost::Message;
use prost_reflect::{DynamicMessage, FieldDescriptor, Kind, ReflectMessage, Value};

use crate::admin::json::unpacked;
use crate::config::type_name;

/// Paths of fields: `listener.name,last_updated`. A path leads through messages, also packed ones, not through lists.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Mask(Vec<Vec<String>>);

/// The mask names a field that the message does not have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Unfit;

impl Mask {
    /// Reads a mask; whether it fits shows when it is applied.
    pub(super) fn parse(text: &str) -> Self {
        Self(text.split(',').map(|path| path.split('.').map(str::to_owned).collect()).collect())
    }

    /// The message with nothing but what the mask names.
    ///
    /// # Errors
    /// [`Unfit`]
    pub(super) fn cut(&self, mut message: DynamicMessage) -> Result<DynamicMessage, Unfit> {
        // Messages may hold their own kind: a path must not lead deeper than any message goes.
        if self.0.iter().any(|path| path.len() > DEPTH) {
            return Err(Unfit);
        }
        cut(&mut message, &self.0.iter().map(Vec::as_slice).collect::<Vec<_>>())?;
        Ok(message)
    }
}

impl fmt::Display for Mask {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let paths: Vec<String> = self.0.iter().map(|path| path.join(".")).collect();
        f.write_str(&paths.join(","))
    }
}

fn cut(message: &mut DynamicMessage, paths: &[&[String]]) -> Result<(), Unfit> {
    let mut kept: BTreeMap<&str, Vec<&[String]>> = BTreeMap::new();
    for path in paths {
        let (first, rest) = path.split_first().ok_or(Unfit)?;
        kept.entry(first.as_str()).or_default().push(rest);
    }
    let descriptor = message.descriptor();
    if kept.keys().any(|name| descriptor.get_field_by_name(name).is_none()) {
        return Err(Unfit);
    }
    for field in descriptor.fields() {
        match kept.get(field.name()) {
            None => message.clear_field(&field),
            Some(rests) if rests.iter().any(|rest| rest.is_empty()) => {}
            Some(rests) => cut_field(message, &field, rests)?,
        }
    }
    Ok(())
}

fn cut_field(message: &mut DynamicMessage, field: &FieldDescriptor, rests: &[&[String]]) -> Result<(), Unfit> {
    let Kind::Message(kind) = field.kind() else { return Err(Unfit) };
    if field.is_list() || field.is_map() {
        return Err(Unfit);
    }
    if !message.has_field(field) {
        // Nothing to cut; the mask has to fit all the same. What would be packed there is not known.
        let packed = kind.full_name() == ANY;
        return if packed { Ok(()) } else { cut(&mut DynamicMessage::new(kind), rests) };
    }
    match message.get_field_mut(field) {
        Value::Message(inner) if kind.full_name() == ANY => cut_packed(inner, rests),
        Value::Message(inner) => cut(inner, rests),
        _ => Err(Unfit),
    }
}

fn cut_packed(any: &mut DynamicMessage, rests: &[&[String]]) -> Result<(), Unfit> {
    let url = any.get_field_by_name("type_url").and_then(|url| url.as_str().map(str::to_owned)).ok_or(Unfit)?;
    let bytes = any.get_field_by_name("value").and_then(|bytes| bytes.as_bytes().cloned()).ok_or(Unfit)?;
    let mut inner = unpacked(type_name(&url), &bytes).ok_or(Unfit)?;
    cut(&mut inner, rests)?;
    any.set_field_by_name("value", Value::Bytes(inner.encode_to_vec().into()));
    Ok(())
}

/// How deep a protobuf message may be.
const DEPTH: usize = 100;

const ANY: &str = "google.protobuf.Any";
