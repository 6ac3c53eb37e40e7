//! The validation rules of Envoy's API: what a field may hold beyond its type.
//!
//! `schema.tsv` carries them, the walk applies them to each message it finished. A failed rule is told as what the
//! value has to be.

use std::borrow::Cow;
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
    if is_empty(&value) && rules.iter().any(|rule| matches!(rule, Rule::IgnoreEmpty)) {
        return None;
    }
    if let Some((most, least)) = gap(rules) {
        let outside = most.holds(&value, kind) || least.holds(&value, kind);
        return (!outside).then(|| format!("{most}, or {}", least.to_string().trim_start_matches("has to be ")));
    }
    rules.iter().find_map(|rule| rule.broken_by(&value, kind))
}

/// Two comparisons that no number meets both: then it has to be outside of what lies between them.
fn gap(rules: &[Rule]) -> Option<(&Rule, &Rule)> {
    let (most, highest) = rules.iter().find_map(|rule| match rule {
        Rule::Lt(bound) | Rule::Lte(bound) => Some((rule, bound)),
        _ => None,
    })?;
    let (least, lowest) = rules.iter().find_map(|rule| match rule {
        Rule::Gt(bound) | Rule::Gte(bound) => Some((rule, bound)),
        _ => None,
    })?;
    (lowest > highest).then_some((most, least))
}

/// The items of a list that break a rule, each by its index with what is wrong with it.
pub(crate) fn broken_items(rules: &[Rule], value: &Value, kind: &Kind) -> Vec<(usize, String)> {
    let Value::List(items) = value else { return Vec::new() };
    let of_items = rules.iter().filter_map(|rule| match rule {
        Rule::Items(rules) => Some(*rules),
        _ => None,
    });
    of_items
        .flat_map(|rules| items.iter().map(|item| broken(rules, Some(item), kind)).enumerate())
        .filter_map(|(index, fault)| Some((index, fault?)))
        .collect()
}

