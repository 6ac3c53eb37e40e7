//! Scalar fields: numbers, booleans, strings, bytes and enums, in the spellings that Envoy accepts.

use base64::Engine;
use base64::alphabet::STANDARD;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use bytes::Bytes;
use prost_reflect::{EnumDescriptor, EnumValueDescriptor, Kind, Value};

use super::{Decoder, did_you_mean, fault_with_hint};
use crate::config::at::At;
use crate::config::diagnostic::Code;
use crate::config::node::{Content, Meaning, Node, Quoted};
use crate::config::schema;
use crate::config::spelling::nearest;
use crate::config::support::{self, Support};

/// Why a scalar does not fit its field.
enum Unfit {
    /// It is of another type.
    Type,
    /// It is of the right type; what is wrong, and what was meant.
    Value(String, Option<String>),
}

impl Decoder {
    /// The value of a scalar or an enum.
    pub(super) fn scalar(self, at: At<'_>, node: &Node, kind: &Kind) -> Option<Value> {
        let value = match &node.content {
            Content::Scalar(scalar) => read(&scalar.meaning(), kind),
            _ => Err(Unfit::Type),
        };
        let (message, hint) = match value {
            Ok(value) => {
                return self.is_named_well(at, node, &value, kind).then_some(value);
            }
            Err(Unfit::Value(message, hint)) => (message, hint),
            Err(Unfit::Type) => {
                let message = format!("expected {}, found {}", describe(kind), node.describe());
                (message, hint_for_type(node, kind))
            }
        };
        fault_with_hint(at, node.location, message, hint);
        None
    }

    /// Reports a deprecated name of an enum, and one that is not implemented.
    fn is_named_well(self, at: At<'_>, node: &Node, value: &Value, kind: &Kind) -> bool {
        let Some(named) =
            kind.as_enum().zip(value.as_enum_number()).and_then(|(descriptor, number)| descriptor.get_value(number))
        else {
            return true;
        };
        let descriptor = named.parent_enum();
        if let Support::Missing | Support::Refused(_) = support::of_value(descriptor.full_name(), named.name()) {
            let message = support::value_refusal(descriptor.full_name(), named.name());
            at.add(Code::NotImplemented, Some(node.location), message, None);
            return false;
        }
        if schema::is_deprecated(&named) && !self.leniency.deprecated {
            let message = format!("`{}` is deprecated in Envoy's API", named.name());
            at.add(Code::Deprecated, Some(node.location), message, None);
        }
        true
    }
}

fn read(meaning: &Meaning, kind: &Kind) -> Result<Value, Unfit> {
    match (kind, meaning) {
        (Kind::Bool, Meaning::Bool(value)) => Ok(Value::Bool(*value)),
        (Kind::Bool, Meaning::Text(text)) => boolean(text).map(Value::Bool).ok_or(Unfit::Type),
        (Kind::String, Meaning::Text(text)) => Ok(Value::String(text.clone())),
        (Kind::Bytes, Meaning::Text(text)) => base64(text).map(Value::Bytes),
        (Kind::Enum(descriptor), meaning) => enum_number(meaning, descriptor).map(Value::EnumNumber),
        (Kind::Double | Kind::Float, meaning) => float(meaning, kind),
        (Kind::Bool | Kind::String | Kind::Bytes | Kind::Message(_), _) => Err(Unfit::Type),
        (_, meaning) => integer(meaning, kind),
    }
}

/// A plain 80 or `on` is no string: quotes make it one.
fn hint_for_type(node: &Node, kind: &Kind) -> Option<String> {
    match &node.content {
        Content::Scalar(scalar) if *kind == Kind::String && !scalar.is_null() => {
            Some(format!("did you mean \"{}\", in quotes?", scalar.text))
        }
        _ => None,
    }
}

/// What stands in quotes and means a boolean all the same.
fn boolean(text: &str) -> Option<bool> {
    match text.to_ascii_lowercase().as_str() {
        "true" | "t" | "yes" | "y" | "1" => Some(true),
        "false" | "f" | "no" | "n" | "0" => Some(false),
        _ => None,
    }
}

fn integer(meaning: &Meaning, kind: &Kind) -> Result<Value, Unfit> {
    let number = match meaning {
        Meaning::Integer(number) => i128::from(*number),
        Meaning::Float(number) => whole(*number)?,
        Meaning::Text(text) => match integer_text(text) {
            Some(number) => number,
            None => whole(float_text(text).ok_or(Unfit::Type)?)?,
        },
        Meaning::Null | Meaning::Bool(_) => return Err(Unfit::Type),
    };
    let value = match kind {
        Kind::Int32 | Kind::Sint32 | Kind::Sfixed32 => i32::try_from(number).map(Value::I32),
        Kind::Uint32 | Kind::Fixed32 => u32::try_from(number).map(Value::U32),
        Kind::Uint64 | Kind::Fixed64 => u64::try_from(number).map(Value::U64),
        _ => i64::try_from(number).map(Value::I64),
    };
    value.map_err(|_| Unfit::Value(format!("{number} is out of range for {}", describe(kind)), None))
}

