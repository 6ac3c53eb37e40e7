//! The validation rules of Envoy's API: what a field may hold beyond its type.
//!
//! `schema.tsv` carries them, the walk applies them to each message it finished. A failed rule is told as what the
//! value has to be.

use std::collections::HashSet;
use std::fmt;

use prost_reflect::{DynamicMessage, Kind, MapKey, ReflectMessage, Value};
use regex::Regex;

/// One condition on a field.
#[derive(Debug)]
pub(crate) enum Rule {
    Required,
    Const(bool),
    DefinedOnly,
    NotIn(i32),
    In(&'static [&'static str]),
    Gt(Bound),
    Gte(Bound),
    Lt(Bound),
    Lte(Bound),
    MinLen(usize),
    MinBytes(usize),
    MaxBytes(usize),
    Pattern(&'static str),
    Prefix(&'static str),
    Suffix(&'static str),
    HeaderName {
        strict: bool,
    },
    HeaderValue {
        strict: bool,
    },
    /// The other rules hold only for a value that is not empty.
    IgnoreEmpty,
    MinItems(usize),
    MaxItems(usize),
    Unique,
    Items(&'static [Rule]),
    MinPairs(usize),
    Keys(&'static [Rule]),
}

/// The number a comparison names.
#[derive(Clone, Copy, Debug, PartialEq, PartialOrd)]
pub(crate) enum Bound {
    Integer(i128),
    Float(f64),
    /// A duration, in nanoseconds.
    Nanos(i128),
}

/// What is wrong with a value, if anything: the first rule it breaks. `None` is a field that is not set and has
/// presence, so that only `Required` speaks of it.
pub(crate) fn broken(rules: &[Rule], value: Option<&Value>, kind: &Kind) -> Option<String> {
    let Some(value) = value else {
        return rules.iter().any(|rule| matches!(rule, Rule::Required)).then(|| "is required and not set".to_owned());
    };
    let value = unwrapped(value);
    let empty = matches!(value, Value::String(text) if text.is_empty()) || value.is_default(kind);
    if empty && rules.iter().any(|rule| matches!(rule, Rule::IgnoreEmpty)) {
        return None;
    }
    rules.iter().find_map(|rule| rule.broken_by(value, kind))
}

impl Rule {
    fn broken_by(&self, value: &Value, kind: &Kind) -> Option<String> {
        match (self, value) {
            (Self::Items(rules), Value::List(items)) => {
                let broken =
                    items.iter().enumerate().find_map(|(index, item)| Some((index, broken(rules, Some(item), kind)?)));
                broken.map(|(index, fault)| format!("item {index} {fault}"))
            }
            (Self::Keys(rules), Value::Map(entries)) => entries
                .keys()
                .find_map(|key| broken(rules, Some(&key_value(key)), kind))
                .map(|fault| format!("a key {fault}")),
            _ if self.holds(value, kind) => None,
            _ => Some(self.to_string()),
        }
    }

    fn holds(&self, value: &Value, kind: &Kind) -> bool {
        match (self, value) {
            (Self::Const(expected), Value::Bool(found)) => expected == found,
            (Self::DefinedOnly, Value::EnumNumber(number)) => {
                kind.as_enum().is_none_or(|descriptor| descriptor.get_value(*number).is_some())
            }
            (Self::NotIn(excluded), Value::EnumNumber(number)) => excluded != number,
            (Self::Unique, Value::List(items)) => {
                let mut seen = HashSet::new();
                items.iter().all(|item| seen.insert(item.to_string()))
            }
            (Self::MinItems(least), Value::List(items)) => items.len() >= *least,
            (Self::MaxItems(most), Value::List(items)) => items.len() <= *most,
            (Self::MinPairs(least), Value::Map(entries)) => entries.len() >= *least,
            (Self::MinBytes(least), Value::Bytes(bytes)) => bytes.len() >= *least,
            (Self::MaxBytes(most), Value::Bytes(bytes)) => bytes.len() <= *most,
            (_, Value::String(text)) => self.holds_for_text(text),
            _ => number(value).is_none_or(|number| self.holds_for_number(number)),
        }
    }

    fn holds_for_text(&self, text: &str) -> bool {
        match self {
            Self::In(allowed) => allowed.contains(&text),
            Self::MinLen(least) => text.chars().count() >= *least,
            Self::MinBytes(least) => text.len() >= *least,
            Self::MaxBytes(most) => text.len() <= *most,
            Self::Prefix(prefix) => text.starts_with(prefix),
            Self::Suffix(suffix) => text.ends_with(suffix),
            Self::Pattern(pattern) => Regex::new(pattern).is_ok_and(|regex| regex.is_match(text)),
            Self::HeaderName { strict: true } => {
                let name = text.strip_prefix(':').unwrap_or(text);
                // RFC 9110 §5.6.2: a token.
                !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || TOKEN_MARKS.contains(&byte))
            }
            // RFC 9110 §5.5: a field value has no control character but HTAB.
            Self::HeaderValue { strict: true } => {
                text.bytes().all(|byte| byte == b'\t' || (byte >= b' ' && byte != 0x7f))
            }
            Self::HeaderName { strict: false } | Self::HeaderValue { strict: false } => {
                !text.contains(['\0', '\n', '\r'])
            }
            _ => true,
        }
    }

    fn holds_for_number(&self, number: Bound) -> bool {
        match self {
            Self::Gt(bound) => number > *bound,
            Self::Gte(bound) => number >= *bound,
            Self::Lt(bound) => number < *bound,
            Self::Lte(bound) => number <= *bound,
            _ => true,
        }
    }
}

impl fmt::Display for Rule {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Required => write!(formatter, "is required and not set"),
            Self::Const(value) => write!(formatter, "has to be {value}"),
            Self::DefinedOnly => write!(formatter, "has to be one of the names of its enum"),
            Self::NotIn(number) => write!(formatter, "may not be {number}"),
            Self::In(allowed) => write!(formatter, "has to be one of {}", allowed.join(", ")),
            Self::Gt(bound) => write!(formatter, "has to be more than {bound}"),
            Self::Gte(bound) => write!(formatter, "has to be at least {bound}"),
            Self::Lt(bound) => write!(formatter, "has to be less than {bound}"),
            Self::Lte(bound) => write!(formatter, "has to be at most {bound}"),
            Self::MinLen(1) => write!(formatter, "may not be empty"),
            Self::MinLen(length) => write!(formatter, "has to have at least {length} characters"),
            Self::MinBytes(length) => write!(formatter, "has to have at least {length} bytes"),
            Self::MaxBytes(length) => write!(formatter, "has to have at most {length} bytes"),
            Self::Pattern(pattern) => write!(formatter, "has to match the regular expression `{pattern}`"),
            Self::Prefix(prefix) => write!(formatter, "has to begin with `{prefix}`"),
            Self::Suffix(suffix) => write!(formatter, "has to end with `{suffix}`"),
            Self::HeaderName { .. } => write!(formatter, "has to be a header name"),
            Self::HeaderValue { .. } => write!(formatter, "has to be a header value"),
            Self::MinItems(1) | Self::MinPairs(1) => write!(formatter, "needs at least one entry"),
            Self::MinItems(count) | Self::MinPairs(count) => write!(formatter, "needs at least {count} entries"),
            Self::MaxItems(count) => write!(formatter, "may have at most {count} entries"),
            Self::Unique => write!(formatter, "may not hold a value twice"),
            Self::IgnoreEmpty | Self::Items(_) | Self::Keys(_) => Ok(()),
        }
    }
}

impl fmt::Display for Bound {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Integer(number) => write!(formatter, "{number}"),
            Self::Float(number) => write!(formatter, "{number}"),
            Self::Nanos(nanos) => {
                let seconds = format!("{}.{:09}", nanos / 1_000_000_000, nanos % 1_000_000_000);
                write!(formatter, "{}s", seconds.trim_end_matches('0').trim_end_matches('.'))
            }
        }
    }
}

