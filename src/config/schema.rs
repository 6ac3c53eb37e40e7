//! What is known of Envoy's API at run time: descriptors, and the facts that descriptors do not carry.
//!
//! Both are made at build time from `schema.tsv`.

use std::sync::LazyLock;

use prost_reflect::{DescriptorPool, EnumValueDescriptor, FieldDescriptor, MessageDescriptor};

use super::rules::{Bound, Rule};

use tables::{DEPRECATED_VALUES, MESSAGES, UNTYPED};

/// Made by the build script.
#[expect(clippy::unreadable_literal, reason = "generated code")]
mod tables {
    use super::{Bound, FieldFacts, MessageFacts, Rule};

    include!(concat!(env!("OUT_DIR"), "/facts.rs"));
}

/// What is known of a message besides its descriptor.
pub(crate) struct MessageFacts {
    name: &'static str,
    /// Oneofs of which an arm has to be set.
    pub(crate) required_oneofs: &'static [&'static str],
    pub(crate) fields: &'static [FieldFacts],
}

/// What is known of a field besides its descriptor.
pub(crate) struct FieldFacts {
    pub(crate) name: &'static str,
    pub(crate) deprecated: bool,
    /// Its value is a secret.
    pub(crate) sensitive: bool,
    pub(crate) rules: &'static [Rule],
}

impl MessageFacts {
    /// The facts of a message, if there are any.
    pub(crate) fn of(message: &str) -> Option<&'static Self> {
        let index = MESSAGES.binary_search_by(|facts| facts.name.cmp(message)).ok()?;
        MESSAGES.get(index)
    }

    pub(crate) fn field(&self, name: &str) -> Option<&'static FieldFacts> {
        self.fields.iter().find(|field| field.name == name)
    }
}

/// The descriptors of every message that has a Rust type, for reading and showing messages by their field names.
#[must_use]
pub fn descriptors() -> &'static DescriptorPool {
    static POOL: LazyLock<DescriptorPool> = LazyLock::new(|| {
        let encoded: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/descriptors.bin"));
        // The build script encoded them: were they broken, every message would be unknown and every test would fail.
        DescriptorPool::decode(encoded).unwrap_or_default()
    });
    &POOL
}

/// The descriptor of a message, by full name.
pub(crate) fn message(name: &str) -> Option<MessageDescriptor> {
    descriptors().get_message_by_name(name)
}

/// Every rule of every field.
#[cfg(test)]
pub(crate) fn rules() -> impl Iterator<Item = &'static Rule> {
    MESSAGES.iter().flat_map(|message| message.fields).flat_map(|field| field.rules)
}

/// Every message that Envoy has and for which there is no Rust type.
#[cfg(test)]
pub(crate) fn untyped() -> &'static [&'static str] {
    UNTYPED
}

/// Whether Envoy has a message of this name for which there is no Rust type.
pub(crate) fn is_untyped(name: &str) -> bool {
    UNTYPED.binary_search(&name).is_ok()
}

/// Whether the field holds a secret, which is never shown.
#[must_use]
pub fn is_sensitive(field: &FieldDescriptor) -> bool {
    let facts = MessageFacts::of(field.parent_message().full_name());
    facts.and_then(|facts| facts.field(field.name())).is_some_and(|facts| facts.sensitive)
}

/// Whether the name of the enum value is deprecated.
pub(crate) fn is_deprecated(value: &EnumValueDescriptor) -> bool {
    let name = format!("{}.{}", value.parent_enum().full_name(), value.name());
    DEPRECATED_VALUES.binary_search(&name.as_str()).is_ok()
}
