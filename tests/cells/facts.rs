//! What was seen of one case in one cell, as facts with names. What no two runs share is replaced by what it is.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::play::Cell;
use crate::support::client::Version;
use crate::support::message::{End, Fields, Reply};
use crate::upstream::Received;

/// Facts by name, each with its value as text.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Facts(pub(crate) BTreeMap<String, String>);

impl Facts {
    pub(crate) fn reply(&mut self, reply: &Reply) {
        self.note("status", reply.status.to_string());
        self.note("end", end(reply.end));
        for (status, fields) in &reply.informational {
            self.note(&format!("interim {status}"), "came".to_owned());
            self.fields(&format!("interim {status} field"), fields);
        }
        if reply.status == 431 {
            // On HTTP/1 hyper or the gateway says it, by how the bytes came.
            return;
        }
        self.fields("field", &reply.headers);
        self.note("content", text(&reply.body));
        self.fields("trailer", &reply.trailers);
    }

    pub(crate) fn received(&mut self, received: &[Received], host: &str) {
        self.note("requests received", received.len().to_string());
        for request in received {
            let host = if request.authority == host { "the host" } else { &request.authority };
            self.note("received", format!("{} {} {host}", request.method, request.path));
            if let Some(protocol) = &request.protocol {
                self.note("received :protocol", protocol.clone());
            }
            self.fields("received field", &request.fields);
            self.note("received content", text(&request.content));
            self.fields("received trailer", &request.trailers);
            self.note("received end", request.end.map_or("open".to_owned(), end));
        }
    }

    pub(crate) fn line(&mut self, line: &Value, cell: Cell) {
        for (field, value) in line.as_object().into_iter().flatten() {
            let version = match field.as_str() {
                "from" => Some(cell.from),
                "to" => Some(cell.to),
                _ => None,
            };
            if field == "sent" && line["code"] == 431 {
                continue;
            }
            let named = version.is_some_and(|version| value == in_logs(version));
            self.note(&format!("log {field}"), if named { "its version".to_owned() } else { value.to_string() });
        }
    }

    pub(crate) fn note(&mut self, fact: &str, value: String) {
        self.0
            .entry(fact.to_owned())
            .and_modify(|known| {
                if known.len() > 100 {
                    return known.push('+');
                }
                known.push_str(" | ");
                known.push_str(&value);
            })
            .or_insert(value);
    }

    /// Those that are not what nearly every case has.
    pub(crate) fn unusual(&self) -> impl Iterator<Item = (&str, &str)> {
        let facts = self.0.iter().map(|(fact, value)| (fact.as_str(), value.as_str()));
        facts.filter(|fact| !USUAL.contains(fact))
    }

    fn fields(&mut self, kind: &str, fields: &Fields) {
        for (name, value) in fields {
            // Those of a case with many are one.
            let name = name.to_ascii_lowercase();
            let name = name.trim_end_matches(|last: char| last.is_ascii_digit()).to_owned();
            self.note(&format!("{kind} {name}"), stable(&name, value));
        }
    }
}

/// What goes without saying.
const USUAL: [(&str, &str); 14] = [
    ("end", "complete"),
    ("field date", "a date"),
    ("field server", "quicgate"),
    ("field x-envoy-upstream-service-time", "milliseconds"),
    ("log details", "\"via_upstream\""),
    ("log flags", "\"-\""),
    ("log from", "its version"),
    ("log to", "its version"),
    ("received content", ""),
    ("received end", "complete"),
    ("received field x-envoy-expected-rq-timeout-ms", "1000"),
    ("received field x-forwarded-proto", "https"),
    ("received field x-request-id", "an id"),
    ("requests received", "1"),
];

/// The value, or what it is where it differs from run to run.
fn stable(name: &str, value: &str) -> String {
    let digits = !value.is_empty() && value.bytes().all(|byte| byte.is_ascii_digit());
    let said = match name {
        "date" if value.ends_with(" GMT") => "a date",
        "x-request-id" => "an id",
        "x-envoy-upstream-service-time" if digits => "milliseconds",
        _ => return text(value.as_bytes()),
    };
    said.to_owned()
}

/// As `%PROTOCOL%` has it.
fn in_logs(version: Version) -> &'static str {
    match version {
        Version::Http1 => "HTTP/1.1",
        Version::Http2 => "HTTP/2",
        Version::Http3 => "HTTP/3",
    }
}

/// A cut connection is a cut connection, whether by FIN or by RST, and a reset a reset.
fn end(end: End) -> String {
    match end {
        End::Complete => "complete".to_owned(),
        End::Closed | End::Broken | End::Reset(_) => "cut short".to_owned(),
    }
}

/// Content that is short, or what there is to say of it.
fn text(content: &[u8]) -> String {
    if content.len() <= 100 {
        return String::from_utf8_lossy(content).escape_debug().to_string();
    }
    let sum = content.iter().fold(0_u64, |sum, byte| sum.wrapping_mul(31).wrapping_add(u64::from(*byte)));
    format!("{} bytes, {sum:016x}", content.len())
}
