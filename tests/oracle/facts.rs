//! What was seen in one scenario, as facts with names: two programs agree when they have the same facts.
//!
//! What no two runs share is replaced by what it is: a date, an identifier, a port, a duration.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::{
    backstage::Backstage,
    support::message::{End, Fields, Reply},
};

/// Facts by name, `header server`, `log flags`, `counter http.plain.no_route`, each with its value as text.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Facts(pub(crate) BTreeMap<String, String>);

impl Facts {
    /// Notes what the client saw.
    pub(crate) fn reply(&mut self, reply: &Reply, backstage: &Backstage) {
        self.note("status", reply.status.to_string());
        self.note("end", end(reply.end));
        for (status, fields) in &reply.informational {
            self.note(&format!("interim {status}"), format!("{fields:?}"));
        }
        self.fields("header", &reply.headers, reply.body.len());
        self.fields("trailer", &reply.trailers, 0);
        let body = backstage.without_ports(&reply.text());
        match body.split_once("\n\n") {
            Some((head, content)) if head.contains(" HTTP/1.1\n") || head.contains(" HTTP/2\n") => {
                self.received(head, content);
            }
            _ => self.note("body", body),
        }
    }

    /// Notes a line of an access log.
    pub(crate) fn line(&mut self, log: &str, line: &Value, body: usize, backstage: &Backstage) {
        for (field, value) in line.as_object().into_iter().flatten() {
            let sent = field == "bytes sent" && value.as_u64() == Some(body as u64);
            let value = if sent { LENGTH_OF_BODY.to_owned() } else { backstage.without_ports(&value.to_string()) };
            self.note(&format!("{log} {field}"), value);
        }
    }

    /// Notes counters that moved.
    pub(crate) fn counters(&mut self, moved: &BTreeMap<String, i64>) {
        for (name, change) in moved.iter().filter(|(name, _)| compared(name)) {
            self.note(&format!("counter {name}"), format!("{change:+}"));
        }
    }

    pub(crate) fn note(&mut self, fact: &str, value: String) {
        self.0
            .entry(fact.to_owned())
            .and_modify(|known| {
                known.push_str(" | ");
                known.push_str(&value);
            })
            .or_insert(value);
    }

    /// Notes the request as the backend echoed it: the order of its fields has no meaning (RFC 9110 §5.3).
    fn received(&mut self, head: &str, content: &str) {
        for line in head.lines() {
            match line.split_once(": ") {
                Some((name, value)) => self.note(&format!("received {name}"), stable(name, value, 0)),
                None => self.note("received", line.to_owned()),
            }
        }
        self.note("received body", content.trim_end().to_owned());
    }

    fn fields(&mut self, kind: &str, fields: &Fields, body: usize) {
        for (name, value) in fields {
            self.note(&format!("{kind} {name}"), stable(name, value, body));
        }
    }
}

/// The value, or what it is where it differs from run to run.
fn stable(name: &str, value: &str, body: usize) -> String {
    let digits = !value.is_empty() && value.bytes().all(|byte| byte.is_ascii_digit());
    let said = match name {
        "date" if value.ends_with(" GMT") && !value.contains("1970") => "a date",
        "x-request-id" if is_uuid(value) => "a UUID",
        "x-envoy-upstream-service-time" if digits && value != "999" => "milliseconds",
        "content-length" if value == body.to_string() => LENGTH_OF_BODY,
        _ => value,
    };
    said.to_owned()
}

/// RFC 9562 §4: 8-4-4-4-12 hexadecimal digits.
fn is_uuid(value: &str) -> bool {
    let groups: Vec<&str> = value.split('-').collect();
    let hexadecimal = value.bytes().all(|byte| byte == b'-' || byte.is_ascii_hexdigit());
    hexadecimal && groups.iter().map(|group| group.len()).eq([8, 4, 4, 4, 12])
}

/// A cut connection is a cut connection, whether by FIN or by RST.
fn end(end: End) -> String {
    match end {
        End::Complete => "complete".to_owned(),
        End::Closed | End::Broken => "cut short".to_owned(),
        End::Reset(code) => format!("reset with {code:#x}"),
    }
}

/// No gauges, no bytes, nothing that counts by worker or by the library underneath.
fn compared(counter: &str) -> bool {
    !NOT_COMPARED.iter().any(|part| counter.contains(part))
}

const LENGTH_OF_BODY: &str = "length of the body";

const NOT_COMPARED: [&str; 18] = [
    "_active",
    "_buffered",
    "_bytes",
    "circuit_breakers.",
    "cluster.backend.default.",
    "http2.header_cf",
    "http2.pending",
    "http2.streams",
    "http3.quic_version",
    "max_host_weight",
    "membership_",
    "nghttp2",
    "quic.dispatcher.",
    "ssl.ciphers.",
    "ssl.curves.",
    "ssl.sigalgs.",
    "warming_state",
    "worker_",
];
