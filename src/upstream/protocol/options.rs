//! Envoy's `HttpProtocolOptions` of a cluster.

use std::sync::Arc;

use super::ALL;
use crate::codec::h2::KeepAlive;
use crate::config::proto::envoy::config::cluster::v3 as proto;
use crate::config::proto::envoy::config::core::v3::http1_protocol_options::header_key_format::HeaderFormat;
use crate::config::proto::envoy::config::core::v3::{Http1ProtocolOptions, Http2ProtocolOptions, Http3ProtocolOptions};
use crate::config::proto::envoy::extensions::upstreams::http::v3::HttpProtocolOptions;
use crate::config::proto::envoy::extensions::upstreams::http::v3::http_protocol_options::{
    AutoHttpConfig, ExplicitHttpConfig, UpstreamProtocolOptions, UseDownstreamHttpConfig,
    explicit_http_config::ProtocolConfig,
};
use crate::config::{At, Invalid};
use crate::upstream::alternatives::Caches;
use crate::upstream::versions::{Http1, Http2};
use crate::upstream::{Alternatives, Limits, Naming};

/// What the options of a cluster say.
pub(super) struct Written {
    pub(super) options: Options,
    pub(super) naming: Result<Naming, Invalid>,
    pub(super) limits: Result<Limits, Invalid>,
}

/// What is spoken, without the handshakes that it takes.
pub(super) enum Options {
    Http1(Http1),
    Http2(Http2),
    Http3(Box<Http3ProtocolOptions>),
    OfRequest { http1: Http1, http2: Http2, http3: Option<Box<Http3ProtocolOptions>> },
    Agreed(Http1, Http2),
    Announced { http1: Http1, http2: Http2, http3: Box<Http3ProtocolOptions>, alternatives: Arc<Alternatives> },
}

impl Options {
    /// The protocols that handshakes may agree on.
    pub(super) fn offered(&self) -> &'static [&'static str] {
        match self {
            Self::Http1(_) => &["http/1.1"],
            Self::Http2(_) => &["h2"],
            Self::Http3(_) => &["h3"],
            Self::OfRequest { http3: Some(_), .. } | Self::Announced { .. } => ALL,
            Self::OfRequest { http3: None, .. } | Self::Agreed(..) => &["h2", "http/1.1"],
        }
    }
}

/// Reads the options of a cluster.
pub(super) fn options(written: &proto::Cluster, caches: &Caches, at: At<'_>) -> Result<Written, Invalid> {
    let others = written.typed_extension_protocol_options.keys().filter(|name| *name != HTTP_OPTIONS);
    let misnamed: Vec<Invalid> = others
        .map(|name| {
            let at = at.entry("typed_extension_protocol_options", name);
            at.error_with_hint("no protocol options have this name", format_args!("did you mean `{HTTP_OPTIONS}`?"))
        })
        .collect();
    if let Some(invalid) = misnamed.first() {
        return Err(*invalid);
    }
    let default = Options::Http1(Http1::default());
    let Some(any) = written.typed_extension_protocol_options.get(HTTP_OPTIONS) else {
        return Ok(Written { options: default, naming: Ok(Naming::default()), limits: Ok(Limits::default()) });
    };
    let at = at.entry("typed_extension_protocol_options", HTTP_OPTIONS);
    let written: HttpProtocolOptions = at.unpack(any)?;
    let naming = written.upstream_http_protocol_options.as_ref();
    let naming = naming.map(|written| Naming::build(written, at.field("upstream_http_protocol_options")));
    let limits = written.common_http_protocol_options.as_ref();
    let limits = limits.map(|written| Limits::build(written, at.field("common_http_protocol_options")));
    let options = match written.upstream_protocol_options {
        Some(UpstreamProtocolOptions::ExplicitHttpConfig(written)) => {
            explicit(written, at.field("explicit_http_config")).unwrap_or(default)
        }
        Some(UpstreamProtocolOptions::UseDownstreamProtocolConfig(written)) => {
            of_request(written, at.field("use_downstream_protocol_config"))
        }
        Some(UpstreamProtocolOptions::AutoConfig(written)) => agreed(written, caches, at.field("auto_config"))?,
        None => default,
    };
    let (naming, limits) = (naming.unwrap_or(Ok(Naming::default())), limits.unwrap_or(Ok(Limits::default())));
    Ok(Written { options, naming, limits })
}

fn explicit(written: ExplicitHttpConfig, at: At<'_>) -> Option<Options> {
    Some(match written.protocol_config? {
        ProtocolConfig::HttpProtocolOptions(written) => {
            Options::Http1(http1(Some(&written), at.field("http_protocol_options")))
        }
        ProtocolConfig::Http2ProtocolOptions(written) => {
            Options::Http2(http2(Some(&written), at.field("http2_protocol_options")))
        }
        ProtocolConfig::Http3ProtocolOptions(written) => {
            Options::Http3(http3(written, at.field("http3_protocol_options")))
        }
    })
}

