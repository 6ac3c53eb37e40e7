//! Limits and times of a connection manager, as written.

use std::time::Duration;

use super::proto;
use crate::codec::h2::KeepAlive;
use crate::codec::{ConnectionLimits, Http1, Http2, ServerLimits};
use crate::config::duration;
use crate::config::proto::envoy::config::core::v3::http1_protocol_options::header_key_format::HeaderFormat;
use crate::config::proto::envoy::config::core::v3::{Http1ProtocolOptions, Http2ProtocolOptions};
use crate::config::values::limit;
use crate::hcm::CodecType;
use crate::hcm::timeouts::Timeouts;

/// Those of one connection.
pub(super) fn connection(written: &proto::HttpConnectionManager) -> ConnectionLimits {
    let common = written.common_http_protocol_options.as_ref();
    ConnectionLimits {
        idle_timeout: limit(common.and_then(|c| c.idle_timeout.as_ref()), Some(IDLE_TIMEOUT)),
        max_duration: limit(common.and_then(|c| c.max_connection_duration.as_ref()), None),
        max_requests: common.and_then(|c| c.max_requests_per_connection).filter(|max| *max > 0).map(u64::from),
        delayed_close: written.delayed_close_timeout.as_ref().map_or(DELAYED_CLOSE, duration),
    }
}

/// How much older than its limit a connection may become, in parts of it.
pub(super) fn duration_jitter(written: &proto::HttpConnectionManager) -> f64 {
    let common = written.common_http_protocol_options.as_ref();
    common
        .and_then(|common| common.max_connection_duration_jitter.as_ref())
        .map_or(0.0, |percent| percent.value / 100.0)
}

/// Those of one exchange.
pub(super) fn timeouts(written: &proto::HttpConnectionManager) -> Timeouts {
    let common = written.common_http_protocol_options.as_ref();
    Timeouts {
        route: None,
        idle: limit(written.stream_idle_timeout.as_ref(), Some(STREAM_IDLE_TIMEOUT)),
        request: limit(written.request_timeout.as_ref(), None),
        max_duration: limit(common.and_then(|c| c.max_stream_duration.as_ref()), None),
    }
}

/// Those that a codec keeps.
pub(super) fn of_server(written: &proto::HttpConnectionManager) -> ServerLimits {
    let common = written.common_http_protocol_options.as_ref();
    let http1 = written.http_protocol_options.as_ref();
    let http2 = written.http2_protocol_options.as_ref();
    let kilobytes = written.max_request_headers_kb.unwrap_or(60);
    ServerLimits {
        proxy_100_continue: written.proxy_100_continue,
        http1: Http1 {
            keeps_absolute_form: http1.is_some_and(|http1| http1.allow_absolute_url == Some(false)),
            proper_case: http1.is_some_and(proper_case),
        },
        http2: http2.map_or(HTTP2, of_http2),
        max_header_bytes: usize::try_from(kilobytes).unwrap_or(60) * 1024,
        max_header_count: common
            .and_then(|common| common.max_headers_count)
            .and_then(|count| usize::try_from(count).ok())
            .unwrap_or(100),
        max_concurrent_streams: http2.and_then(|http2| http2.max_concurrent_streams).unwrap_or(MAX_STREAMS),
        extended_connect: match CodecType::of(written) {
            CodecType::Http3 => {
                written.http3_protocol_options.as_ref().is_some_and(|http3| http3.allow_extended_connect)
            }
            _ => http2.is_some_and(|http2| http2.allow_connect),
        },
        qpack: !written.http3_protocol_options.as_ref().is_some_and(|http3| http3.disable_qpack),
        stream_window: http2.and_then(|http2| http2.initial_stream_window_size).unwrap_or(STREAM_WINDOW),
        connection_window: http2.and_then(|http2| http2.initial_connection_window_size).unwrap_or(CONNECTION_WINDOW),
        headers_timeout: limit(written.request_headers_timeout.as_ref(), Some(HEADERS_TIMEOUT)),
        write_timeout: match &written.stream_flush_timeout {
            Some(timeout) => limit(Some(timeout), None),
            None => limit(written.stream_idle_timeout.as_ref(), Some(STREAM_IDLE_TIMEOUT)),
        },
    }
}

fn of_http2(written: &Http2ProtocolOptions) -> Http2 {
    let keep_alive = written.connection_keepalive.as_ref().map(KeepAlive::of);
    Http2 {
        table_size: written.hpack_table_size,
        keep_alive: keep_alive.filter(|settings| settings.interval.is_some()),
    }
}

fn proper_case(http1: &Http1ProtocolOptions) -> bool {
    let format = http1.header_key_format.as_ref().and_then(|format| format.header_format.as_ref());
    matches!(format, Some(HeaderFormat::ProperCaseWords(_)))
}

/// How old a connection may become: one drawn between `max_connection_duration` and so much more of it, as `jitter` says in parts
/// of it; `random` is evenly distributed between 0 and 1.
pub(in crate::hcm) fn drawn(limits: &ConnectionLimits, jitter: f64, random: f64) -> ConnectionLimits {
    let max_duration = limits.max_duration.map(|longest| longest.mul_f64(1.0 + jitter * random));
    ConnectionLimits { max_duration, ..limits.clone() }
}

/// What HTTP/2 does unless it is told otherwise.
const HTTP2: Http2 = Http2 { table_size: None, keep_alive: None };

/// Envoy's default `idle_timeout` of a connection.
const IDLE_TIMEOUT: Duration = Duration::from_secs(3600);

/// Envoy's default `delayed_close_timeout`.
const DELAYED_CLOSE: Duration = Duration::from_secs(1);

/// Envoy's default `stream_idle_timeout`.
const STREAM_IDLE_TIMEOUT: Duration = Duration::from_secs(300);

/// Envoy's default `max_concurrent_streams` for HTTP/2.
const MAX_STREAMS: u32 = 1024;

/// Bytes that a client may send unasked on one HTTP/2 stream. Envoy's default is 16 MiB, its advice for the edge 64 KiB;
/// ours is what a path of 100 Mbit/s and 80 ms needs.
const STREAM_WINDOW: u32 = 1 << 20;

/// The same for a whole connection: Envoy's default is 24 MiB, its advice for the edge 1 MiB.
const CONNECTION_WINDOW: u32 = 4 << 20;

/// Envoy has no limit by default; a head that dribbles must not hold a connection for ever.
const HEADERS_TIMEOUT: Duration = Duration::from_secs(10);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_connection_gets_older_by_a_part_of_its_time() {
        let limits = ConnectionLimits {
            idle_timeout: None,
            max_duration: Some(Duration::from_secs(100)),
            max_requests: None,
            delayed_close: Duration::ZERO,
        };
        let seconds = |jitter, random| drawn(&limits, jitter, random).max_duration.map(|time| time.as_secs());
        assert_eq!([seconds(0.0, 0.9), seconds(0.5, 0.0), seconds(0.5, 0.5)], [Some(100), Some(100), Some(125)]);
    }
}
