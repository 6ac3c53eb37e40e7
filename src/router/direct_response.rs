//! Answers that the gateway gives by itself.

use bytes::Bytes;
use http::{HeaderValue, StatusCode};

use crate::config::proto::envoy::config::route::v3::{DirectResponseAction, RouteConfiguration};
use crate::config::{At, Invalid};

use super::request::Request;
use super::{data_source, redirect};

/// A fixed answer: Envoy's `DirectResponseAction`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DirectResponse {
    status: StatusCode,
    body: Bytes,
}

// === impl DirectResponse ===

impl DirectResponse {
    /// The answer that the action says, its body read.
    ///
    /// # Errors
    /// When the status cannot end an exchange, or the body cannot be read or is larger than `limit` bytes.
    pub(super) fn build(at: At<'_>, proto: &DirectResponseAction, limit: Option<u64>) -> Result<Self, Invalid> {
        let status = u16::try_from(proto.status).ok().filter(|status| (200..600).contains(status));
        let status = status.and_then(|status| StatusCode::from_u16(status).ok());
        let status = status.ok_or_else(|| at.field("status").error("is not a status from 200 to 599"));
        let body = proto.body.as_ref().map(|body| data_source::read(at.field("body"), body, limit)).transpose();
        let (status, mut body) = (status?, body?.unwrap_or_default());
        // RFC 9110 §6.4.1: answers with these statuses have no content.
        if matches!(status, StatusCode::NO_CONTENT | StatusCode::NOT_MODIFIED) && !body.is_empty() {
            at.field("body")
                .no_effect(format_args!("is not sent: an answer with status {} has no body", status.as_u16()));
            body.clear();
        }
        Ok(Self { status, body })
    }

    /// The status.
    #[must_use]
    pub fn status(&self) -> StatusCode {
        self.status
    }

    /// The body; Envoy calls its type `text/plain`.
    #[must_use]
    pub fn body(&self) -> &Bytes {
        &self.body
    }

    /// The `location` of the answer: the URL asked for, with status 201 and 3xx.
    #[must_use]
    pub fn location(&self, request: &Request<'_>) -> Option<HeaderValue> {
        let located = self.status == StatusCode::CREATED || self.status.is_redirection();
        located.then(|| redirect::asked_for(request)).flatten()
    }
}

/// How many bytes a body may have; none when there is no limit.
pub(super) fn body_limit(configuration: &RouteConfiguration) -> Option<u64> {
    let limit = configuration.max_direct_response_body_size_bytes.unwrap_or(DEFAULT_BODY_LIMIT);
    (limit > 0).then_some(u64::from(limit))
}

const DEFAULT_BODY_LIMIT: u32 = 4096;