fn of_request(written: UseDownstreamHttpConfig, at: At<'_>) -> Options {
    Options::OfRequest {
        http1: http1(written.http_protocol_options.as_ref(), at.field("http_protocol_options")),
        http2: http2(written.http2_protocol_options.as_ref(), at.field("http2_protocol_options")),
        http3: written.http3_protocol_options.map(|written| http3(written, at.field("http3_protocol_options"))),
    }
}

fn agreed(written: AutoHttpConfig, caches: &Caches, at: At<'_>) -> Result<Options, Invalid> {
    let http1 = http1(written.http_protocol_options.as_ref(), at.field("http_protocol_options"));
    let http2 = http2(written.http2_protocol_options.as_ref(), at.field("http2_protocol_options"));
    let cache = written.alternate_protocols_cache_options.as_ref();
    let cache_at = at.field("alternate_protocols_cache_options");
    let Some(written) = written.http3_protocol_options else {
        if cache.is_some() {
            cache_at.no_effect(
                "`alternate_protocols_cache_options` has no effect without `http3_protocol_options`: only HTTP/3 is learnt of",
            );
        }
        return Ok(Options::Agreed(http1, http2));
    };
    let at = at.field("http3_protocol_options");
    let http3 = http3(written, at);
    let Some(cache) = cache else {
        let hint = "set `alternate_protocols_cache_options: {name: ...}` beside it";
        return Err(at.error_with_hint("HTTP/3 is learnt of here, which takes something to remember it", hint));
    };
    Ok(Options::Announced { http1, http2, http3, alternatives: caches.cache(cache, cache_at)? })
}

fn http1(written: Option<&Http1ProtocolOptions>, at: At<'_>) -> Http1 {
    if written.is_some_and(|written| written.accept_http_10) {
        at.field("accept_http_10")
            .no_effect("`accept_http_10` has no effect on a cluster: it is about requests of clients");
    }
    let Some(written) = written else { return Http1::default() };
    for (field, set) in [
        ("allow_absolute_url", written.allow_absolute_url.is_some()),
        ("default_host_for_http_10", !written.default_host_for_http_10.is_empty()),
        (
            "override_stream_error_on_invalid_http_message",
            written.override_stream_error_on_invalid_http_message.is_some(),
        ),
    ] {
        if set {
            at.field(field)
                .no_effect(format_args!("`{field}` has no effect on a cluster: it is about requests of clients"));
        }
    }
    let format = written.header_key_format.as_ref().and_then(|format| format.header_format.as_ref());
    Http1 {
        tls: None,
        trailers: written.enable_trailers,
        proper_case: matches!(format, Some(HeaderFormat::ProperCaseWords(_))),
    }
}

fn http2(written: Option<&Http2ProtocolOptions>, at: At<'_>) -> Http2 {
    if written.is_some_and(|written| written.allow_connect) {
        at.field("allow_connect")
            .no_effect("`allow_connect` has no effect on a cluster: what an upstream takes, its own SETTINGS say");
    }
    let max_streams = written.and_then(|written| written.max_concurrent_streams).unwrap_or(MAX_STREAMS);
    let stream_window = written.and_then(|written| written.initial_stream_window_size).unwrap_or(STREAM_WINDOW);
    let connection_window = written.and_then(|written| written.initial_connection_window_size);
    Http2 {
        tls: None,
        max_streams,
        stream_window,
        // Responses that their clients do not read hold up no other on the connection, which is shared by strangers.
        connection_window: connection_window.unwrap_or(stream_window.saturating_mul(max_streams).min(MAX_WINDOW)),
        table_size: written.and_then(|written| written.hpack_table_size),
        keep_alive: written.and_then(|written| written.connection_keepalive.as_ref()).map(KeepAlive::of),
    }
}

fn http3(written: Http3ProtocolOptions, at: At<'_>) -> Box<Http3ProtocolOptions> {
    if written.allow_extended_connect {
        at.field("allow_extended_connect").no_effect(
            "`allow_extended_connect` has no effect on a cluster: what an upstream takes, its own SETTINGS say",
        );
    }
    Box::new(written)
}

/// The key under which a cluster holds its HTTP options.
pub(super) const HTTP_OPTIONS: &str = "envoy.extensions.upstreams.http.v3.HttpProtocolOptions";

/// Envoy's default `max_concurrent_streams` for HTTP/2.
const MAX_STREAMS: u32 = 1024;

/// Bytes that an upstream may send unasked on one stream of HTTP/2, as for clients: what a path of 100 Mbit/s and 80 ms needs.
/// Envoy's default is 16 MiB.
const STREAM_WINDOW: u32 = 1 << 20;

/// RFC 9113 §6.9.1: no window is larger.
const MAX_WINDOW: u32 = (1 << 31) - 1;