/// Decimal digits, or hexadecimal ones after `0x`.
fn integer_text(text: &str) -> Option<i128> {
    match text.strip_prefix("0x").or_else(|| text.strip_prefix("0X")) {
        Some(digits) if !digits.starts_with(['+', '-']) => i128::from_str_radix(digits, 16).ok(),
        Some(_) => None,
        None => text.parse().ok(),
    }
}

/// A number without a fraction, such as 1e3.
#[expect(
    clippy::cast_possible_truncation,
    reason = "the number has no fraction, and beyond the range of i128 the cast stops at its ends"
)]
fn whole(number: f64) -> Result<i128, Unfit> {
    if number.fract() == 0.0 {
        Ok(number as i128)
    } else {
        Err(Unfit::Value(format!("expected a whole number, found {number}"), None))
    }
}

fn float(meaning: &Meaning, kind: &Kind) -> Result<Value, Unfit> {
    let number = match meaning {
        Meaning::Integer(number) => number.to_string().parse().ok(),
        Meaning::Float(number) => Some(*number),
        Meaning::Text(text) => float_text(text),
        Meaning::Null | Meaning::Bool(_) => None,
    };
    let number = number.ok_or(Unfit::Type)?;
    Ok(if *kind == Kind::Float { Value::F32(narrow(number)) } else { Value::F64(number) })
}

#[expect(clippy::cast_possible_truncation, reason = "a float field holds the nearest float")]
fn narrow(number: f64) -> f32 {
    number as f32
}

/// A number as JSON writes it, or one of the three names of protobuf JSON.
fn float_text(text: &str) -> Option<f64> {
    match text {
        "NaN" => Some(f64::NAN),
        "Infinity" => Some(f64::INFINITY),
        "-Infinity" => Some(f64::NEG_INFINITY),
        _ if text.bytes().all(|byte| byte.is_ascii_digit() || b"+-.eE".contains(&byte)) => text.parse().ok(),
        _ => None,
    }
}

/// Either alphabet, padded or not.
fn base64(text: &str) -> Result<Bytes, Unfit> {
    let config = GeneralPurposeConfig::new()
        .with_decode_padding_mode(DecodePaddingMode::Indifferent)
        .with_decode_allow_trailing_bits(true);
    let standard: String = text
        .chars()
        .map(|c| {
            if c == '-' {
                '+'
            } else if c == '_' {
                '/'
            } else {
                c
            }
        })
        .collect();
    match GeneralPurpose::new(&STANDARD, config).decode(standard) {
        Ok(bytes) => Ok(Bytes::from(bytes)),
        Err(error) => Err(Unfit::Value(format!("expected bytes in base64: {error}"), None)),
    }
}

/// A name in any case, or a number that has a name.
fn enum_number(meaning: &Meaning, descriptor: &EnumDescriptor) -> Result<i32, Unfit> {
    let names: Vec<EnumValueDescriptor> = descriptor.values().collect();
    let number = match meaning {
        Meaning::Integer(number) => Some(*number),
        Meaning::Text(text) => text.parse().ok(),
        Meaning::Null | Meaning::Bool(_) | Meaning::Float(_) => return Err(Unfit::Type),
    };
    let found = match (number, meaning) {
        (Some(number), _) => names.iter().find(|name| i64::from(name.number()) == number),
        (None, Meaning::Text(text)) => names.iter().find(|name| name.name().eq_ignore_ascii_case(text)),
        _ => None,
    };
    found.map(EnumValueDescriptor::number).ok_or_else(|| {
        let written = match meaning {
            Meaning::Text(text) => text.clone(),
            _ => number.unwrap_or_default().to_string(),
        };
        let near = nearest(&written, names.iter().map(EnumValueDescriptor::name));
        let known: Vec<&str> = names.iter().map(EnumValueDescriptor::name).collect();
        let message =
            format!("{} is no {}: it is one of {}", Quoted(&written), descriptor.full_name(), known.join(", "));
        Unfit::Value(message, near.map(did_you_mean))
    })
}

/// What a field of this kind holds, for a message.
fn describe(kind: &Kind) -> String {
    match kind {
        Kind::Bool => "a boolean".to_owned(),
        Kind::String => "a string".to_owned(),
        Kind::Bytes => "bytes in base64".to_owned(),
        Kind::Double | Kind::Float => "a number".to_owned(),
        Kind::Enum(descriptor) => format!("a name of the enum {}", descriptor.full_name()),
        Kind::Message(descriptor) => descriptor.full_name().to_owned(),
        Kind::Int32 | Kind::Sint32 | Kind::Sfixed32 => format!("a whole number from {} to {}", i32::MIN, i32::MAX),
        Kind::Uint32 | Kind::Fixed32 => format!("a whole number from 0 to {}", u32::MAX),
        Kind::Int64 | Kind::Sint64 | Kind::Sfixed64 => format!("a whole number from {} to {}", i64::MIN, i64::MAX),
        Kind::Uint64 | Kind::Fixed64 => format!("a whole number from 0 to {}", u64::MAX),
    }
}
