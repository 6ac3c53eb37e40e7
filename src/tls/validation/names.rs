//! Conditions on the alternative names of a certificate (RFC 5280 §4.2.1.6).

use std::net::IpAddr;

use rustls::pki_types::CertificateDer;
use x509_parser::asn1_rs::{Any, Oid, Tag};
use x509_parser::extensions::GeneralName;
use x509_parser::prelude::{FromDer, X509Certificate};

use super::refusal::Refusal;
use crate::config::proto::envoy::extensions::transport_sockets::tls::v3::SubjectAltNameMatcher;
use crate::config::proto::envoy::extensions::transport_sockets::tls::v3::subject_alt_name_matcher::SanType;
use crate::config::proto::envoy::r#type::matcher::v3::string_matcher::MatchPattern;
use crate::config::{At, Invalid};
use crate::matcher::StringMatch;

/// Conditions of which one has to be met by one name.
#[derive(Debug, Default)]
pub(super) struct Names(Vec<Condition>);

#[derive(Debug)]
enum Condition {
    /// Exactly this host, which a wildcard in the certificate may stand for.
    Host(String),
    Dns(StringMatch),
    Email(StringMatch),
    Uri(StringMatch),
    Ip(StringMatch),
    Other {
        oid: Oid<'static>,
        value: StringMatch,
    },
}

impl Names {
    /// Reads the field `match_typed_subject_alt_names` of the context at `at`.
    pub(super) fn build(written: &[SubjectAltNameMatcher], at: At<'_>) -> Result<Self, Invalid> {
        at.each("match_typed_subject_alt_names", written, |at, written| Condition::build(written, at)).map(Self)
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(super) fn verify(&self, leaf: &CertificateDer<'_>) -> Result<(), Refusal> {
        if self.is_empty() {
            return Ok(());
        }
        let (_, parsed) = X509Certificate::from_der(leaf).map_err(|_| Refusal::Unreadable)?;
        let extension = parsed.subject_alternative_name().map_err(|_| Refusal::Unreadable)?;
        let own = extension.map_or(&[][..], |extension| &extension.value.general_names);
        if own.iter().any(|name| self.0.iter().any(|condition| condition.is_met(name))) {
            return Ok(());
        }
        Err(Refusal::Names(own.iter().filter_map(text).take(MAX_SHOWN).collect()))
    }
}

impl Condition {
    fn build(written: &SubjectAltNameMatcher, at: At<'_>) -> Result<Self, Invalid> {
        let matcher = at.required("matcher", written.matcher.as_ref())?;
        let value = StringMatch::build(at.field("matcher"), matcher);
        let kind = written.san_type();
        if kind != SanType::OtherName && !written.oid.is_empty() {
            at.field("oid").no_effect("`oid` has no effect: it is of names of type OTHER_NAME");
        }
        match kind {
            SanType::Unspecified => {
                Err(at.field("san_type").error("needs one of EMAIL, DNS, URI, IP_ADDRESS, OTHER_NAME"))
            }
            SanType::Email => value.map(Self::Email),
            SanType::Uri => value.map(Self::Uri),
            SanType::IpAddress => value.map(Self::Ip),
            SanType::Dns => match &matcher.match_pattern {
                Some(MatchPattern::Exact(host)) => Ok(Self::Host(host.to_ascii_lowercase())),
                _ => value.map(Self::Dns),
            },
            SanType::OtherName => {
                let oid = oid(&written.oid).ok_or_else(|| {
                    at.field("oid")
                        .error("a name of type OTHER_NAME is of a kind that an OID says, as `1.3.6.1.4.1.311.20.2.3`")
                });
                Ok(Self::Other { oid: oid?, value: value? })
            }
        }
    }

