//! The table of Envoy's API, read into files, messages, fields and enums.
//!
//! `src/config/schema.tsv` holds the facts, one a line; its head names the columns. `own.tsv` beside it holds those of our own
//! messages. A line that cannot be read stops the build and is named.

use std::collections::HashSet;
use std::error::Error;

/// One proto file of the table.
pub(crate) struct File {
    pub(crate) path: String,
    pub(crate) package: String,
    pub(crate) messages: Vec<Message>,
    pub(crate) enums: Vec<Enum>,
}

/// A message, nested ones included, under its full name.
pub(crate) struct Message {
    pub(crate) name: String,
    pub(crate) oneofs: Vec<Oneof>,
    pub(crate) fields: Vec<Field>,
}

/// A oneof; `required` when one arm has to be set.
pub(crate) struct Oneof {
    pub(crate) name: String,
    pub(crate) required: bool,
}

/// A field as its line tells it.
pub(crate) struct Field {
    pub(crate) number: i32,
    pub(crate) name: String,
    pub(crate) label: Label,
    pub(crate) kind: Kind,
    pub(crate) oneof: Option<String>,
    /// Deprecation, validation rules and other annotations, unparsed.
    pub(crate) annotations: String,
}

/// How often a field occurs.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Label {
    Singular,
    /// A singular scalar whose presence is tracked.
    Optional,
    Repeated,
}

/// What a field holds; messages and enums by their full names, scalars by their proto name.
#[derive(Clone)]
pub(crate) enum Kind {
    Scalar(String),
    Message(String),
    Enum(String),
    Map { key: String, value: Box<Kind> },
}

/// An enum and its values.
pub(crate) struct Enum {
    pub(crate) name: String,
    pub(crate) values: Vec<EnumValue>,
}

/// One name of an enum.
pub(crate) struct EnumValue {
    pub(crate) name: String,
    pub(crate) number: i32,
    pub(crate) deprecated: bool,
}

/// Reads the whole table.
pub(crate) fn parse(text: &str) -> Result<Vec<File>, Box<dyn Error>> {
    let enums: HashSet<&str> = text.lines().filter_map(|line| line.strip_prefix("enum ")?.split('\t').next()).collect();
    let mut files = Vec::new();
    for (index, line) in text.lines().enumerate().filter(|(_, line)| !line.starts_with('#')) {
        parse_line(line, &enums, &mut files).ok_or_else(|| format!("{}: cannot read `{line}`", index + 1))?;
    }
    Ok(files)
}

fn parse_line(line: &str, enums: &HashSet<&str>, files: &mut Vec<File>) -> Option<()> {
    let mut columns = line.split('\t');
    let head = columns.next()?;
    if let Some(path) = head.strip_prefix("file ") {
        let package = columns.next()?.to_owned();
        files.push(File { path: path.to_owned(), package, messages: Vec::new(), enums: Vec::new() });
    } else if let Some(name) = head.strip_prefix("message ") {
        let message = Message { name: name.to_owned(), oneofs: Vec::new(), fields: Vec::new() };
        files.last_mut()?.messages.push(message);
    } else if let Some(name) = head.strip_prefix("enum ") {
        let values = columns.next()?.split(' ').map(parse_enum_value).collect::<Option<_>>()?;
        files.last_mut()?.enums.push(Enum { name: name.to_owned(), values });
    } else if let Some(name) = head.strip_prefix("  oneof ") {
        let required = columns.next() == Some("validate.required={True}");
        files.last_mut()?.messages.last_mut()?.oneofs.push(Oneof { name: name.to_owned(), required });
    } else {
        let field = parse_field(head, columns, enums)?;
        files.last_mut()?.messages.last_mut()?.fields.push(field);
    }
    Some(())
}

fn parse_field<'a>(head: &str, mut columns: impl Iterator<Item = &'a str>, enums: &HashSet<&str>) -> Option<Field> {
    let number = head.strip_prefix("  ")?.parse().ok()?;
    let name = columns.next()?.to_owned();
    let (label, written) = match columns.next()? {
        kind if kind.starts_with("repeated ") => (Label::Repeated, kind.strip_prefix("repeated ")?),
        kind if kind.starts_with("optional ") => (Label::Optional, kind.strip_prefix("optional ")?),
        kind => (Label::Singular, kind),
    };
    let kind = match columns.next() {
        Some("message") => Kind::Message(written.to_owned()),
        Some("enum") => Kind::Enum(written.to_owned()),
        _ => parse_kind(written, enums)?,
    };
    let oneof = columns.next().filter(|oneof| !oneof.is_empty()).map(str::to_owned);
    let annotations = columns.next().unwrap_or_default().to_owned();
    Some(Field { number, name, label, kind, oneof, annotations })
}

fn parse_kind(written: &str, enums: &HashSet<&str>) -> Option<Kind> {
    if let Some(entry) = written.strip_prefix("map<") {
        let (key, value) = entry.strip_suffix('>')?.split_once(',')?;
        return Some(Kind::Map { key: key.to_owned(), value: Box::new(parse_kind(value, enums)?) });
    }
    let name = written.to_owned();
    Some(if enums.contains(written) {
        Kind::Enum(name)
    } else if written.contains('.') {
        Kind::Message(name)
    } else {
        Kind::Scalar(name)
    })
}

fn parse_enum_value(written: &str) -> Option<EnumValue> {
    let (name, number) = written.split_once('=')?;
    let (number, deprecated) = match number.strip_suffix('!') {
        Some(number) => (number, true),
        None => (number, false),
    };
    Some(EnumValue { name: name.to_owned(), number: number.parse().ok()?, deprecated })
}
