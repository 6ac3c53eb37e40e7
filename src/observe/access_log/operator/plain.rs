//! The operators that take no argument and read one fact of the record, and those that name a duration.

use std::borrow::Cow;
use std::net::SocketAddr;
use std::sync::Arc;

use http::Version;

use super::super::capture::{Captures, Side};
use super::super::flags::Flag;
use super::super::record::{Connection, Record, Tls, Upstream};
use super::super::times::Point;
use super::super::value::Value;
use super::{Operator, Unit};

/// A fact of the record.
type Fact = fn(&Record) -> Value<'_>;

/// The operator called `name`, if it is one of these.
pub(super) fn operator(name: &str, captures: &mut Captures) -> Option<Operator> {
    if let Some((_, fact)) = FACTS.iter().find(|(known, _)| *known == name) {
        return Some(Operator::Plain(*fact));
    }
    if let Some((_, from, to)) = DURATIONS.iter().find(|(known, ..)| *known == name) {
        return Some(Operator::Between { from: *from, to: *to, unit: Unit::Milliseconds });
    }
    if let Some((_, side, fact)) = SIZES.iter().find(|(known, ..)| *known == name) {
        captures.size_of(*side);
        return Some(Operator::Plain(*fact));
    }
    (name == "HOSTNAME").then(|| Operator::Constant(host_name().into_boxed_slice()))
}

/// The names of all of these.
pub(super) fn names() -> impl Iterator<Item = &'static str> {
    let facts = FACTS.iter().map(|(name, _)| *name);
    let durations = DURATIONS.iter().map(|(name, ..)| *name);
    let sizes = SIZES.iter().map(|(name, ..)| *name);
    facts.chain(durations).chain(sizes).chain(["HOSTNAME"])
}

fn host_name() -> Vec<u8> {
    rustix::system::uname().nodename().to_bytes().to_vec()
}

fn version(version: Option<Version>) -> Value<'static> {
    Value::text(version.map(|version| match version {
        Version::HTTP_09 => "HTTP/0.9",
        Version::HTTP_10 => "HTTP/1.0",
        Version::HTTP_2 => "HTTP/2",
        Version::HTTP_3 => "HTTP/3",
        _ => "HTTP/1.1",
    }))
}

fn tls(record: &Record, fact: fn(&Tls) -> Option<&str>) -> Value<'_> {
    Value::text(record.connection.tls.as_ref().and_then(fact))
}

fn upstream_tls(record: &Record, fact: fn(&Tls) -> Option<&str>) -> Value<'_> {
    Value::text(record.upstream.tls.as_ref().and_then(fact))
}

fn flags(record: &Record, name: fn(Flag) -> &'static str) -> Value<'static> {
    match record.flags.joined(name) {
        Cow::Borrowed(names) => Value::text(Some(names)),
        Cow::Owned(names) => Value::Owned(names.into_bytes()),
    }
}

/// A name given by configuration; an empty one is none.
fn name(name: Option<&Arc<str>>) -> Value<'_> {
    Value::text(name.map(|name| &**name).filter(|name| !name.is_empty()))
}

/// The host's name, or its address where it has none.
fn host_name_of(upstream: &Upstream) -> Value<'_> {
    upstream.host_name.as_ref().map_or(Value::socket(upstream.host), |name| Value::text(Some(name)))
}

fn direct_local(connection: &Connection) -> Option<SocketAddr> {
    connection.direct_local.or(connection.local)
}

/// A random UUID (RFC 9562 §5.4: version 4, variant 10), another one each time it is asked for.
fn unique_id() -> Value<'static> {
    let random: u128 = rand::random();
    let id = random & !(0xf << 76 | 0x3 << 62) | 0x4 << 76 | 0x2 << 62;
    let digits = format!("{id:032x}");
    let mut text = Vec::with_capacity(36);
    for (index, digit) in digits.bytes().enumerate() {
        if matches!(index, 8 | 12 | 16 | 20) {
            text.push(b'-');
        }
        text.push(digit);
    }
    Value::Owned(text)
}

