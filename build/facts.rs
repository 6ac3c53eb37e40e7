//! What descriptors do not carry (rules, deprecation, required oneofs, names without a type), as Rust tables.
//!
//! The tables use the types of `src/config/facts.rs`, which includes them. A rule this file does not know stops the
//! build, so that none is dropped in silence.

use std::error::Error;
use std::fmt::Write;

use crate::annotations::{self, Entry, Value};
use crate::table::{Field, File, Message};

/// The source of the tables: `typed` are the files that became code, `every` all of them.
pub(crate) fn tables(every: &[String], typed: &[File]) -> Result<String, Box<dyn Error>> {
    let mut messages: Vec<&Message> = typed.iter().flat_map(|file| &file.messages).collect();
    messages.sort_by(|one, other| one.name.cmp(&other.name));
    let mut source = "pub(super) static MESSAGES: &[MessageFacts] = &[\n".to_owned();
    for message in &messages {
        source += &message_facts(message)?;
    }
    source += "];\n";

    let values = typed.iter().flat_map(|file| &file.enums).flat_map(|item| {
        item.values.iter().filter(|value| value.deprecated).map(move |value| format!("{}.{}", item.name, value.name))
    });
    source += &names("DEPRECATED_VALUES", values);
    let untyped = every.iter().filter(|name| messages.binary_search_by(|message| message.name.cmp(name)).is_err());
    source += &names("UNTYPED", untyped.cloned());
    Ok(source)
}

fn names(table: &str, names: impl Iterator<Item = String>) -> String {
    let mut names: Vec<String> = names.collect();
    names.sort();
    format!("pub(super) static {table}: &[&str] = &{names:#?};\n")
}

/// The facts of one message, or nothing when there is nothing to tell.
fn message_facts(message: &Message) -> Result<String, Box<dyn Error>> {
    let mut fields = String::new();
    for field in &message.fields {
        let facts = field_facts(field).map_err(|error| format!("{}.{}: {error}", message.name, field.name))?;
        fields += &facts;
    }
    let oneofs = message.oneofs.iter().filter(|oneof| oneof.required).map(|oneof| oneof.name.as_str());
    let oneofs: Vec<&str> = oneofs.collect();
    if fields.is_empty() && oneofs.is_empty() {
        return Ok(String::new());
    }
    Ok(format!("MessageFacts {{ name: {:?}, required_oneofs: &{oneofs:?}, fields: &[{fields}] }},\n", message.name))
}

fn field_facts(field: &Field) -> Result<String, Box<dyn Error>> {
    let (mut deprecated, mut sensitive, mut rules) = (false, false, String::new());
    for annotation in annotations::parse(&field.annotations).ok_or("its annotations cannot be read")? {
        match annotation.name.as_str() {
            "deprecated" | "envoy.annotations.deprecated_at_minor_version" => deprecated = true,
            "udpa.annotations.sensitive" => sensitive = true,
            "validate.rules" => rules = translate_all(&annotation.content)?,
            "packed" | "xds.annotations.v3.field_status" => {}
            unknown => return Err(format!("unknown annotation `{unknown}`").into()),
        }
    }
    if !deprecated && !sensitive && rules.is_empty() {
        return Ok(String::new());
    }
    Ok(format!(
        "FieldFacts {{ name: {:?}, deprecated: {deprecated}, sensitive: {sensitive}, rules: &[{rules}] }}, ",
        field.name
    ))
}

/// The rules of `{string { min_len: 1 } ...}`.
fn translate_all(groups: &[Entry]) -> Result<String, Box<dyn Error>> {
    let mut source = String::new();
    for group in groups {
        let Value::Block(entries) = &group.value else { return Err("a rule without a type".into()) };
        source += &translate(&group.name, entries)?;
    }
    Ok(source)
}

/// The rules of one type of field, comma separated. Which numbers a rule compares with follows from the type.
fn translate(kind: &str, entries: &[Entry]) -> Result<String, Box<dyn Error>> {
    let mut source = String::new();
    let mut listed: Vec<&str> = Vec::new();
    // A pattern for header fields is strict unless it says otherwise.
    let strict = !entries.iter().any(|entry| entry.name == "strict" && literal(entry) == Some("false"));
    for entry in entries {
        let rule = match (entry.name.as_str(), literal(entry).unwrap_or_default()) {
            // `strict` is read above; `skip` spares a message below its rules, which no message of ours needs.
            ("required", "false") | ("strict" | "skip", _) => continue,
            ("required", _) => "Rule::Required".to_owned(),
            ("defined_only", _) => "Rule::DefinedOnly".to_owned(),
            ("ignore_empty", _) => "Rule::IgnoreEmpty".to_owned(),
            ("unique", _) => "Rule::Unique".to_owned(),
            ("const", value) => format!("Rule::Const({value})"),
            ("not_in", value) => format!("Rule::NotIn({value})"),
            ("in", value) => {
                listed.push(value);
                continue;
            }
            ("pattern" | "prefix" | "suffix", value) => format!("Rule::{}({value:?})", camel(&entry.name)),
            ("well_known_regex", "HTTP_HEADER_NAME") => format!("Rule::HeaderName {{ strict: {strict} }}"),
            ("well_known_regex", "HTTP_HEADER_VALUE") => format!("Rule::HeaderValue {{ strict: {strict} }}"),
            ("gt" | "gte" | "lt" | "lte", _) => format!("Rule::{}({})", camel(&entry.name), bound(kind, entry)?),
            ("min_len" | "max_len", value) if kind == "bytes" => {
                format!("Rule::{}({value})", camel(&entry.name.replace("len", "bytes")))
            }
            ("min_len" | "max_len" | "min_bytes" | "max_bytes" | "min_items" | "max_items" | "min_pairs", value) => {
                format!("Rule::{}({value})", camel(&entry.name))
            }
            ("items" | "keys" | "values", _) => {
                let Value::Block(groups) = &entry.value else { return Err("a nested rule without a type".into()) };
                format!("Rule::{}(&[{}])", camel(&entry.name), translate_all(groups)?)
            }
            (unknown, _) => return Err(format!("unknown rule `{unknown}` of {kind}").into()),
        };
        write!(source, "{rule}, ")?;
    }
    if !listed.is_empty() {
        write!(source, "Rule::In(&{listed:?}), ")?;
    }
    Ok(source)
}

fn literal(entry: &Entry) -> Option<&str> {
    match &entry.value {
        Value::Literal(literal) => Some(literal),
        Value::Block(_) => None,
    }
}

/// The number a comparison names: an integer, a float, or a duration in nanoseconds.
fn bound(kind: &str, entry: &Entry) -> Result<String, Box<dyn Error>> {
    match &entry.value {
        Value::Literal(number) if matches!(kind, "double" | "float") => Ok(format!("Bound::Float({number}_f64)")),
        Value::Literal(number) => Ok(format!("Bound::Integer({number})")),
        Value::Block(parts) => {
            let mut nanos: i128 = 0;
            for part in parts {
                let unit = if part.name == "seconds" { 1_000_000_000 } else { 1 };
                nanos += literal(part).unwrap_or_default().parse::<i128>()? * unit;
            }
            Ok(format!("Bound::Nanos({nanos})"))
        }
    }
}

/// `min_len` as the name of a variant.
fn camel(name: &str) -> String {
    let words = name.split('_').map(|word| {
        let (first, rest) = word.split_at(1);
        first.to_ascii_uppercase() + rest
    });
    words.collect()
}
