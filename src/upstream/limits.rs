//! What holds for all connections of a cluster: Envoy's `common_http_protocol_options`.

use std::time::Duration;

use crate::config::proto::envoy::config::core::v3::HttpProtocolOptions;
use crate::config::proto::envoy::config::core::v3::http_protocol_options::HeadersWithUnderscoresAction;
use crate::config::values::limit;
use crate::config::{At, Invalid};

/// How long connections serve, and how large the head of a response may be.
#[derive(Clone, Debug)]
pub struct Limits {
    /// How long a connection may be without an exchange; `None` is no limit.
    pub idle_timeout: Option<Duration>,
    /// How old it may become before it takes no more.
    pub max_connection_duration: Option<Duration>,
    /// How many requests it may take.
    pub max_requests_per_connection: Option<u64>,
    /// Bytes that the field section of a response may take.
    pub max_header_bytes: usize,
    /// Fields that a response may have.
    pub max_header_count: usize,
}

impl Limits {
    /// Builds the options at `at`.
    ///
    /// # Errors
    /// [`Invalid`] where something of them is not implemented.
    pub(super) fn build(written: &HttpProtocolOptions, at: At<'_>) -> Result<Self, Invalid> {
        if written.max_stream_duration.is_some() {
            return Err(at.field("max_stream_duration").not_implemented());
        }
        if written.headers_with_underscores_action() != HeadersWithUnderscoresAction::Allow {
            at.field("headers_with_underscores_action").no_effect(
                "`headers_with_underscores_action` has no effect on a cluster: it is about requests of clients",
            );
        }
        if written.max_connection_duration_jitter.is_some() {
            at.field("max_connection_duration_jitter")
                .no_effect("`max_connection_duration_jitter` has no effect on a cluster: its connections begin apart");
        }
        let size = |value: Option<u32>| value.and_then(|value| usize::try_from(value).ok());
        let default = Self::default();
        Ok(Self {
            idle_timeout: limit(written.idle_timeout.as_ref(), default.idle_timeout),
            max_connection_duration: limit(written.max_connection_duration.as_ref(), None),
            max_requests_per_connection: written.max_requests_per_connection.filter(|max| *max > 0).map(u64::from),
            max_header_bytes: size(written.max_response_headers_kb).map_or(default.max_header_bytes, |kb| kb * 1024),
            max_header_count: size(written.max_headers_count).unwrap_or(default.max_header_count),
        })
    }
}

impl Limits {
    /// How many requests a connection may take, as a number of any.
    #[must_use]
    pub(super) fn max_requests(&self) -> usize {
        self.max_requests_per_connection.and_then(|max| usize::try_from(max).ok()).unwrap_or(usize::MAX)
    }
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            idle_timeout: Some(IDLE_TIMEOUT),
            max_connection_duration: None,
            max_requests_per_connection: None,
            max_header_bytes: MAX_RESPONSE_HEAD,
            max_header_count: MAX_RESPONSE_HEADERS,
        }
    }
}

/// Envoy's default `idle_timeout`.
const IDLE_TIMEOUT: Duration = Duration::from_secs(3600);

/// Envoy's default `max_headers_count` for responses.
const MAX_RESPONSE_HEADERS: usize = 100;

/// Bytes that the head of a response may take where nothing is said of it.
const MAX_RESPONSE_HEAD: usize = 128 * 1024;
