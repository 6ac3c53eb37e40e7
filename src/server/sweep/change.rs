//! Other values for what a configuration sets.

use std::net::IpAddr;

use prost_reflect::Kind;
use serde_json::{Value, json};

use super::occurrence::{Occurrence, Step};

/// One value replaced, or left out.
#[derive(Clone, Debug)]
pub(super) struct Change {
    path: Vec<Step>,
    to: Option<Value>,
}

impl Change {
    /// The tree with the change made.
    pub(super) fn of(&self, tree: &Value) -> Value {
        let mut tree = tree.clone();
        let Some((last, way)) = self.path.split_last() else { return tree };
        let holder = way.iter().fold(&mut tree, |tree, step| match step {
            Step::Key(key) => &mut tree[key.as_str()],
            Step::Index(index) => &mut tree[*index],
        });
        match (last, &self.to, holder) {
            (Step::Key(key), Some(value), holder) => holder[key.as_str()] = value.clone(),
            (Step::Index(index), Some(value), holder) => holder[*index] = value.clone(),
            (Step::Key(key), None, Value::Object(holder)) => drop(holder.remove(key)),
            (Step::Index(index), None, Value::Array(holder)) => drop(holder.remove(*index)),
            (step, None, holder) => panic!("{step:?} is not in {holder}"),
        }
        tree
    }
}

/// Ways to change an occurrence: its own value, then what it holds.
pub(super) fn changes(found: &Occurrence, all: &[Occurrence], tree: &Value) -> Vec<Change> {
    let inner = all.iter().filter(|other| other.is_within(found));
    std::iter::once(found).chain(inner).flat_map(|found| own_changes(found, tree)).collect()
}

fn own_changes(found: &Occurrence, tree: &Value) -> Vec<Change> {
    let value = found.path.iter().fold(tree, |tree, step| match step {
        Step::Key(key) => &tree[key.as_str()],
        Step::Index(index) => &tree[*index],
    });
    let others = found.kind.as_ref().map_or_else(|| other_types(value), |kind| others(value, kind));
    let to = others.into_iter().map(Some).chain([None]);
    to.map(|to| Change { path: found.path.clone(), to }).collect()
}

/// Extensions that could stand in the place of one that has no field.
fn other_types(value: &Value) -> Vec<Value> {
    let written = value["@type"].as_str().unwrap_or_default();
    let pairs = [
        ("UdpDefaultWriterFactory", "UdpGsoBatchWriterFactory"),
        ("UdpGsoBatchWriterFactory", "UdpDefaultWriterFactory"),
    ];
    let other = pairs.iter().find(|(one, _)| written.ends_with(one)).map(|(one, other)| written.replace(one, other));
    other.map(|other| json!({"@type": other})).into_iter().collect()
}

/// Values that could stand there instead.
fn others(value: &Value, kind: &Kind) -> Vec<Value> {
    match (value, kind) {
        (Value::Array(items), _) => without_or_other(items, kind),
        (Value::Bool(value), _) => vec![json!(!value)],
        (Value::Number(number), _) => {
            let number = number.as_u64().unwrap();
            vec![json!(number + 1), json!(number - 1)]
        }
        (Value::String(name), Kind::Enum(descriptor)) => {
            let others = descriptor.values().map(|value| value.name().to_owned());
            others.filter(|other| other != name).map(Value::String).collect()
        }
        (Value::String(_), Kind::Message(message)) if message.name() == "Duration" => vec![json!("99s")],
        (Value::String(_), Kind::Bytes) => vec![json!("b3RoZXI=")],
        (Value::String(text), _) => texts(text),
        (Value::Object(fields), Kind::Message(message)) if message.name() == "Struct" => {
            let mut fields = fields.clone();
            fields.insert("added".to_owned(), json!("x"));
            vec![Value::Object(fields)]
        }
        _ => Vec::new(),
    }
}

/// Other texts of the same kind: an address, a variable of the environment, the name of a type or of a file.
fn texts(text: &str) -> Vec<Value> {
    let other = match text {
        _ if text.parse::<IpAddr>().is_ok() => "127.0.0.9".to_owned(),
        // An OID.
        _ if text.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.') => format!("{text}.9"),
        "PATH" => std::env::vars().map(|(name, _)| name).find(|name| name != "PATH").unwrap(),
        _ if text.ends_with(".StdoutAccessLog") => text.replace("Stdout", "Stderr"),
        _ => format!("{text}x"),
    };
    vec![json!(other)]
}

/// The list without one of its items, and with one of them changed.
fn without_or_other(items: &[Value], kind: &Kind) -> Vec<Value> {
    let mut lists = Vec::new();
    for (index, item) in items.iter().enumerate() {
        let mut without = items.to_vec();
        without.remove(index);
        lists.push(without);
        for other in others(item, kind) {
            let mut with = items.to_vec();
            with[index] = other;
            lists.push(with);
        }
    }
    lists.into_iter().map(Value::Array).collect()
}
