//! All that a probe saw, and its form as JSON.

use std::{
    io::{self, Write},
    net::SocketAddr,
    time::Duration,
};

use serde_json::{Value, json};

use super::{
    answer::Answer,
    args::Version,
    error::{ProbeError, Transport},
    outcome::Outcome,
    resumption::{EarlyData, Resumption},
    target::Target,
    tls::TlsFacts,
};
use crate::http::AltSvc;

/// Filled as the probe gets on; what it did not get to stays empty.
#[derive(Debug)]
pub(super) struct Report {
    pub(super) url: String,
    pub(super) version: Option<Version>,
    pub(super) address: Option<(SocketAddr, Transport)>,
    pub(super) tls: Option<TlsFacts>,
    /// Of TCP.
    pub(super) connect: Option<Duration>,
    /// Of TLS, or of QUIC with TLS.
    pub(super) handshake: Option<Duration>,
    pub(super) resumption: Option<Resumption>,
    pub(super) early_data: Option<EarlyData>,
    pub(super) answer: Answer,
    pub(super) failure: Option<Failure>,
}

/// Why there is no whole response.
#[derive(Debug)]
pub(super) struct Failure {
    outcome: Outcome,
    pub(super) message: String,
    pub(super) next_step: Option<String>,
}

impl Report {
    pub(super) fn new(url: &str) -> Self {
        Self {
            url: url.to_owned(),
            version: None,
            address: None,
            tls: None,
            connect: None,
            handshake: None,
            resumption: None,
            early_data: None,
            answer: Answer::default(),
            failure: None,
        }
    }

    pub(super) fn connected(&mut self, address: SocketAddr, transport: Transport) {
        self.address = Some((address, transport));
    }

    /// Takes the probe's error, if it is one.
    pub(super) fn conclude(&mut self, result: Result<(), ProbeError>) {
        let target: Option<Target> = self.url.parse().ok();
        self.failure = result.err().map(|error| Failure {
            outcome: error.outcome(),
            message: error.to_string(),
            next_step: error.next_step(target.as_ref()),
        });
    }

    pub(super) fn outcome(&self) -> Outcome {
        match (&self.failure, self.answer.status) {
            (Some(failure), _) => failure.outcome,
            (None, Some(status)) => Outcome::of_status(status.as_u16()),
            (None, None) => Outcome::ProtocolFailed,
        }
    }

    pub(super) fn alt_svc(&self) -> Option<AltSvc> {
        let headers = self.answer.headers.iter();
        AltSvc::of_lines(headers.filter(|(name, _)| name == "alt-svc").map(|(_, value)| value.as_str()))
    }

    pub(super) fn write_json(&self, out: &mut dyn Write) -> io::Result<()> {
        writeln!(out, "{:#}", self.json())
    }

    fn json(&self) -> Value {
        let answer = &self.answer;
        json!({
            "url": self.url,
            "outcome": self.outcome(),
            "exit_code": self.outcome().code(),
            "version": self.version.map(|version| version.to_string()),
            "address": self.address.map(|(address, _)| address.to_string()),
            "transport": self.address.map(|(_, transport)| transport.to_string()),
            "tls": self.tls,
            "connect_ms": self.connect.map(milliseconds),
            "handshake_ms": self.handshake.map(milliseconds),
            "resumption": self.resumption,
            "early_data": self.early_data,
            "interim": answer.interim,
            "status": answer.status.map(|status| status.as_u16()),
            "headers": answer.headers,
            "alt_svc": self.alt_svc(),
            "body_bytes": answer.body_bytes,
            "body": String::from_utf8_lossy(&answer.body_start),
            "body_cut": answer.is_cut(),
            "trailers": answer.trailers,
            "first_byte_ms": answer.first_byte.map(milliseconds),
            "total_ms": answer.total.map(milliseconds),
            "error": self.failure.as_ref().map(|failure| json!({
                "message": failure.message,
                "next": failure.next_step,
            })),
        })
    }
}

/// To the microsecond.
fn milliseconds(duration: Duration) -> f64 {
    (duration.as_secs_f64() * 1e6).round() / 1e3
}

/// How long a session ticket is waited for once the response is there.
pub(super) const SESSION_WAIT: Duration = Duration::from_millis(500);
