//! The last form of a response of the gateway's own: Envoy's `local_reply_config`, and what a gRPC client can read.
//!
//! Called by the exchange with every response that no upstream gave, after its route has changed it. The first mapper whose
//! filter lets it pass changes status, text and fields; a format makes the content of the text.

use bytes::Bytes;
use http::header::{CONTENT_LENGTH, CONTENT_TYPE};
use http::{HeaderName, HeaderValue, StatusCode};

use super::log::{filter, log_format};
use crate::config::proto::envoy::config::core::v3::{SubstitutionFormatString, substitution_format_string};
use crate::config::proto::envoy::extensions::filters::network::http_connection_manager::v3 as proto;
use crate::config::values::data_source;
use crate::config::{At, Invalid};
use crate::http::{Body, Response};
use crate::observe::access_log::{Captures, Filter, Format, GrpcStatus, LogType, Record};
use crate::router::HeaderMutations;

/// What becomes of the responses of a connection manager's own.
#[derive(Debug, Default)]
pub(super) struct LocalReplies {
    mappers: Box<[Mapper]>,
    format: Option<BodyFormat>,
}

/// Envoy's `ResponseMapper`.
#[derive(Debug)]
struct Mapper {
    filter: Filter,
    status: Option<StatusCode>,
    body: Option<Bytes>,
    fields: HeaderMutations,
    format: Option<BodyFormat>,
}

/// How a content is made of a text.
#[derive(Debug)]
struct BodyFormat {
    format: Format,
    content_type: HeaderValue,
    is_json: bool,
}

/// What is known of the exchange whose reply it is.
pub(super) struct Asked<'a> {
    /// What the log will say.
    pub record: &'a mut Record,
    /// What the log and the formats read.
    pub captures: &'a Captures,
    /// What the client can read.
    pub form: Form,
    /// Whether the request is a HEAD.
    pub head_only: bool,
}

/// What a client can read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Form {
    /// Any response.
    Plain,
    /// A response of gRPC.
    Grpc,
}

impl LocalReplies {
    /// Builds what the field `local_reply_config` of the message at `at` says.
    ///
    /// # Errors
    /// [`Invalid`] where it cannot be built; all faults are reported.
    pub(super) fn build(
        written: Option<&proto::LocalReplyConfig>,
        at: At<'_>,
        captures: &mut Captures,
    ) -> Result<Self, Invalid> {
        let Some(written) = written else { return Ok(Self::default()) };
        let at = at.field("local_reply_config");
        let mappers = at.each("mappers", &written.mappers, |at, mapper| Mapper::build(mapper, at, captures));
        let format = BodyFormat::build(written.body_format.as_ref(), at.field("body_format"), captures);
        Ok(Self { mappers: mappers?.into(), format: format? })
    }

    /// Whether every text stays as it is.
    fn is_empty(&self) -> bool {
        self.mappers.is_empty() && self.format.is_none()
    }

    /// Gives the response its last form.
    pub(super) fn apply(&self, response: Response, asked: &mut Asked<'_>) -> Response {
        let (mut head, body) = response.into_parts();
        let mut text = match body {
            Body::Full(text) => text,
            Body::Empty => Bytes::new(),
            other => return Response::from_parts(head, other),
        };
        if asked.form == Form::Plain && self.is_empty() {
            describe(&mut head.headers, text.len(), PLAIN);
            return Response::from_parts(head, Body::from(text));
        }
        let record = &mut *asked.record;
        let log_type = std::mem::replace(&mut record.log_type, LogType::NotSet);
        record.status = Some(head.status.as_u16());
        asked.captures.response(&mut record.captured, head.status, &head.headers);
        let mut format = self.format.as_ref();
        if let Some(mapper) = self.mappers.iter().find(|mapper| mapper.filter.passes(record)) {
            text = mapper.body.clone().unwrap_or(text);
            mapper.fields.apply_for(&mut head.headers, record);
            head.status = mapper.status.unwrap_or(head.status);
            record.status = Some(head.status.as_u16());
            asked.captures.response(&mut record.captured, head.status, &head.headers);
            format = mapper.format.as_ref().or(format);
        }
        if let Some(format) = format {
            text = format.write(text, record);
        }
        record.log_type = log_type;
        // RFC 9110 §15.3.5, §15.4.5: neither has content.
        if matches!(head.status, StatusCode::NO_CONTENT | StatusCode::NOT_MODIFIED) {
            text = Bytes::new();
        }
        let is_json = format.is_some_and(|format| format.is_json);
        if asked.form == Form::Grpc {
            let message = if is_json { text.strip_suffix(b"\n").unwrap_or(&text) } else { &text };
            grpc(&mut head, if asked.head_only { b"" } else { message });
            return Response::from_parts(head, Body::Empty);
        }
        let content_type = format.map_or(PLAIN, |format| format.content_type.clone());
        describe(&mut head.headers, text.len(), content_type);
        Response::from_parts(head, Body::from(text))
    }
}