impl Rule {
    fn broken_by(&self, value: &Value, kind: &Kind) -> Option<String> {
        match (self, value) {
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
            Self::HeaderName { strict: true } => write!(formatter, "has to be a header name"),
            Self::HeaderValue { strict: true } => write!(formatter, "may not hold control characters"),
            Self::HeaderName { strict: false } | Self::HeaderValue { strict: false } => {
                write!(formatter, "may not hold a line break or a zero byte")
            }
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
fn unwrapped(value: &Value) -> Cow<'_, Value> {
    if let Value::Message(message) = value {
        let descriptor = message.descriptor();
        let wrapper = descriptor.full_name().starts_with("google.protobuf.") && descriptor.name().ends_with("Value");
        // `Value` and `ListValue` have no field of this name.
        if let Some(inner) = message.get_field_by_name("value").filter(|_| wrapper) {
            return inner;
        }
    }
    Cow::Borrowed(value)
}

/// What `IgnoreEmpty` lets pass: the value of a field that is not set.
fn is_empty(value: &Value) -> bool {
    match value {
        Value::String(text) => text.is_empty(),
        Value::Bytes(bytes) => bytes.is_empty(),
        Value::List(items) => items.is_empty(),
        Value::Map(entries) => entries.is_empty(),
        Value::Bool(value) => !value,
        Value::EnumNumber(number) => *number == 0,
        _ => matches!(number(value), Some(Bound::Integer(0) | Bound::Float(0.0))),
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::schema;

    fn text(rule: &'static Rule, text: &str) -> bool {
        rule.holds(&Value::String(text.to_owned()), &Kind::String)
    }

    #[test]
    fn lengths_count_characters_and_bytes() {
        assert!(text(&Rule::MinLen(2), "éé") && !text(&Rule::MinLen(3), "éé"));
        assert!(text(&Rule::MinBytes(4), "éé") && !text(&Rule::MaxBytes(3), "éé"));
    }

    #[test]
    fn rfc9110_5_6_2_a_strict_header_name_is_a_token() {
        for (name, good) in [("x-a", true), (":path", true), ("a b", false), ("", false), ("é", false), ("a\n", false)]
        {
            assert_eq!(text(&Rule::HeaderName { strict: true }, name), good, "{name:?}");
        }
        for (name, good) in [("a b", true), ("é", true), ("a\0", false), ("a\r", false)] {
            assert_eq!(text(&Rule::HeaderName { strict: false }, name), good, "{name:?}");
        }
    }

    #[test]
    fn rfc9110_5_5_a_strict_header_value_has_no_control_character_but_htab() {
        for (value, good) in [("a\tb", true), ("", true), ("é", true), ("a\x07", false), ("a\x7f", false)] {
            assert_eq!(text(&Rule::HeaderValue { strict: true }, value), good, "{value:?}");
        }
    }

    #[test]
    fn comparisons_see_through_wrappers_even_when_they_hold_zero() {
        let descriptor = schema::message("google.protobuf.UInt32Value").unwrap();
        let mut wrapper = DynamicMessage::new(descriptor.clone());
        wrapper.set_field_by_name("value", Value::U32(0));
        let kind = Kind::Message(descriptor);
        let fault = broken(&[Rule::Gt(Bound::Integer(0))], Some(&Value::Message(wrapper)), &kind);
        assert_eq!(fault.as_deref(), Some("has to be more than 0"));
    }

    #[test]
    fn durations_compare_in_nanoseconds() {
        let descriptor = schema::message("google.protobuf.Duration").unwrap();
        let mut duration = DynamicMessage::new(descriptor.clone());
        duration.set_field_by_name("seconds", Value::I64(1));
        duration.set_field_by_name("nanos", Value::I32(1));
        let (value, kind) = (Value::Message(duration), Kind::Message(descriptor));
        assert!(Rule::Gt(Bound::Nanos(1_000_000_000)).holds(&value, &kind));
        assert!(!Rule::Lte(Bound::Nanos(1_000_000_000)).holds(&value, &kind));
        assert_eq!(Rule::Lte(Bound::Nanos(1_500_000_000)).to_string(), "has to be at most 1.5s");
    }

    #[test]
    fn bounds_that_cross_ask_for_a_number_outside_of_them() {
        let rules = [Rule::Lte(Bound::Integer(0)), Rule::Gte(Bound::Integer(10))];
        let check = |number| broken(&rules, Some(&Value::U32(number)), &Kind::Uint32);
        assert_eq!((check(0), check(10)), (None, None));
        assert_eq!(check(5).as_deref(), Some("has to be at most 0, or at least 10"));
    }

    #[test]
    fn ignore_empty_spares_the_empty_value_only() {
        let rules = &[Rule::Prefix("%"), Rule::IgnoreEmpty];
        let check = |text: &str| broken(rules, Some(&Value::String(text.to_owned())), &Kind::String);
        assert_eq!(check(""), None);
        assert_eq!(check("%a"), None);
        assert_eq!(check("a").as_deref(), Some("has to begin with `%`"));
    }

    #[test]
    fn items_are_judged_one_by_one() {
        let items = Value::List(vec![Value::String("a".to_owned()), Value::String(String::new())]);
        let rules = [Rule::Items(&[Rule::MinLen(1)])];
        assert_eq!(broken(&rules, Some(&items), &Kind::String), None);
        assert_eq!(broken_items(&rules, &items, &Kind::String), [(1, "may not be empty".to_owned())]);
        assert!(Rule::Unique.holds(&items, &Kind::String));
        assert!(!Rule::Unique.holds(&Value::List(vec![Value::U32(1), Value::U32(1)]), &Kind::Uint32));
    }

    #[test]
    fn every_pattern_of_the_table_compiles() {
        for rule in schema::rules() {
            if let Rule::Pattern(pattern) = rule {
                assert!(Regex::new(pattern).is_ok(), "{pattern}");
            }
        }
    }
}
