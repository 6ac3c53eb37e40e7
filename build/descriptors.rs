//! Proto descriptors out of the table, as a compiler of `.proto` files would give them.
//!
//! They carry no options: what is deprecated and which rules hold is told by the table of facts beside them.

use std::collections::{BTreeSet, HashMap};

use prost_types::field_descriptor_proto::{Label as ProtoLabel, Type};
use prost_types::{
    DescriptorProto, EnumDescriptorProto, EnumOptions, EnumValueDescriptorProto, FieldDescriptorProto,
    FileDescriptorProto, FileDescriptorSet, MessageOptions, OneofDescriptorProto,
};

use crate::table::{Enum, Field, File, Kind, Label, Message};

/// The descriptors of `files`, nested types inside the messages that hold them.
pub(crate) fn descriptor_set(files: &[File]) -> FileDescriptorSet {
    let mut homes = HashMap::new();
    for file in files {
        let names = file.messages.iter().map(|message| &message.name).chain(file.enums.iter().map(|item| &item.name));
        homes.extend(names.map(|name| (name.as_str(), file.path.as_str())));
    }
    FileDescriptorSet { file: files.iter().map(|file| file_descriptor(file, &homes)).collect() }
}

fn file_descriptor(file: &File, homes: &HashMap<&str, &str>) -> FileDescriptorProto {
    let fields = file.messages.iter().flat_map(|message| &message.fields);
    let imports: BTreeSet<String> = fields.filter_map(|field| import(&field.kind, homes)).collect();
    FileDescriptorProto {
        name: Some(file.path.clone()),
        package: Some(file.package.clone()),
        dependency: imports.into_iter().filter(|import| *import != file.path).collect(),
        message_type: messages_in(file, &file.package),
        enum_type: enums_in(file, &file.package),
        syntax: Some("proto3".to_owned()),
        ..FileDescriptorProto::default()
    }
}

/// The file that defines what a field refers to.
fn import(kind: &Kind, homes: &HashMap<&str, &str>) -> Option<String> {
    let name = match kind {
        Kind::Scalar(_) => return None,
        Kind::Map { value, .. } => return import(value, homes),
        Kind::Message(name) | Kind::Enum(name) => name.as_str(),
    };
    homes.get(name).map(|&path| path.to_owned())
}

/// The messages whose full name stands directly under `scope`, a package or a message.
fn messages_in(file: &File, scope: &str) -> Vec<DescriptorProto> {
    file.messages
        .iter()
        .filter_map(|message| Some(message_descriptor(file, message, name_in(&message.name, scope)?)))
        .collect()
}

fn enums_in(file: &File, scope: &str) -> Vec<EnumDescriptorProto> {
    file.enums.iter().filter_map(|item| Some(enum_descriptor(item, name_in(&item.name, scope)?))).collect()
}

fn name_in<'a>(full: &'a str, scope: &str) -> Option<&'a str> {
    full.strip_prefix(scope)?.strip_prefix('.').filter(|name| !name.contains('.'))
}

fn message_descriptor(file: &File, message: &Message, name: &str) -> DescriptorProto {
    let entries = message.fields.iter().filter_map(map_entry);
    let mut descriptor = DescriptorProto {
        name: Some(name.to_owned()),
        nested_type: messages_in(file, &message.name).into_iter().chain(entries).collect(),
        enum_type: enums_in(file, &message.name),
        oneof_decl: message.oneofs.iter().map(|oneof| oneof_descriptor(&oneof.name)).collect(),
        ..DescriptorProto::default()
    };
    for field in &message.fields {
        let mut proto = field_descriptor(field, &message.name);
        let arm_of = |name: &String| message.oneofs.iter().position(|oneof| oneof.name == *name);
        proto.oneof_index = field.oneof.as_ref().and_then(arm_of).and_then(|index| i32::try_from(index).ok());
        if field.label == Label::Optional {
            // Presence of a proto3 scalar is a oneof of its own.
            proto.proto3_optional = Some(true);
            proto.oneof_index = i32::try_from(descriptor.oneof_decl.len()).ok();
            descriptor.oneof_decl.push(oneof_descriptor(&format!("_{}", field.name)));
        }
        descriptor.field.push(proto);
    }
    descriptor
}

