//! The template of a JSON format: objects, lists, texts with operators, constants.
//!
//! Compiled once: names and constants are kept as the bytes they are written as.

use serde_json::Value as Json;

use super::capture::Captures;
use super::error::{FormatError, Problem};
use super::format::{EmptyValues, Piece, pieces};
use super::operator::Operator;
use super::record::Record;
use super::value::{Value, escape};

/// A compiled JSON format.
#[derive(Clone, Debug)]
pub(super) struct Template(Vec<Property>);

/// The name of a property as it is written, `"name":`, and what it says.
type Property = (Vec<u8>, Node);

#[derive(Clone, Debug)]
enum Node {
    Object(Vec<Property>),
    List(Vec<Node>),
    /// A number, a truth value, a text without operators: as it is written.
    Constant(Vec<u8>),
    Null,
    /// One operator and nothing else: its value keeps its type.
    Typed(Operator),
    /// Texts and operators: one string.
    Text(Vec<Piece>),
}

// === impl Template ===

impl Template {
    pub(super) fn compile(template: &Json, captures: &mut Captures) -> Result<Self, FormatError> {
        match template {
            Json::Object(properties) => Ok(Self(object(properties, captures)?)),
            _ => Err(FormatError::new(0, Problem::NotAnObject)),
        }
    }

    /// Writes one line.
    pub(super) fn write(&self, record: &Record, empty: EmptyValues, out: &mut Vec<u8>) {
        write_object(&self.0, record, empty, out);
        out.push(b'\n');
    }
}

// === impl Node ===

impl Node {
    fn compile(template: &Json, captures: &mut Captures) -> Result<Self, FormatError> {
        match template {
            Json::Object(properties) => object(properties, captures).map(Self::Object),
            Json::Array(items) => {
                let item = |(index, item)| {
                    Self::compile(item, captures).map_err(|error: FormatError| error.within(&format!("[{index}]")))
                };
                items.iter().enumerate().map(item).collect::<Result<_, _>>().map(Self::List)
            }
            Json::String(text) => Ok(Self::text(pieces(text, captures)?)),
            Json::Null => Ok(Self::Null),
            constant => Ok(Self::Constant(constant.to_string().into_bytes())),
        }
    }

    fn text(pieces: Vec<Piece>) -> Self {
        match <[Piece; 1]>::try_from(pieces) {
            Ok([Piece::Operator(operator)]) => Self::Typed(operator),
            Ok([Piece::Literal(text)]) => Self::Constant(quoted(&text)),
            Err(pieces) => Self::Text(pieces),
        }
    }

    /// Writes it; false, and nothing written, where it is empty and empty values are left out.
    fn write(&self, record: &Record, empty: EmptyValues, out: &mut Vec<u8>) -> bool {
        let omit = empty == EmptyValues::Omit;
        match self {
            Self::Object(properties) => {
                let before = out.len();
                let kept = write_object(properties, record, empty, out) || !omit;
                if !kept {
                    out.truncate(before);
                }
                kept
            }
            Self::List(items) => {
                write_list(items, record, empty, out);
                true
            }
            Self::Constant(bytes) => {
                out.extend_from_slice(bytes);
                true
            }
            Self::Null if omit => false,
            Self::Null => {
                out.extend_from_slice(b"null");
                true
            }
            Self::Typed(operator) => match operator.answer(record) {
                Value::Absent if omit => false,
                value => {
                    value.write_json(out);
                    true
                }
            },
            Self::Text(pieces) => {
                write_text(pieces, record, empty, out);
                true
            }
        }
    }
}

fn object(properties: &serde_json::Map<String, Json>, captures: &mut Captures) -> Result<Vec<Property>, FormatError> {
    let property = |(name, template): (&String, &Json)| {
        let node = Node::compile(template, captures).map_err(|error| error.within(name))?;
        Ok((name.clone(), node))
    };
    let mut object = properties.iter().map(property).collect::<Result<Vec<_>, FormatError>>()?;
    object.sort_by(|(one, _), (other, _)| one.cmp(other));
    Ok(object.into_iter().map(|(name, node)| ([quoted(&name), vec![b':']].concat(), node)).collect())
}

/// Answers whether it wrote any property.
fn write_object(properties: &[Property], record: &Record, empty: EmptyValues, out: &mut Vec<u8>) -> bool {
    out.push(b'{');
    let mut any = false;
    for (name, node) in properties {
        let before = out.len();
        if any {
            out.push(b',');
        }
        out.extend_from_slice(name);
        if node.write(record, empty, out) {
            any = true;
        } else {
            out.truncate(before);
        }
    }
    out.push(b'}');
    any
}

fn write_list(items: &[Node], record: &Record, empty: EmptyValues, out: &mut Vec<u8>) {
    out.push(b'[');
    let mut any = false;
    for node in items {
        let before = out.len();
        if any {
            out.push(b',');
        }
        if node.write(record, empty, out) {
            any = true;
        } else {
            out.truncate(before);
        }
    }
    out.push(b']');
}

fn write_text(pieces: &[Piece], record: &Record, empty: EmptyValues, out: &mut Vec<u8>) {
    out.push(b'"');
    for piece in pieces {
        match piece {
            Piece::Literal(text) => escape(text.as_bytes(), out),
            Piece::Operator(operator) => operator.answer(record).write_json_part(out, empty.in_text()),
        }
    }
    out.push(b'"');
}

fn quoted(text: &str) -> Vec<u8> {
    let mut out = vec![b'"'];
    escape(text.as_bytes(), &mut out);
    out.push(b'"');
    out
}
