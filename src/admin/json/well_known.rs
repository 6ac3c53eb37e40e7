//! Messages that have a JSON form of their own: times, wrapped values, structs.

use prost_reflect::{DynamicMessage, ReflectMessage, Value as Field};
use serde_json::{Map, Value};

use super::{REDACTED, Secrecy, number};

/// Whether it is one of them, and stands as `value` in an `Any`.
pub(super) fn is_one(message: &DynamicMessage) -> bool {
    message.descriptor().package_name() == "google.protobuf" && message.descriptor().name() != "Empty"
}

/// Its form; none where it is a message like others.
pub(super) fn value(message: &DynamicMessage, secrecy: Secrecy) -> Option<Value> {
    let descriptor = message.descriptor();
    let value = match descriptor.full_name().strip_prefix("google.protobuf.")? {
        "Duration" => duration(whole(message, "seconds"), whole(message, "nanos")).into(),
        "Timestamp" => timestamp(whole(message, "seconds"), whole(message, "nanos")).into(),
        "Struct" => structure(message, secrecy),
        "ListValue" => list(message, secrecy),
        "Value" => any_json(message, secrecy),
        "BoolValue" | "Int32Value" | "UInt32Value" | "Int64Value" | "UInt64Value" | "FloatValue" | "DoubleValue"
        | "StringValue" | "BytesValue" => wrapped(message, secrecy),
        _ => return None,
    };
    Some(value)
}

fn wrapped(message: &DynamicMessage, secrecy: Secrecy) -> Value {
    let (Some(field), Some(held)) = (message.descriptor().get_field(1), message.get_field_by_number(1)) else {
        return Value::Null;
    };
    match (&*held, secrecy) {
        (Field::String(_) | Field::Bytes(_), Secrecy::Secret) => REDACTED.into(),
        (_, Secrecy::Secret) => Value::Null,
        (held, Secrecy::Open) => super::scalar(held, &field.kind()),
    }
}

fn structure(message: &DynamicMessage, secrecy: Secrecy) -> Value {
    let fields = message.get_field_by_name("fields");
    let Some(fields) = fields.as_ref().and_then(|fields| fields.as_map()) else { return Value::Object(Map::new()) };
    let one = |held: &Field| held.as_message().map_or(Value::Null, |held| any_json(held, secrecy));
    let mut fields: Vec<_> =
        fields.iter().map(|(name, held)| (name.as_str().unwrap_or_default().to_owned(), one(held))).collect();
    fields.sort_by(|(one, _), (other, _)| one.cmp(other));
    Value::Object(fields.into_iter().collect())
}

fn list(message: &DynamicMessage, secrecy: Secrecy) -> Value {
    let values = message.get_field_by_name("values");
    let values = values.as_ref().and_then(|values| values.as_list()).unwrap_or_default();
    values.iter().filter_map(Field::as_message).map(|held| any_json(held, secrecy)).collect()
}

/// A `google.protobuf.Value`.
fn any_json(message: &DynamicMessage, secrecy: Secrecy) -> Value {
    let Some((_, held)) = message.fields().next() else { return Value::Null };
    match (held, secrecy) {
        (Field::Message(inner), _) if inner.descriptor().name() == "Struct" => structure(inner, secrecy),
        (Field::Message(inner), _) => list(inner, secrecy),
        (Field::String(_), Secrecy::Secret) => REDACTED.into(),
        (Field::String(text), Secrecy::Open) => text.as_str().into(),
        (Field::F64(value), Secrecy::Open) => number(*value),
        (Field::Bool(value), Secrecy::Open) => (*value).into(),
        // Null, and what no text can stand for.
        _ => Value::Null,
    }
}

/// Seconds with three, six or nine digits of a fraction, or none.
fn duration(seconds: i64, nanos: i64) -> String {
    let sign = if seconds < 0 || nanos < 0 { "-" } else { "" };
    format!("{sign}{}{}s", seconds.unsigned_abs(), fraction(nanos.unsigned_abs()))
}

/// RFC 3339 in UTC.
fn timestamp(seconds: i64, nanos: i64) -> String {
    // A time that the calendar does not reach is not one that a certificate or this process has seen.
    let at = jiff::Timestamp::from_second(seconds).unwrap_or(jiff::Timestamp::MAX);
    format!("{}{}Z", at.strftime("%Y-%m-%dT%H:%M:%S"), fraction(nanos.unsigned_abs()))
}

fn fraction(nanos: u64) -> String {
    match nanos {
        0 => String::new(),
        _ if nanos.is_multiple_of(1_000_000) => format!(".{:03}", nanos / 1_000_000),
        _ if nanos.is_multiple_of(1_000) => format!(".{:06}", nanos / 1_000),
        _ => format!(".{nanos:09}"),
    }
}

fn whole(message: &DynamicMessage, field: &str) -> i64 {
    let held = message.get_field_by_name(field);
    held.and_then(|held| held.as_i64().or_else(|| held.as_i32().map(i64::from))).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fractions_have_three_six_or_nine_digits() {
        assert_eq!(duration(5, 0), "5s");
        assert_eq!(duration(0, 400_000_000), "0.400s");
        assert_eq!(duration(-1, -1), "-1.000000001s");
        assert_eq!(timestamp(1_795_255_332, 257_000), "2026-11-21T10:02:12.000257Z");
        assert_eq!(timestamp(0, 0), "1970-01-01T00:00:00Z");
    }
}
