//! The operators that take a request's target apart: `%PATH%`, `%QUERY_PARAM%`, `%QUERY_PARAMS%`, `%REQUESTED_SERVER_NAME%`.

use std::borrow::Cow;

use http::HeaderName;

use super::super::capture::{Captured, Captures, Field, Pseudo, Side, Slot};
use super::super::error::Problem;
use super::super::record::Record;
use super::super::syntax::Command;
use super::super::value::Value;
use super::Operator;

/// `%PATH(QUERY:WHICH):LENGTH%`
#[derive(Clone, Debug)]
pub(in super::super) struct Path {
    /// Where it is looked for, in order.
    places: Vec<Slot>,
    with_query: bool,
    limit: Option<usize>,
}

/// `%QUERY_PARAM(NAME):LENGTH%`
#[derive(Clone, Debug)]
pub(in super::super) struct QueryParam {
    path: Slot,
    name: Box<str>,
    limit: Option<usize>,
}

/// `%REQUESTED_SERVER_NAME(ORDER:HOST)%`
#[derive(Clone, Debug)]
pub(in super::super) struct ServerName {
    /// Whether the handshake's name is read, and whether before the host.
    sni: Order,
    /// Where the host is looked for, in order.
    hosts: Vec<Slot>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Order {
    SniOnly,
    SniFirst,
    HostFirst,
}

// === impl Path ===

impl Path {
    pub(super) fn compile(command: &Command<'_>, captures: &mut Captures) -> Result<Self, Problem> {
        let (query, which) = two(command.argument);
        let with_query = match query {
            "" | "WQ" => true,
            "NQ" => false,
            other => return Err(command.bad(other, "the query is WQ (with it) or NQ (without it)")),
        };
        let places = match which {
            "PATH" => vec![path(captures)],
            "ORIG" => vec![original_path(captures)],
            "" | "ORIG_OR_PATH" => vec![original_path(captures), path(captures)],
            other => return Err(command.bad(other, "the path is PATH, ORIG or ORIG_OR_PATH")),
        };
        Ok(Self { places, with_query, limit: command.length })
    }

    pub(super) fn answer<'a>(&self, captured: &'a Captured) -> Value<'a> {
        let Some(path) = self.places.iter().find_map(|slot| captured.value(*slot)) else { return Value::Absent };
        let whole = path.as_bytes();
        let path = if self.with_query { whole } else { whole.split(|byte| *byte == b'?').next().unwrap_or(whole) };
        Value::Bytes(path).cut(self.limit)
    }
}

// === impl QueryParam ===

impl QueryParam {
    pub(super) fn compile(command: &Command<'_>, captures: &mut Captures) -> Result<Self, Problem> {
        let name = command.needed("the name of a query parameter")?.into();
        Ok(Self { path: path(captures), name, limit: command.length })
    }

    /// The first parameter of that name, its percent-encoding undone.
    pub(super) fn answer<'a>(&self, captured: &'a Captured) -> Value<'a> {
        let Value::Bytes(query) = query(captured, self.path) else { return Value::Absent };
        for pair in query.split(|byte| *byte == b'&') {
            let mut parts = pair.splitn(2, |byte| *byte == b'=');
            let name = parts.next().unwrap_or_default();
            if *decoded(name) == *self.name.as_bytes() {
                let value = match decoded(parts.next().unwrap_or_default()) {
                    Cow::Borrowed(value) => Value::Bytes(value),
                    Cow::Owned(value) => Value::Owned(value),
                };
                return value.cut(self.limit);
            }
        }
        Value::Absent
    }
}

// === impl ServerName ===

impl ServerName {
    pub(super) fn compile(command: &Command<'_>, captures: &mut Captures) -> Result<Self, Problem> {
        command.unlimited()?;
        let (order, which) = two(command.argument);
        let sni = match order {
            "" | "SNI_ONLY" => Order::SniOnly,
            "SNI_FIRST" => Order::SniFirst,
            "HOST_FIRST" => Order::HostFirst,
            other => return Err(command.bad(other, "the order is SNI_ONLY, SNI_FIRST or HOST_FIRST")),
        };
        if !matches!(which, "" | "ORIG_OR_HOST" | "ORIG" | "HOST") {
            return Err(command.bad(which, "the host is ORIG_OR_HOST, ORIG or HOST"));
        }
        let mut hosts = Vec::new();
        if sni != Order::SniOnly && which != "HOST" {
            let name = HeaderName::from_static("x-envoy-original-host");
            hosts.push(captures.slot(Side::Request, Field::Named(name)));
        }
        if sni != Order::SniOnly && which != "ORIG" {
            hosts.push(captures.slot(Side::Request, Field::Pseudo(Pseudo::Authority)));
        }
        Ok(Self { sni, hosts })
    }

    pub(super) fn answer<'a>(&self, record: &'a Record) -> Value<'a> {
        let sni = record.connection.server_name.as_deref().map(str::as_bytes);
        let host = || self.hosts.iter().find_map(|slot| record.captured.value(*slot)).map(http::HeaderValue::as_bytes);
        let name = match self.sni {
            Order::SniOnly => sni,
            Order::SniFirst => sni.or_else(host),
            Order::HostFirst => host().or(sni),
        };
        name.map_or(Value::Absent, Value::Bytes)
    }
}

/// `%QUERY_PARAMS%`: the query as it was sent.
pub(super) fn query_string(command: &Command<'_>, captures: &mut Captures) -> Result<Operator, Problem> {
    match command.argument {
        None | Some("ORIG") => Ok(Operator::QueryString(path(captures), command.length)),
        Some(other) => Err(command.bad(other, "only ORIG, the query as it was sent, is implemented")),
    }
}

/// The query of the path: what follows the first question mark.
pub(super) fn query(captured: &Captured, path: Slot) -> Value<'_> {
    let query = captured.value(path).and_then(|path| path.as_bytes().splitn(2, |byte| *byte == b'?').nth(1));
    query.map_or(Value::Absent, Value::Bytes)
}

fn path(captures: &mut Captures) -> Slot {
    captures.slot(Side::Request, Field::Pseudo(Pseudo::Path))
}

fn original_path(captures: &mut Captures) -> Slot {
    captures.slot(Side::Request, Field::Named(HeaderName::from_static("x-envoy-original-path")))
}

/// The two parts of an argument `A:B`, empty where there is none.
fn two(argument: Option<&str>) -> (&str, &str) {
    let argument = argument.unwrap_or("");
    argument.split_once(':').unwrap_or((argument, ""))
}

/// `%41` is `A`; what is no encoding stays as it is, and so does `+`.
fn decoded(text: &[u8]) -> Cow<'_, [u8]> {
    if !text.contains(&b'%') {
        return Cow::Borrowed(text);
    }
    let mut out = Vec::with_capacity(text.len());
    let mut rest = text;
    while let [first, after @ ..] = rest {
        let byte = match rest {
            [b'%', high, low, ..] => hex(*high).zip(hex(*low)).map(|(high, low)| high * 16 + low),
            _ => None,
        };
        out.push(byte.unwrap_or(*first));
        rest = if byte.is_some() { after.get(2..).unwrap_or_default() } else { after };
    }
    Cow::Owned(out)
}

fn hex(digit: u8) -> Option<u8> {
    char::from(digit).to_digit(16).and_then(|value| u8::try_from(value).ok())
}
