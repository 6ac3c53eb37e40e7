//! The line that a request to the admin interface leaves in its access log.

use std::borrow::Cow;
use std::sync::Arc;
use std::time::{Instant, SystemTime};

use http::header::HOST;
use http::request::Parts;
use http::{HeaderValue, Uri};
use http_body::Body as _;

use crate::http::Response;
use crate::observe::access_log::{AccessLog, Connection, Point, Pseudo, Record};

/// Begun with a request, written with its response.
#[derive(Debug)]
pub(super) struct Line(Record);

impl Line {
    /// A line, where there is a log to write it to.
    pub(super) fn begin(log: &AccessLog, connection: &Arc<Connection>, head: &Parts) -> Option<Self> {
        if log.is_empty() {
            return None;
        }
        let mut record = Record::new(SystemTime::now(), Arc::clone(connection));
        record.times.mark(Point::RequestBegin, Instant::now());
        record.protocol = Some(head.version);
        record.captured = log.captures().start();
        log.captures().request(&mut record.captured, &head.headers, |field| match field {
            Pseudo::Method => HeaderValue::from_str(head.method.as_str()).ok(),
            Pseudo::Path => path(&head.uri),
            Pseudo::Authority => head.headers.get(HOST).cloned(),
            Pseudo::Scheme => Some(HeaderValue::from_static("http")),
            Pseudo::Protocol => None,
        });
        Some(Self(record))
    }

    /// The request is here, with `bytes` of a body.
    pub(super) fn request_done(&mut self, bytes: u64) {
        self.0.bytes_received = bytes;
        self.0.times.mark(Point::RequestEnd, Instant::now());
    }

    /// Writes the line. The response is complete in memory: that is when it ends.
    pub(super) fn end(mut self, log: &AccessLog, response: &Response, head_only: bool) {
        let record = &mut self.0;
        record.status = Some(response.status().as_u16());
        record.details = Some(Cow::Borrowed("admin_filter_response"));
        record.bytes_sent = if head_only { 0 } else { response.body().size_hint().exact().unwrap_or_default() };
        log.captures().response(&mut record.captured, response.status(), response.headers());
        let now = Instant::now();
        for point in [Point::ResponseBegin, Point::ResponseEnd, Point::Complete] {
            record.times.mark(point, now);
        }
        record.emitted = SystemTime::now();
        log.log(record);
    }
}

fn path(uri: &Uri) -> Option<HeaderValue> {
    HeaderValue::from_str(uri.path_and_query()?.as_str()).ok()
}