impl Mapper {
    fn build(written: &proto::ResponseMapper, at: At<'_>, captures: &mut Captures) -> Result<Self, Invalid> {
        let chosen = at.required("filter", written.filter.as_ref());
        let chosen = chosen.and_then(|chosen| filter(chosen, at.field("filter"), captures));
        let body = written.body.as_ref().map(|body| data_source(body, at.field("body"))).transpose();
        let override_ = at.field("body_format_override");
        let format = BodyFormat::build(written.body_format_override.as_ref(), override_, captures);
        let fields = HeaderMutations::of_response(at, "headers_to_add", &written.headers_to_add, captures);
        let status = written.status_code.map(|code| status(code, at.field("status_code"))).transpose();
        Ok(Self {
            filter: chosen?,
            status: status?,
            body: body?.map(|(bytes, _)| bytes.into()),
            fields: fields?,
            format: format?,
        })
    }
}

impl BodyFormat {
    fn build(
        written: Option<&SubstitutionFormatString>,
        at: At<'_>,
        captures: &mut Captures,
    ) -> Result<Option<Self>, Invalid> {
        let Some(written) = written else { return Ok(None) };
        if written.format.is_none() {
            return Err(at.error("needs a format: one of `text_format_source`, `json_format` and `text_format`"));
        }
        let format = log_format(written, at, captures);
        let is_json = matches!(written.format, Some(substitution_format_string::Format::JsonFormat(_)));
        let content_type = match written.content_type.as_str() {
            "" if is_json => Ok(HeaderValue::from_static("application/json")),
            "" => Ok(PLAIN),
            written => HeaderValue::from_str(written)
                .map_err(|_| at.field("content_type").error("cannot stand in a header field: visible ASCII only")),
        };
        Ok(Some(Self { format: format?, content_type: content_type?, is_json }))
    }

    /// The content for this text.
    fn write(&self, text: Bytes, record: &mut Record) -> Bytes {
        record.local_reply_body = text;
        let mut content = Vec::new();
        self.format.write(record, &mut content);
        record.local_reply_body = Bytes::new();
        content.into()
    }
}

fn status(code: u32, at: At<'_>) -> Result<StatusCode, Invalid> {
    let status = u16::try_from(code).ok().and_then(|code| StatusCode::from_u16(code).ok());
    status.ok_or_else(|| at.error(format_args!("{code} is no status: 200 to 599 are")))
}

/// As Envoy: without content there is no type; a field that a mapper added stays unless a format has a type of its own.
fn describe(headers: &mut http::HeaderMap, length: usize, content_type: HeaderValue) {
    if length == 0 {
        headers.remove(CONTENT_LENGTH);
        headers.remove(CONTENT_TYPE);
        return;
    }
    headers.insert(CONTENT_LENGTH, HeaderValue::from(length));
    if content_type != PLAIN || !headers.contains_key(CONTENT_TYPE) {
        headers.insert(CONTENT_TYPE, content_type);
    }
}

/// A response of trailers only, as gRPC calls it: the status is 200, what went wrong stands in fields.
fn grpc(head: &mut http::response::Parts, message: &[u8]) {
    let status = GrpcStatus::of_http(head.status.as_u16());
    head.status = StatusCode::OK;
    let headers = &mut head.headers;
    headers.remove(CONTENT_LENGTH);
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/grpc"));
    if let Ok(status) = HeaderValue::from_str(&status.number().to_string()) {
        headers.insert(GRPC_STATUS, status);
    }
    if let Some(message) = Some(message).filter(|text| !text.is_empty()).map(percent_encoded)
        && let Ok(message) = HeaderValue::from_bytes(&message)
    {
        headers.insert(GRPC_MESSAGE, message);
    }
}

/// As gRPC's own specification writes `Percent-Encoded`: what is not printable ASCII, and the percent sign.
fn percent_encoded(text: &[u8]) -> Vec<u8> {
    let mut encoded = Vec::with_capacity(text.len());
    for byte in text {
        match byte {
            b' '..=b'~' if *byte != b'%' => encoded.push(*byte),
            _ => encoded.extend_from_slice(format!("%{byte:02X}").as_bytes()),
        }
    }
    encoded
}

const PLAIN: HeaderValue = HeaderValue::from_static("text/plain");
const GRPC_STATUS: HeaderName = HeaderName::from_static("grpc-status");
const GRPC_MESSAGE: HeaderName = HeaderName::from_static("grpc-message");

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_message_is_written_as_envoy_does() {
        assert_eq!(percent_encoded("mapped ü %".as_bytes()), b"mapped %C3%BC %25");
        assert_eq!(percent_encoded(b"a\n"), b"a%0A");
    }

    proptest! {
        #[test]
        fn any_text_can_be_a_message(text: Vec<u8>) {
            let encoded = percent_encoded(&text);
            prop_assert!(HeaderValue::from_bytes(&encoded).is_ok());
            let mut decoded = Vec::new();
            let mut rest = encoded.as_slice();
            while let Some((first, after)) = rest.split_first() {
                if *first == b'%' {
                    let digits = std::str::from_utf8(&after[..2]).unwrap();
                    decoded.push(u8::from_str_radix(digits, 16).unwrap());
                    rest = &after[2..];
                } else {
                    decoded.push(*first);
                    rest = after;
                }
            }
            prop_assert_eq!(decoded, text);
        }
    }
}
