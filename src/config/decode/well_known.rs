//! Messages that JSON writes in a form of their own: durations, timestamps, field masks, wrappers.

use prost_reflect::{DynamicMessage, MessageDescriptor, Value};

use super::{Decoder, fault, fault_with_hint};
use crate::config::at::At;
use crate::config::node::{Content, Meaning, Node};

impl Decoder {
    /// Any message: by its own form if it has one, else by its fields. Envoy accepts the fields of the first too, as
    /// in `{seconds: 5}`.
    pub(super) fn well_known(self, at: At<'_>, node: &Node, descriptor: &MessageDescriptor) -> Option<DynamicMessage> {
        let name = descriptor.full_name().strip_prefix("google.protobuf.").unwrap_or_default();
        let mapping = matches!(node.content, Content::Mapping(_));
        match name {
            "Any" => self.any(at, node, descriptor),
            "Struct" | "Value" | "ListValue" => self.structure(at, node, descriptor),
            "Duration" if !mapping => duration(at, node, descriptor),
            "Duration" => self.message(at, node, descriptor).filter(|written| is_length(at, node, parts(written))),
            "Timestamp" if !mapping => timestamp(at, node, descriptor),
            "FieldMask" if !mapping => field_mask(at, node, descriptor),
            _ if !mapping && name.ends_with("Value") => {
                let field = descriptor.get_field_by_name("value")?;
                let value = self.scalar(at, node, &field.kind())?;
                let mut wrapper = DynamicMessage::new(descriptor.clone());
                wrapper.set_field(&field, value);
                Some(wrapper)
            }
            _ => self.message(at, node, descriptor),
        }
    }
}

fn text(node: &Node) -> Option<String> {
    match &node.content {
        Content::Scalar(scalar) => match scalar.meaning() {
            Meaning::Text(text) => Some(text),
            _ => None,
        },
        _ => None,
    }
}

fn duration(at: At<'_>, node: &Node, descriptor: &MessageDescriptor) -> Option<DynamicMessage> {
    let text = text(node);
    let Some((seconds, nanos)) = text.as_deref().and_then(parse_duration) else {
        let message = format!("expected a duration such as 1.5s, found {}", node.describe());
        fault_with_hint(at, node.location, message, duration_meant(node));
        return None;
    };
    is_length(at, node, (seconds, nanos)).then(|| pair(descriptor, seconds, nanos))
}

/// Whether seconds and nanoseconds are a length of time that Envoy takes; if not, why is reported.
fn is_length(at: At<'_>, node: &Node, (seconds, nanos): (i64, i32)) -> bool {
    let message = if seconds < 0 || nanos < 0 {
        "a duration may not be negative".to_owned()
    } else if seconds > MAX_SECONDS {
        format!("a duration may not be longer than {MAX_SECONDS}s")
    } else if nanos > MAX_NANOS {
        format!("`nanos` may be at most {MAX_NANOS}: whole seconds stand in `seconds`")
    } else {
        return true;
    };
    fault(at, node.location, message);
    false
}

/// The seconds and the nanoseconds of a Duration.
fn parts(written: &DynamicMessage) -> (i64, i32) {
    let part = |name| written.get_field_by_name(name);
    let seconds = part("seconds").and_then(|value| value.as_i64()).unwrap_or_default();
    let nanos = part("nanos").and_then(|value| value.as_i32()).unwrap_or_default();
    (seconds, nanos)
}

fn timestamp(at: At<'_>, node: &Node, descriptor: &MessageDescriptor) -> Option<DynamicMessage> {
    let time = text(node).and_then(|text| text.parse::<prost_types::Timestamp>().ok());
    if time.is_none() {
        let found = node.describe();
        fault(at, node.location, format!("expected a time such as 2026-01-31T12:00:00Z, found {found}"));
    }
    time.map(|time| pair(descriptor, time.seconds, time.nanos))
}

fn field_mask(at: At<'_>, node: &Node, descriptor: &MessageDescriptor) -> Option<DynamicMessage> {
    let Some(text) = text(node) else {
        let found = node.describe();
        fault(at, node.location, format!("expected field paths with commas between them, found {found}"));
        return None;
    };
    let paths = text.split(',').filter(|path| !path.is_empty()).map(|path| Value::String(snake(path)));
    let mut mask = DynamicMessage::new(descriptor.clone());
    mask.set_field_by_name("paths", Value::List(paths.collect()));
    Some(mask)
}

/// Decimal seconds with up to nine digits after the point, then `s`: as seconds and nanoseconds of one sign.
fn parse_duration(text: &str) -> Option<(i64, i32)> {
    let number = text.strip_suffix('s')?;
    let (negative, number) = number.strip_prefix('-').map_or((false, number), |number| (true, number));
    let (seconds, fraction) = match number.split_once('.') {
        Some((_, "")) => return None,
        Some((seconds, fraction)) => (seconds, fraction),
        None => (number, ""),
    };
    let digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    if seconds.is_empty() || fraction.len() > 9 || !digits(seconds) || !digits(fraction) {
        return None;
    }
    let seconds: i64 = seconds.parse().ok()?;
    let nanos: i32 = format!("{fraction:0<9}").parse().ok()?;
    Some(if negative { (-seconds, -nanos) } else { (seconds, nanos) })
}

/// The same length of time in the form that is accepted: seconds.
fn duration_meant(node: &Node) -> Option<String> {
    let Content::Scalar(scalar) = &node.content else { return None };
    let text = scalar.text.trim();
    let digits = text.trim_end_matches(|c: char| c.is_ascii_alphabetic() || c == ' ');
    let number: f64 = digits.parse().ok().filter(|number| *number >= 0.0)?;
    let unit = match text.get(digits.len()..)?.trim() {
        "" | "s" | "S" | "sec" | "seconds" => 1.0,
        "ms" => 0.001,
        "us" => 0.000_001,
        "m" | "min" => 60.0,
        "h" => 3600.0,
        "d" => 86_400.0,
        _ => return None,
    };
    Some(format!("did you mean `{}s`?", number * unit))
}

/// A Duration or a Timestamp.
fn pair(descriptor: &MessageDescriptor, seconds: i64, nanos: i32) -> DynamicMessage {
    let mut message = DynamicMessage::new(descriptor.clone());
    message.set_field_by_name("seconds", Value::I64(seconds));
    message.set_field_by_name("nanos", Value::I32(nanos));
    message
}

fn snake(path: &str) -> String {
    let mut snake = String::new();
    for letter in path.chars() {
        if letter.is_ascii_uppercase() {
            snake.push('_');
        }
        snake.push(letter.to_ascii_lowercase());
    }
    snake
}

/// The longest duration that protobuf knows: 10,000 years.
const MAX_SECONDS: i64 = 315_576_000_000;

const MAX_NANOS: i32 = 999_999_999;