const FACTS: &[(&str, Fact)] = &[
    ("PROTOCOL", |record| version(record.protocol)),
    ("RESPONSE_CODE", |record| Value::number(record.status.unwrap_or(0))),
    ("RESPONSE_FLAGS", |record| flags(record, Flag::short)),
    ("RESPONSE_FLAGS_LONG", |record| flags(record, Flag::long)),
    ("BYTES_RECEIVED", |record| Value::number(record.bytes_received)),
    ("BYTES_SENT", |record| Value::number(record.bytes_sent)),
    ("ROUTE_NAME", |record| name(record.route.as_ref())),
    ("STREAM_ID", |record| record.stream_id.as_ref().map_or(Value::Absent, |id| Value::Bytes(id.as_bytes()))),
    ("UNIQUE_ID", |_| unique_id()),
    ("ACCESS_LOG_TYPE", |record| Value::text(Some(record.log_type.name()))),
    ("LOCAL_REPLY_BODY", |record| Value::Bytes(&record.local_reply_body)),
    ("CONNECTION_TERMINATION_DETAILS", |record| Value::text(record.termination_details.as_deref())),
    ("CONNECTION_ID", |record| Value::number(record.connection.id)),
    ("FILTER_CHAIN_NAME", |record| name(record.connection.filter_chain.as_ref())),
    ("LISTENER_NAME", |record| name(record.connection.listener.as_ref())),
    ("DOWNSTREAM_REMOTE_ADDRESS", |record| Value::socket(record.remote)),
    ("DOWNSTREAM_REMOTE_ADDRESS_WITHOUT_PORT", |record| Value::ip(record.remote)),
    ("DOWNSTREAM_REMOTE_PORT", |record| Value::port(record.remote)),
    ("DOWNSTREAM_DIRECT_REMOTE_ADDRESS", |record| Value::socket(record.connection.remote)),
    ("DOWNSTREAM_DIRECT_REMOTE_ADDRESS_WITHOUT_PORT", |record| Value::ip(record.connection.remote)),
    ("DOWNSTREAM_DIRECT_REMOTE_PORT", |record| Value::port(record.connection.remote)),
    ("DOWNSTREAM_LOCAL_ADDRESS", |record| Value::socket(record.connection.local)),
    ("DOWNSTREAM_LOCAL_ADDRESS_WITHOUT_PORT", |record| Value::ip(record.connection.local)),
    ("DOWNSTREAM_LOCAL_PORT", |record| Value::port(record.connection.local)),
    ("DOWNSTREAM_DIRECT_LOCAL_ADDRESS", |record| Value::socket(direct_local(&record.connection))),
    ("DOWNSTREAM_DIRECT_LOCAL_ADDRESS_WITHOUT_PORT", |record| Value::ip(direct_local(&record.connection))),
    ("DOWNSTREAM_DIRECT_LOCAL_PORT", |record| Value::port(direct_local(&record.connection))),
    ("DOWNSTREAM_TLS_VERSION", |record| tls(record, |tls| tls.version)),
    ("DOWNSTREAM_TLS_CIPHER", |record| tls(record, |tls| tls.cipher)),
    ("DOWNSTREAM_TLS_GROUP", |record| tls(record, |tls| tls.group)),
    ("DOWNSTREAM_TLS_SESSION_ID", |record| tls(record, |tls| tls.session_id.as_deref())),
    ("DOWNSTREAM_TRANSPORT_FAILURE_REASON", |record| failure(record.transport_failure.as_deref())),
    ("DOWNSTREAM_DETECTED_CLOSE_TYPE", |record| Value::text(Some(record.detected_close.name()))),
    ("DOWNSTREAM_LOCAL_CLOSE_REASON", |record| Value::text(record.local_close_reason.as_deref())),
    ("UPSTREAM_HOST", |record| Value::socket(record.upstream.host)),
    ("UPSTREAM_HOST_NAME", |record| host_name_of(&record.upstream)),
    ("UPSTREAM_HOST_NAME_WITHOUT_PORT", |record| match &record.upstream.host_name {
        Some(name) => Value::text(Some(without_port(name))),
        None => Value::ip(record.upstream.host),
    }),
    ("UPSTREAM_CLUSTER", |record| {
        let upstream = &record.upstream;
        name(upstream.cluster_alias.as_ref().or(upstream.cluster.as_ref()))
    }),
    ("UPSTREAM_CLUSTER_RAW", |record| name(record.upstream.cluster.as_ref())),
    ("UPSTREAM_LOCAL_ADDRESS", |record| Value::socket(record.upstream.local)),
    ("UPSTREAM_LOCAL_ADDRESS_WITHOUT_PORT", |record| Value::ip(record.upstream.local)),
    ("UPSTREAM_LOCAL_PORT", |record| Value::port(record.upstream.local)),
    ("UPSTREAM_REMOTE_ADDRESS", |record| Value::socket(record.upstream.remote)),
    ("UPSTREAM_REMOTE_ADDRESS_WITHOUT_PORT", |record| Value::ip(record.upstream.remote)),
    ("UPSTREAM_REMOTE_PORT", |record| Value::port(record.upstream.remote)),
    ("UPSTREAM_PROTOCOL", |record| version(record.upstream.protocol)),
    ("UPSTREAM_REQUEST_ATTEMPT_COUNT", |record| Value::number(record.upstream.attempts)),
    ("UPSTREAM_CONNECTION_ID", |record| Value::number(record.upstream.connection_id)),
    ("UPSTREAM_TRANSPORT_FAILURE_REASON", |record| failure(record.upstream.transport_failure.as_deref())),
    ("UPSTREAM_TLS_VERSION", |record| upstream_tls(record, |tls| tls.version)),
    ("UPSTREAM_TLS_CIPHER", |record| upstream_tls(record, |tls| tls.cipher)),
    ("UPSTREAM_TLS_GROUP", |record| upstream_tls(record, |tls| tls.group)),
    ("UPSTREAM_SERVER_NAME", |record| name(record.upstream.server_name.as_ref())),
    ("UPSTREAM_LOCAL_CLOSE_REASON", |record| Value::text(record.upstream.local_close_reason.as_deref())),
];

