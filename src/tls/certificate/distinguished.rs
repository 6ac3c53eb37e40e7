//! A distinguished name as RFC 2253 writes it, and OpenSSL after it.

use std::fmt::Write as _;

use x509_parser::asn1_rs::{Any, Tag, ToDer};
use x509_parser::x509::{AttributeTypeAndValue, X509Name};

/// The name, its last part first.
pub(super) fn written(name: &X509Name<'_>) -> String {
    let parts: Vec<_> = name.iter_rdn().collect();
    let parts = parts.iter().rev().map(|part| {
        let attributes: Vec<_> = part.iter().map(attribute).collect();
        let attributes: Vec<_> = attributes.into_iter().rev().collect();
        attributes.join("+")
    });
    parts.collect::<Vec<_>>().join(",")
}

fn attribute(attribute: &AttributeTypeAndValue<'_>) -> String {
    let oid = attribute.attr_type().to_id_string();
    let value = attribute.attr_value();
    match (NAMES.iter().find(|(known, _)| *known == oid), text(value)) {
        (Some((_, name)), Some(text)) => format!("{name}={}", escaped(&text)),
        (Some((_, name)), None) => format!("{name}=#{}", encoding(value)),
        // RFC 2253 §2.4: a value of a kind that nobody knows is its encoding.
        (None, _) => format!("{oid}=#{}", encoding(value)),
    }
}

/// The value, in UTF-8; `None` where it is no text.
fn text(value: &Any<'_>) -> Option<String> {
    match value.header.tag() {
        Tag::Utf8String | Tag::PrintableString | Tag::Ia5String | Tag::NumericString | Tag::VisibleString => {
            String::from_utf8(value.data.to_vec()).ok()
        }
        // One byte, one character.
        Tag::T61String => Some(value.data.iter().map(|byte| char::from(*byte)).collect()),
        Tag::BmpString => {
            let units =
                value.data.chunks_exact(2).map(|pair| pair.iter().fold(0, |unit, byte| unit << 8 | u16::from(*byte)));
            String::from_utf16(&units.collect::<Vec<_>>()).ok()
        }
        _ => None,
    }
}

fn encoding(value: &Any<'_>) -> String {
    value.to_der_vec().unwrap_or_default().iter().fold(String::new(), |mut text, byte| {
        let _ = write!(text, "{byte:02X}");
        text
    })
}

/// RFC 2253 §2.4; and what is not plain ASCII byte by byte, as OpenSSL does.
fn escaped(text: &str) -> String {
    let last = text.len().saturating_sub(1);
    let mut out = String::with_capacity(text.len());
    for (place, byte) in text.bytes().enumerate() {
        let special = match byte {
            b',' | b'+' | b'"' | b'\\' | b'<' | b'>' | b';' => true,
            b'#' => place == 0,
            b' ' => place == 0 || place == last,
            _ => false,
        };
        // A String takes whatever is written.
        let _ = match byte {
            _ if special => write!(out, "\\{}", char::from(byte)),
            0x20..0x7f => write!(out, "{}", char::from(byte)),
            byte => write!(out, "\\{byte:02X}"),
        };
    }
    out
}

/// OpenSSL's short names.
const NAMES: [(&str, &str); 24] = [
    ("2.5.4.3", "CN"),
    ("2.5.4.4", "SN"),
    ("2.5.4.5", "serialNumber"),
    ("2.5.4.6", "C"),
    ("2.5.4.7", "L"),
    ("2.5.4.8", "ST"),
    ("2.5.4.9", "street"),
    ("2.5.4.10", "O"),
    ("2.5.4.11", "OU"),
    ("2.5.4.12", "title"),
    ("2.5.4.13", "description"),
    ("2.5.4.15", "businessCategory"),
    ("2.5.4.17", "postalCode"),
    ("2.5.4.41", "name"),
    ("2.5.4.42", "GN"),
    ("2.5.4.43", "initials"),
    ("2.5.4.44", "generationQualifier"),
    ("2.5.4.45", "x500UniqueIdentifier"),
    ("2.5.4.46", "dnQualifier"),
    ("2.5.4.65", "pseudonym"),
    ("2.5.4.72", "role"),
    ("0.9.2342.19200300.100.1.1", "UID"),
    ("0.9.2342.19200300.100.1.25", "DC"),
    ("1.2.840.113549.1.9.1", "emailAddress"),
];

#[cfg(test)]
mod tests {
    use super::*;

    /// As `openssl x509 -nameopt RFC2253` writes them.
    #[test]
    fn rfc2253_2_4_what_would_end_a_value_is_escaped() {
        for (text, expected) in [
            ("Acme, Inc.", "Acme\\, Inc."),
            (" a b ", "\\ a b\\ "),
            ("#a#", "\\#a#"),
            ("a+b\"c\\d<e>f;g=h", "a\\+b\\\"c\\\\d\\<e\\>f\\;g=h"),
            ("é\n", "\\C3\\A9\\0A"),
            (" ", "\\ "),
            ("", ""),
        ] {
            assert_eq!(escaped(text), expected);
        }
    }
}
