//! The support table against the walk: every field is applied, warned about or refused.
//!
//! For each field of each message that a configuration can hold, a tree that sets this one field goes through the walk,
//! and what is said of the field has to be what the table says. The same goes for values of enums and for types in an
//! `Any`. How many there are of each kind is a snapshot, so that a change of the table shows.

use std::collections::{BTreeMap, BTreeSet};

use prost_reflect::{DynamicMessage, EnumDescriptor, FieldDescriptor, Kind, MessageDescriptor};

use super::decode::{Decoder, Leniency};
use super::node::{Content, Entry, Location, Node, Scalar};
use super::support::{self, Support};
use super::{Code, Report, Severity, schema};

/// Every message of which a field may stand in a configuration: Bootstrap, what may be in an `Any`, and what they hold.
/// Types that come from `google.protobuf` are values here, not messages.
fn messages() -> Vec<MessageDescriptor> {
    let roots = include_str!("roots.txt").lines().filter(|line| !line.is_empty() && !line.starts_with('#'));
    let read = roots.filter(|name| !name.starts_with("envoy.admin."));
    let mut open: Vec<_> = read.map(|name| schema::message(name).unwrap()).collect();
    let mut found = BTreeMap::new();
    while let Some(message) = open.pop() {
        let name = message.full_name().to_owned();
        if name.starts_with("google.protobuf.") || found.contains_key(&name) {
            continue;
        }
        open.extend(message.fields().filter_map(|field| kind_of(&field).as_message().cloned()));
        found.insert(name, message);
    }
    found.into_values().collect()
}

/// The kind of one value of the field.
fn kind_of(field: &FieldDescriptor) -> Kind {
    match field.kind() {
        Kind::Message(entry) if field.is_map() => entry.map_entry_value_field().kind(),
        kind => kind,
    }
}

fn node(content: Content) -> Node {
    Node { location: Location { text: 0, line: 1, column: 1 }, content }
}

fn text(text: &str) -> Node {
    node(Content::Scalar(Scalar { text: text.to_owned(), plain: None }))
}

fn mapping(key: &str, value: Node) -> Node {
    node(Content::Mapping(vec![Entry { key: key.to_owned(), location: value.location, value }]))
}

/// A value that the field can hold and that is not its default, where there is one.
fn value(field: &FieldDescriptor) -> Node {
    let value = of_kind(&kind_of(field));
    if !field.is_map() {
        return value;
    }
    let entry = field.kind();
    let key = entry.as_message().unwrap().map_entry_key_field().kind();
    mapping(if key == Kind::Bool { "true" } else { "1" }, value)
}

fn of_kind(kind: &Kind) -> Node {
    match kind {
        Kind::Bool => text("true"),
        Kind::String => text("x"),
        Kind::Bytes => text("eA=="),
        Kind::Enum(descriptor) => text(&supported_value(descriptor)),
        Kind::Message(message) => of_message(message),
        _ => text("1"),
    }
}

/// A name of the enum that the table does not refuse: the last, for the first is what stands where nothing is said.
fn supported_value(descriptor: &EnumDescriptor) -> String {
    let fits = |name: &str| matches!(support::of_value(descriptor.full_name(), name), Support::Applied);
    let names: Vec<_> = descriptor.values().map(|value| value.name().to_owned()).collect();
    names.iter().rfind(|name| fits(name)).or(names.last()).unwrap().clone()
}

fn of_message(message: &MessageDescriptor) -> Node {
    match message.full_name().strip_prefix("google.protobuf.") {
        Some("Any") => mapping("@type", text("type.googleapis.com/google.protobuf.Empty")),
        Some("Duration") => text("1s"),
        Some("Timestamp") => text("2026-01-31T12:00:00Z"),
        Some("FieldMask" | "Value") => text("x"),
        Some("ListValue") => node(Content::Sequence(Vec::new())),
        Some(wrapper) if wrapper.ends_with("Value") => of_kind(&message.get_field_by_name("value").unwrap().kind()),
        _ => node(Content::Mapping(Vec::new())),
    }
}

/// What the walk makes of a message with one field, and what it says at this field of support.
struct Walked {
    message: DynamicMessage,
    said: Vec<(Severity, Code, String)>,
}

fn walk(message: &MessageDescriptor, field: &str, value: Node) -> Walked {
    let report = Report::new("sweep");
    let decoder = Decoder { leniency: Leniency::default() };
    let message = decoder.message(report.at(), &mapping(field, value), message).unwrap();
    let of_support = |code| matches!(code, Code::NotImplemented | Code::NoEffect | Code::Unknown);
    let remarks = report.diagnostics();
    let here = remarks.iter().filter(|remark| remark.path.split('[').next() == Some(field) && of_support(remark.code));
    Walked { message, said: here.map(|remark| (remark.severity, remark.code, remark.message.clone())).collect() }
}

