//! What the demo backend saw of a request, as text and as JSON.

use std::io::Write;

use bytes::Bytes;
use http::{HeaderMap, Method, Request, Uri, Version};
use http_body_util::BodyExt;
use hyper::body::Incoming;
use serde_json::{Map, Value, json};

/// A request as it arrived, its body read to the end.
#[derive(Debug)]
pub(super) struct Seen {
    method: Method,
    target: Uri,
    version: Version,
    pub(super) headers: HeaderMap,
    /// The body's first bytes, at most `BODY_SHOWN`.
    body_start: Vec<u8>,
    body_bytes: u64,
    trailers: HeaderMap,
}

impl Seen {
    /// Reads the body to its end, keeping its first 4,096 bytes.
    pub(super) async fn read(request: Request<Incoming>) -> Result<Self, hyper::Error> {
        let (head, mut body) = request.into_parts();
        let mut seen = Self {
            method: head.method,
            target: head.uri,
            version: head.version,
            headers: head.headers,
            body_start: Vec::new(),
            body_bytes: 0,
            trailers: HeaderMap::new(),
        };
        while let Some(frame) = body.frame().await.transpose()? {
            match frame.into_data() {
                Ok(data) => seen.add(&data),
                Err(frame) => seen.trailers = frame.into_trailers().unwrap_or_default(),
            }
        }
        Ok(seen)
    }

    /// Aligned lines; header values and the body byte for byte.
    pub(super) fn text(&self) -> Vec<u8> {
        let mut text = Vec::new();
        line(&mut text, "method", &self.method);
        line(&mut text, "path", &self.target);
        line(&mut text, "protocol", &format_args!("{:?}", self.version));
        text.extend_from_slice(b"headers\n");
        text.extend_from_slice(&fields_text("  ", &self.headers));
        line(&mut text, "body", &format_args!("{} bytes", self.body_bytes));
        if !self.trailers.is_empty() {
            text.extend_from_slice(b"trailers\n");
            text.extend_from_slice(&fields_text("  ", &self.trailers));
        }
        if !self.body_start.is_empty() {
            text.push(b'\n');
            text.extend_from_slice(&self.body_start);
        }
        text
    }

    /// One object; bytes that are not UTF-8 become U+FFFD.
    pub(super) fn json(&self) -> Value {
        json!({
            "method": self.method.as_str(),
            "path": self.target.to_string(),
            "protocol": format!("{:?}", self.version),
            "headers": fields_json(&self.headers),
            "body_bytes": self.body_bytes,
            "body": String::from_utf8_lossy(&self.body_start),
            "trailers": fields_json(&self.trailers),
        })
    }

    fn add(&mut self, data: &Bytes) {
        self.body_bytes += data.len() as u64;
        let room = BODY_SHOWN.saturating_sub(self.body_start.len());
        self.body_start.extend(data.iter().take(room));
    }
}

/// `name: value` lines in the order of arrival, each after `indent`; values byte for byte.
pub(super) fn fields_text(indent: &str, fields: &HeaderMap) -> Vec<u8> {
    let mut text = Vec::new();
    for (name, value) in fields {
        for part in [indent.as_bytes(), name.as_str().as_bytes(), b": ", value.as_bytes(), b"\n"] {
            text.extend_from_slice(part);
        }
    }
    text
}

/// Name to list of values, for a field may come more than once.
pub(super) fn fields_json(fields: &HeaderMap) -> Value {
    let values = |name| fields.get_all(name).iter().map(|value| String::from_utf8_lossy(value.as_bytes())).collect();
    let object: Map<String, Value> = fields.keys().map(|name| (name.to_string(), values(name))).collect();
    Value::Object(object)
}

fn line(text: &mut Vec<u8>, label: &str, value: &dyn std::fmt::Display) {
    // Writing into memory does not fail.
    let _ = writeln!(text, "{label:<10}{value}");
}

/// How much of the body the report shows, in bytes.
const BODY_SHOWN: usize = 4096;

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    #[test]
    fn repeated_fields_keep_each_value() {
        let mut fields = HeaderMap::new();
        fields.append("a", HeaderValue::from_static("1"));
        fields.append("b", HeaderValue::from_bytes(b"\xff").unwrap());
        fields.append("a", HeaderValue::from_static("2"));
        assert_eq!(fields_json(&fields), json!({"a": ["1", "2"], "b": ["\u{fffd}"]}));
        assert_eq!(fields_text(" ", &fields), b" a: 1\n a: 2\n b: \xff\n");
    }
}
