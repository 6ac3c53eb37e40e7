//! The generated messages against the tables of facts that they are made of.

use std::collections::HashMap;

use prost::Name;
use prost_reflect::{FieldDescriptor, Kind, MessageDescriptor};
use quicgate::config::proto::envoy::config::bootstrap::v3::Bootstrap;
use quicgate::config::{descriptors, is_sensitive};

const TABLES: [&str; 2] = [include_str!("../../src/config/schema.tsv"), include_str!("../../src/config/own.tsv")];

/// A field as (number, name, type), the type as the table writes it.
type Field = (u32, String, String);

fn table() -> HashMap<&'static str, Vec<Field>> {
    let mut table: HashMap<&str, Vec<Field>> = HashMap::new();
    let mut message = "";
    for line in TABLES.into_iter().flat_map(str::lines) {
        let columns: Vec<&str> = line.split('\t').collect();
        if let Some(name) = columns[0].strip_prefix("message ") {
            message = name;
            table.entry(message).or_default();
        } else if let Some(number) = columns[0].strip_prefix("  ").and_then(|number| number.parse().ok()) {
            table.entry(message).or_default().push((number, columns[1].to_owned(), columns[2].to_owned()));
        }
    }
    table
}

fn written(field: &FieldDescriptor) -> Field {
    let kind = match field.kind() {
        Kind::Message(entry) if field.is_map() => {
            format!(
                "map<{},{}>",
                name(&entry.map_entry_key_field().kind()),
                name(&entry.map_entry_value_field().kind())
            )
        }
        kind if field.is_list() => format!("repeated {}", name(&kind)),
        kind => name(&kind),
    };
    (field.number(), field.name().to_owned(), kind)
}

fn name(kind: &Kind) -> String {
    match kind {
        Kind::Message(message) => message.full_name().to_owned(),
        Kind::Enum(item) => item.full_name().to_owned(),
        scalar => format!("{scalar:?}").to_lowercase(),
    }
}

#[test]
fn every_message_has_the_fields_of_the_table() {
    let table = table();
    let messages: Vec<MessageDescriptor> =
        descriptors().all_messages().filter(|message| !message.is_map_entry()).collect();
    assert!(messages.len() > 400, "only {} messages", messages.len());
    for message in messages {
        let mut expected = table[message.full_name()].clone();
        expected.sort();
        let mut found: Vec<Field> = message.fields().map(|field| written(&field)).collect();
        found.sort();
        assert_eq!(found, expected, "{}", message.full_name());
    }
}

#[test]
fn a_message_knows_its_type_url() {
    assert_eq!(Bootstrap::type_url(), "type.googleapis.com/envoy.config.bootstrap.v3.Bootstrap");
}

#[test]
fn a_private_key_is_sensitive() {
    let message =
        descriptors().get_message_by_name("envoy.extensions.transport_sockets.tls.v3.TlsCertificate").unwrap();
    assert!(is_sensitive(&message.get_field_by_name("private_key").unwrap()));
    assert!(!is_sensitive(&message.get_field_by_name("certificate_chain").unwrap()));
}
