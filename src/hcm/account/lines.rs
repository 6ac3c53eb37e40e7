//! The lines that an exchange leaves in the access log, and what they read of its request.

use std::time::{Instant, SystemTime};

use http::HeaderValue;
use http::header::HOST;
use http::request::Parts;

use super::Account;
use crate::hcm::periodic::Periodic;
use crate::observe::access_log::{LogType, Point, Pseudo, Record};

impl Account {
    /// Keeps what the log reads of the request. Said again after a rewrite, it replaces what was kept.
    pub(in crate::hcm) fn capture(&mut self, head: &Parts) {
        let captures = self.connection.manager.access_log.captures();
        if captures.is_empty() {
            return;
        }
        let scheme = self.connection.scheme();
        captures.request(&mut self.record.captured, &head.headers, |field| match field {
            Pseudo::Method => HeaderValue::from_str(head.method.as_str()).ok(),
            Pseudo::Path => HeaderValue::from_str(&head.uri.to_string()).ok(),
            Pseudo::Authority => head.headers.get(HOST).cloned(),
            Pseudo::Scheme => Some(HeaderValue::from_static(scheme)),
            Pseudo::Protocol => None,
        });
    }

    /// The request has found its way.
    pub(super) fn log_start(&mut self) {
        let manager = std::sync::Arc::clone(&self.connection.manager);
        if manager.access_log.is_empty() {
            return;
        }
        if manager.log_options.at_start {
            self.up_to(Instant::now());
            let record = Record { log_type: LogType::DownstreamStart, ..self.record.clone() };
            manager.access_log.log(&record);
        }
        let start = |interval| Periodic::start(&self.connection, &self.flow, &self.record, interval);
        self.periodic = manager.log_options.interval.map(start);
    }

    pub(super) fn log(&mut self, now: Instant) {
        if self.connection.manager.access_log.is_empty() {
            return;
        }
        self.up_to(now);
        self.record.times.mark(Point::ResponseEnd, now);
        self.connection.manager.access_log.log(&self.record);
    }

    /// What has been seen until now.
    pub(super) fn up_to(&mut self, now: Instant) {
        let record = &mut self.record;
        record.bytes_received = self.flow.request_bytes();
        record.bytes_sent = self.flow.response_bytes();
        record.emitted = SystemTime::now();
        if let Some(done) = self.flow.request_done() {
            record.times.mark(Point::RequestEnd, done);
        }
        record.times.mark(Point::Complete, now);
    }
}