    fn is_met(&self, name: &GeneralName<'_>) -> bool {
        // What a name holds is compared whole: it does not end at a NUL.
        match (self, name) {
            (Self::Host(host), GeneralName::DNSName(name)) => stands_for(&name.to_ascii_lowercase(), host),
            (Self::Dns(value), GeneralName::DNSName(_))
            | (Self::Email(value), GeneralName::RFC822Name(_))
            | (Self::Uri(value), GeneralName::URI(_))
            | (Self::Ip(value), GeneralName::IPAddress(_)) => {
                text(name).is_some_and(|text| value.is_match(text.as_bytes()))
            }
            (Self::Other { oid, value }, GeneralName::OtherName(kind, _)) if oid == kind => {
                text(name).is_some_and(|text| value.is_match(text.as_bytes()))
            }
            _ => false,
        }
    }
}

/// A name as Envoy compares and shows it.
pub(in crate::tls) fn text(name: &GeneralName<'_>) -> Option<String> {
    match name {
        GeneralName::DNSName(text) | GeneralName::RFC822Name(text) | GeneralName::URI(text) => Some((*text).to_owned()),
        GeneralName::IPAddress(bytes) => ip(bytes).map(|ip| ip.to_string()),
        GeneralName::OtherName(_, value) => other(value),
        _ => None,
    }
}

fn ip(bytes: &[u8]) -> Option<IpAddr> {
    let four = <[u8; 4]>::try_from(bytes).map(IpAddr::from);
    four.ok().or_else(|| <[u8; 16]>::try_from(bytes).map(IpAddr::from).ok())
}

/// The text of another name: `[0] EXPLICIT`, in one of the types for text.
fn other(value: &[u8]) -> Option<String> {
    let (_, outer) = Any::from_der(value).ok()?;
    let (_, inner) = Any::from_der(outer.data).ok()?;
    let is_text = matches!(
        inner.header.tag(),
        Tag::Utf8String | Tag::Ia5String | Tag::PrintableString | Tag::VisibleString | Tag::NumericString
    );
    is_text.then(|| String::from_utf8(inner.data.to_vec()).ok()).flatten()
}

/// Whether a name in a certificate stands for a host, both in lower case. As in Envoy, its first label may have one `*`.
fn stands_for(name: &str, host: &str) -> bool {
    if name == host {
        return true;
    }
    let (Some((label, domain)), Some((first, rest))) = (name.split_once('.'), host.split_once('.')) else {
        return false;
    };
    // RFC 6125 §6.4.3: not in an A-label, and for one label.
    let Some((before, after)) = label.split_once('*') else { return false };
    let is_plain = !label.starts_with("xn--") && !after.contains('*') && !domain.contains('*');
    let is_covered =
        first.len() + 1 >= label.len() && first.starts_with(before) && first.ends_with(after) && !first.is_empty();
    is_plain && domain == rest && is_covered
}

fn oid(text: &str) -> Option<Oid<'static>> {
    let arcs = text.split('.').map(|arc| arc.parse().ok()).collect::<Option<Vec<u64>>>()?;
    Oid::from(&arcs).ok()
}

/// A refusal shows so many names.
const MAX_SHOWN: usize = 8;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rfc6125_6_4_3_a_wildcard_stands_for_one_label() {
        for (name, host, expected) in [
            ("a.test", "a.test", true),
            ("*.a.test", "x.a.test", true),
            ("*.a.test", "x.y.a.test", false),
            ("*.a.test", "a.test", false),
            ("*.a.test", ".a.test", false),
            ("x*.a.test", "xy.a.test", true),
            ("x*z.a.test", "xz.a.test", true),
            ("x*z.a.test", "x.a.test", false),
            ("*x*.a.test", "axb.a.test", false),
            ("xn--*.a.test", "xn--b.a.test", false),
            ("*", "test", false),
            ("*.*.test", "a.b.test", false),
            ("a.test\0.b.test", "a.test", false),
            ("x.a.test", "*.a.test", false),
        ] {
            assert_eq!(stands_for(name, host), expected, "{name} {host}");
        }
    }
}