/// A wrapper such as `UInt32Value` stands for the value in it.
fn unwrapped(value: &Value) -> &Value {
    let Value::Message(message) = value else { return value };
    let descriptor = message.descriptor();
    let wrapper = descriptor.full_name().starts_with("google.protobuf.") && descriptor.name().ends_with("Value");
    match descriptor.fields().next().filter(|field| wrapper && field.name() == "value") {
        Some(field) => message.fields().find(|(set, _)| *set == field).map_or(value, |(_, inner)| inner),
        None => value,
    }
}

/// What a comparison compares; none for a value that is no number.
fn number(value: &Value) -> Option<Bound> {
    Some(match value {
        Value::I32(number) => Bound::Integer(i128::from(*number)),
        Value::I64(number) => Bound::Integer(i128::from(*number)),
        Value::U32(number) => Bound::Integer(i128::from(*number)),
        Value::U64(number) => Bound::Integer(i128::from(*number)),
        Value::F32(number) => Bound::Float(f64::from(*number)),
        Value::F64(number) => Bound::Float(*number),
        Value::Message(message) if message.descriptor().full_name() == "google.protobuf.Duration" => {
            Bound::Nanos(nanos(message))
        }
        _ => return None,
    })
}

fn nanos(duration: &DynamicMessage) -> i128 {
    let part = |name| duration.get_field_by_name(name).and_then(|value| number(&value));
    match (part("seconds"), part("nanos")) {
        (Some(Bound::Integer(seconds)), Some(Bound::Integer(nanos))) => seconds * 1_000_000_000 + nanos,
        _ => 0,
    }
}

fn key_value(key: &MapKey) -> Value {
    Value::from(key.clone())
}

/// RFC 9110 §5.6.2: what a token may hold beside letters and digits.
const TOKEN_MARKS: &[u8] = b"!#$%&'*+-.^_`|~";