/// Whether the remarks are those that this support calls for.
fn is_told(support: Support, said: &[(Severity, Code, String)]) -> bool {
    match (support, said) {
        (Support::Applied | Support::Partly(_), []) => true,
        (Support::Ignored(why), [(Severity::Warning, Code::NoEffect, message)])
        | (Support::Refused(why), [(Severity::Error, Code::NotImplemented, message)]) => message.contains(why),
        (Support::Missing, [(Severity::Error, Code::NotImplemented, message)]) => {
            message.contains(support::NOT_IMPLEMENTED)
        }
        _ => false,
    }
}

/// Whether what was set is in the message that came out. A field without presence does not show its default.
fn is_kept(support: Support, field: &FieldDescriptor, message: &DynamicMessage) -> bool {
    let read = !matches!(support, Support::Missing | Support::Refused(_));
    let only_default =
        || kind_of(field).as_enum().is_some_and(|e| e.get_value_by_name(&supported_value(e)).unwrap().number() == 0);
    message.has_field(field) == read || (read && !field.supports_presence() && only_default())
}

fn kind_name(support: Support) -> &'static str {
    match support {
        Support::Applied => "applied",
        Support::Partly(_) => "applied in part",
        Support::Ignored(_) => "ignored with a warning",
        Support::Refused(_) => "refused with a reason",
        Support::Missing => "not implemented, an error",
    }
}

#[test]
fn every_field_is_applied_warned_about_or_refused() {
    let mut counts = BTreeMap::new();
    let mut wrong = Vec::new();
    for message in &messages() {
        for field in message.fields() {
            let support = support::of(message.full_name(), field.name());
            let walked = walk(message, field.name(), value(&field));
            if !is_told(support, &walked.said) || !is_kept(support, &field, &walked.message) {
                wrong.push(format!("{}: {support:?}, but {:?}", field.full_name(), walked.said));
            }
            *counts.entry(kind_name(support)).or_insert(0) += 1;
        }
    }
    assert!(wrong.is_empty(), "{} fields are not as the table says:\n{}", wrong.len(), wrong.join("\n"));
    let fields: i32 = counts.values().sum();
    let counted: Vec<_> = counts.iter().map(|(kind, count)| format!("{count} {kind}\n")).collect();
    let all = format!("{} messages\n{fields} fields, of which are\n{}", messages().len(), counted.concat());
    insta::assert_snapshot!("fields", all);
}

#[test]
fn every_value_of_an_enum_is_applied_or_refused() {
    let mut counts = BTreeMap::new();
    let mut wrong = Vec::new();
    for message in &messages() {
        let read = message.fields().filter(|field| support::is_read(message.full_name(), field.name()));
        for field in read.collect::<Vec<_>>() {
            let kind = kind_of(&field);
            let Some(descriptor) = kind.as_enum() else { continue };
            let of_field = support::of(message.full_name(), field.name());
            for value in descriptor.values() {
                let support = support::of_value(descriptor.full_name(), value.name());
                let said = walk(message, field.name(), text(value.name())).said;
                if !is_told(support, &said) || matches!(of_field, Support::Ignored(_)) {
                    wrong.push(format!("{} = {}: {support:?}, but {said:?}", field.full_name(), value.name()));
                }
                *counts.entry(kind_name(support)).or_insert(0) += 1;
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    let counted: Vec<_> = counts.iter().map(|(kind, count)| format!("{count} {kind}\n")).collect();
    insta::assert_snapshot!("values_of_enums", counted.concat());
}

#[test]
fn every_type_in_an_any_is_read_or_refused() {
    let holder = schema::message("envoy.config.accesslog.v3.AccessLog").unwrap();
    let said = |name: &str| {
        let any = mapping("@type", text(&format!("type.googleapis.com/{name}")));
        let report = Report::new("sweep");
        Decoder { leniency: Leniency::default() }.message(report.at(), &mapping("typed_config", any), &holder);
        let remarks = report.diagnostics();
        let here = remarks.iter().filter(|remark| remark.path == "typed_config.@type");
        here.map(|remark| (remark.severity, remark.code, remark.message.clone())).collect::<Vec<_>>()
    };
    let refused: BTreeMap<_, _> = support::lines()
        .filter(|line| support::refuses_type(line.name))
        .map(|line| (line.name, line.because))
        .collect();
    let known = messages();
    let known = known.iter().map(MessageDescriptor::full_name).filter(|name| !name.ends_with(".TypedStruct"));
    let names: BTreeSet<_> = known.chain(schema::untyped().iter().copied()).chain(refused.keys().copied()).collect();
    let mut counts = BTreeMap::new();
    for name in names {
        let support = match refused.get(name) {
            Some(why) => Support::Refused(why),
            None if support::is_type(name) => Support::Applied,
            None => Support::Missing,
        };
        assert!(is_told(support, &said(name)), "{name}: {support:?}, but {:?}", said(name));
        *counts.entry(kind_name(support)).or_insert(0) += 1;
    }
    let counted: Vec<_> = counts.iter().map(|(kind, count)| format!("{count} {kind}\n")).collect();
    insta::assert_snapshot!("types", counted.concat());
}
