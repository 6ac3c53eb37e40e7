//! The operators about certificates of a client's connection.

use std::time::SystemTime;

use jiff::tz::TimeZone;

use super::super::certificate::{Certificate, Link};
use super::super::error::Problem;
use super::super::record::Record;
use super::super::syntax::Command;
use super::super::time_format::{TimeFormat, UTC_DEFAULT};
use super::super::value::Value;
use super::Operator;

/// A fact of the record.
type Fact = fn(&Record) -> Value<'_>;

/// The operator called `name`, if it is one of these that take no argument.
pub(super) fn operator(name: &str) -> Option<Operator> {
    FACTS.iter().find(|(known, _)| *known == name).map(|(_, fact)| Operator::Plain(*fact))
}

/// The names of all of those.
pub(super) fn names() -> impl Iterator<Item = &'static str> {
    FACTS.iter().map(|(name, _)| *name)
}

/// `%DOWNSTREAM_PEER_CERT_V_START%` and `%DOWNSTREAM_PEER_CERT_V_END%`, in a form of one's own.
pub(super) fn time(command: &Command<'_>, of: fn(&Certificate) -> SystemTime) -> Result<Operator, Problem> {
    command.unlimited()?;
    let pattern = command.argument.unwrap_or(UTC_DEFAULT);
    let format = TimeFormat::parse(pattern, TimeZone::UTC);
    let format = format.map_err(|_| command.bad(pattern, "a time format has strftime specifiers, %s and %3f"))?;
    Ok(Operator::CertificateTime { of, format })
}

/// What the client has shown.
pub(super) fn peer(record: &Record) -> Option<&Certificate> {
    record.connection.tls.as_ref()?.peer.as_deref()
}

/// What the client was shown.
fn local(record: &Record) -> Option<&Certificate> {
    record.connection.tls.as_ref()?.local.as_deref()
}

fn text(text: Option<&str>) -> Value<'_> {
    Value::text(text.filter(|text| !text.is_empty()))
}

/// Several values are one text.
fn list(list: Option<&Vec<String>>) -> Value<'_> {
    match list.map(Vec::as_slice) {
        None | Some([]) => Value::Absent,
        Some([one]) => text(Some(one)),
        Some(several) => Value::Owned(several.join(",").into_bytes()),
    }
}

fn leaf(record: &Record, fact: fn(&Link) -> &str) -> Value<'_> {
    text(peer(record).and_then(|peer| peer.chain.first()).map(fact))
}

fn chain(record: &Record, fact: fn(&Link) -> &str) -> Value<'_> {
    let Some(peer) = peer(record) else { return Value::Absent };
    let facts: Vec<_> = peer.chain.iter().map(fact).collect();
    Value::Owned(facts.join(",").into_bytes())
}

const FACTS: &[(&str, Fact)] = &[
    ("DOWNSTREAM_PEER_SUBJECT", |record| text(peer(record).map(|peer| peer.subject.as_str()))),
    ("DOWNSTREAM_PEER_ISSUER", |record| text(peer(record).map(|peer| peer.issuer.as_str()))),
    ("DOWNSTREAM_PEER_SERIAL", |record| leaf(record, |link| &link.serial)),
    ("DOWNSTREAM_PEER_FINGERPRINT_256", |record| leaf(record, |link| &link.fingerprint)),
    ("DOWNSTREAM_PEER_CHAIN_SERIALS", |record| chain(record, |link| &link.serial)),
    ("DOWNSTREAM_PEER_CHAIN_FINGERPRINTS_256", |record| chain(record, |link| &link.fingerprint)),
    ("DOWNSTREAM_PEER_URI_SAN", |record| list(peer(record).map(|peer| &peer.uris))),
    ("DOWNSTREAM_PEER_DNS_SAN", |record| list(peer(record).map(|peer| &peer.hosts))),
    ("DOWNSTREAM_PEER_IP_SAN", |record| list(peer(record).map(|peer| &peer.addresses))),
    ("DOWNSTREAM_PEER_EMAIL_SAN", |record| list(peer(record).map(|peer| &peer.emails))),
    ("DOWNSTREAM_PEER_OTHERNAME_SAN", |record| list(peer(record).map(|peer| &peer.others))),
    ("DOWNSTREAM_PEER_CERT", |record| text(peer(record).map(Certificate::encoded))),
    ("DOWNSTREAM_LOCAL_SUBJECT", |record| text(local(record).map(|local| local.subject.as_str()))),
    ("DOWNSTREAM_LOCAL_URI_SAN", |record| list(local(record).map(|local| &local.uris))),
    ("DOWNSTREAM_LOCAL_DNS_SAN", |record| list(local(record).map(|local| &local.hosts))),
    ("DOWNSTREAM_LOCAL_IP_SAN", |record| list(local(record).map(|local| &local.addresses))),
    ("DOWNSTREAM_LOCAL_EMAIL_SAN", |record| list(local(record).map(|local| &local.emails))),
    ("DOWNSTREAM_LOCAL_OTHERNAME_SAN", |record| list(local(record).map(|local| &local.others))),
];