fn oneof_descriptor(name: &str) -> OneofDescriptorProto {
    OneofDescriptorProto { name: Some(name.to_owned()), ..OneofDescriptorProto::default() }
}

fn field_descriptor(field: &Field, message: &str) -> FieldDescriptorProto {
    let label = match (&field.kind, field.label) {
        (Kind::Map { .. }, _) | (_, Label::Repeated) => ProtoLabel::Repeated,
        _ => ProtoLabel::Optional,
    };
    let kind = match &field.kind {
        Kind::Map { .. } => Kind::Message(format!("{message}.{}", entry_name(&field.name))),
        kind => kind.clone(),
    };
    FieldDescriptorProto {
        name: Some(field.name.clone()),
        number: Some(field.number),
        label: Some(label.into()),
        ..typed(&kind)
    }
}

/// A map is a repeated message of a key and a value.
fn map_entry(field: &Field) -> Option<DescriptorProto> {
    let Kind::Map { key, value } = &field.kind else { return None };
    let part = |name: &str, number, kind: &Kind| FieldDescriptorProto {
        name: Some(name.to_owned()),
        number: Some(number),
        label: Some(ProtoLabel::Optional.into()),
        ..typed(kind)
    };
    Some(DescriptorProto {
        name: Some(entry_name(&field.name)),
        field: vec![part("key", 1, &Kind::Scalar(key.clone())), part("value", 2, value)],
        options: Some(MessageOptions { map_entry: Some(true), ..MessageOptions::default() }),
        ..DescriptorProto::default()
    })
}

fn entry_name(field: &str) -> String {
    let words = field.split('_').map(|word| {
        let mut letters = word.chars();
        letters.next().map(|first| first.to_ascii_uppercase()).into_iter().chain(letters).collect::<String>()
    });
    words.chain(["Entry".to_owned()]).collect()
}

fn typed(kind: &Kind) -> FieldDescriptorProto {
    let (kind, name) = match kind {
        Kind::Scalar(name) => (scalar(name), None),
        Kind::Enum(name) => (Type::Enum, Some(format!(".{name}"))),
        Kind::Message(name) => (Type::Message, Some(format!(".{name}"))),
        Kind::Map { .. } => (Type::Message, None),
    };
    FieldDescriptorProto { r#type: Some(kind.into()), type_name: name, ..FieldDescriptorProto::default() }
}

fn scalar(name: &str) -> Type {
    match name {
        "bool" => Type::Bool,
        "bytes" => Type::Bytes,
        "double" => Type::Double,
        "fixed32" => Type::Fixed32,
        "fixed64" => Type::Fixed64,
        "float" => Type::Float,
        "int32" => Type::Int32,
        "int64" => Type::Int64,
        "sfixed32" => Type::Sfixed32,
        "sfixed64" => Type::Sfixed64,
        "sint32" => Type::Sint32,
        "sint64" => Type::Sint64,
        "uint32" => Type::Uint32,
        "uint64" => Type::Uint64,
        _ => Type::String,
    }
}

fn enum_descriptor(item: &Enum, name: &str) -> EnumDescriptorProto {
    let mut numbers = BTreeSet::new();
    let aliased = item.values.iter().any(|value| !numbers.insert(value.number));
    EnumDescriptorProto {
        name: Some(name.to_owned()),
        value: item.values.iter().map(|value| enum_value(&value.name, value.number)).collect(),
        options: aliased.then(|| EnumOptions { allow_alias: Some(true), ..EnumOptions::default() }),
        ..EnumDescriptorProto::default()
    }
}

fn enum_value(name: &str, number: i32) -> EnumValueDescriptorProto {
    EnumValueDescriptorProto {
        name: Some(name.to_owned()),
        number: Some(number),
        ..EnumValueDescriptorProto::default()
    }
}