/// A reason in words; spaces become underscores, so that a line has the same number of columns with and without it.
fn failure(reason: Option<&str>) -> Value<'_> {
    match reason {
        Some(reason) if super::has_space(reason) => Value::Owned(super::underscored(reason).into_bytes()),
        reason => Value::text(reason),
    }
}

fn without_port(name: &str) -> &str {
    match name.rsplit_once(':') {
        Some((host, port)) if !port.is_empty() && port.bytes().all(|digit| digit.is_ascii_digit()) => host,
        _ => name,
    }
}

/// Name, from, to: in milliseconds.
const DURATIONS: &[(&str, Point, Point)] = &[
    ("DURATION", Point::RequestBegin, Point::Complete),
    ("REQUEST_DURATION", Point::RequestBegin, Point::RequestEnd),
    ("REQUEST_TX_DURATION", Point::RequestBegin, Point::UpstreamRequestEnd),
    ("RESPONSE_DURATION", Point::RequestBegin, Point::UpstreamResponseBegin),
    ("RESPONSE_TX_DURATION", Point::UpstreamResponseBegin, Point::ResponseEnd),
    ("ROUNDTRIP_DURATION", Point::RequestBegin, Point::FinalAck),
    ("DOWNSTREAM_HANDSHAKE_DURATION", Point::ConnectionBegin, Point::HandshakeEnd),
    ("UPSTREAM_CONNECTION_POOL_READY_DURATION", Point::PoolWaitBegin, Point::PoolReady),
];

/// Name, section, size.
const SIZES: &[(&str, Side, Fact)] = &[
    ("REQUEST_HEADERS_BYTES", Side::Request, |record| Value::number(record.captured.size(Side::Request))),
    ("RESPONSE_HEADERS_BYTES", Side::Response, |record| Value::number(record.captured.size(Side::Response))),
    ("RESPONSE_TRAILERS_BYTES", Side::Trailers, |record| Value::number(record.captured.size(Side::Trailers))),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rfc9562_5_4_a_unique_id_is_a_version_4_uuid() {
        let id = || match unique_id() {
            Value::Owned(text) => String::from_utf8(text).unwrap(),
            other => panic!("{other:?}"),
        };
        for _ in 0..8 {
            let text = id();
            let parts: Vec<_> = text.split('-').collect();
            assert_eq!(parts.iter().map(|part| part.len()).collect::<Vec<_>>(), [8, 4, 4, 4, 12]);
            assert!(parts[2].starts_with('4') && parts[3].starts_with(['8', '9', 'a', 'b']), "{text}");
        }
        assert_ne!(id(), id());
    }

    #[test]
    fn a_port_is_taken_off_a_name() {
        let cases = [("a.example:80", "a.example"), ("a.example", "a.example"), ("[::1]:80", "[::1]"), ("a:b", "a:b")];
        for (name, host) in cases {
            assert_eq!(without_port(name), host);
        }
    }
}
