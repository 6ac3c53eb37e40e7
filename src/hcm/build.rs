//! An HTTP connection manager as written to one as it runs.

use std::sync::Arc;
use std::time::Duration;

use http::HeaderValue;

use super::client_cert::ClientCert;
use super::forward::Forward;
use super::local_reply::LocalReplies;
use super::log::loggers;
use super::sanitize::Identity;
use super::stats::ManagerStats;
use super::timeouts::Timeouts;
use super::upgrade::Upgrades;
use super::{CodecType, Manager, ServerHeader};
use crate::codec::{ConnectionLimits, ServerLimits};
use crate::config::proto::envoy::config::route::v3::{RouteAction, RouteConfiguration};
use crate::config::proto::envoy::extensions::filters::network::http_connection_manager::v3 as proto;
use crate::config::values::limit;
use crate::config::{At, Invalid, duration, type_name};
use crate::observe::access_log::{AccessLog, Captures, Sinks};
use crate::observe::stats::Scope;
use crate::router::{self, RouteTable};
use crate::tls;
use crate::upstream::References;

pub use super::log::access_log;

/// What building needs beside the message.
#[derive(Clone, Copy, Debug)]
pub struct Context<'a> {
    /// The root of all names of statistics.
    pub stats: &'a Scope,
    /// What routes lead to.
    pub clusters: &'a References,
    /// Where access logs are opened.
    pub sinks: &'a Sinks,
    /// How many workers there will be.
    pub workers: usize,
}

/// Builds a connection manager; `listener` is the scope of the listener that it serves.
///
/// # Errors
/// [`Invalid`] where it cannot be built; all faults are reported.
pub fn manager(
    written: &proto::HttpConnectionManager,
    at: At<'_>,
    listener: &Scope,
    context: &Context<'_>,
) -> Result<Manager, Invalid> {
    let routes = routes(written, at, context);
    let filters = filters(&written.http_filters, at);
    let mut captures = Captures::default();
    let loggers = loggers(&written.access_log, at, context, &mut captures);
    let local_replies = LocalReplies::build(written.local_reply_config.as_ref(), at, &mut captures);
    let identity = identity(written, at);
    let upgrades = Upgrades::of_manager(at, &written.upgrade_configs);
    let server = server_header(written, at);
    let client_cert = ClientCert::of(written);
    if written.set_current_client_cert_details.is_some() && !client_cert.sets() {
        at.field("set_current_client_cert_details").no_effect(
            "`set_current_client_cert_details` has no effect: `forward_client_cert_details` is neither APPEND_FORWARD nor SANITIZE_SET",
        );
    }
    no_effect(written, at);
    if written.http2_protocol_options.as_ref().is_some_and(|http2| http2.connection_keepalive.is_some()) {
        return Err(at.field("http2_protocol_options.connection_keepalive").not_implemented());
    }
    let prefix = format!("http.{}", written.stat_prefix);
    filters?;
    let common = written.common_http_protocol_options.as_ref();
    Ok(Manager {
        codec: CodecType::of(written),
        limits: limits(written),
        connection: ConnectionLimits {
            idle_timeout: limit(common.and_then(|c| c.idle_timeout.as_ref()), Some(IDLE_TIMEOUT)),
            max_duration: limit(common.and_then(|c| c.max_connection_duration.as_ref()), None),
            max_requests: common.and_then(|c| c.max_requests_per_connection).filter(|max| *max > 0).map(u64::from),
            delayed_close: written.delayed_close_timeout.as_ref().map_or(DELAYED_CLOSE, duration),
        },
        identity: identity?,
        client_cert,
        server: server?,
        always_set_request_id: written.always_set_request_id_in_response,
        accept_http_10: written.http_protocol_options.as_ref().is_some_and(|http1| http1.accept_http_10),
        upgrades: upgrades?,
        // Only HTTP/1 has trailers off by default, as in Envoy.
        trailers: written.http_protocol_options.as_ref().is_some_and(|http1| http1.enable_trailers),
        timeouts: Timeouts {
            route: None,
            idle: limit(written.stream_idle_timeout.as_ref(), Some(STREAM_IDLE_TIMEOUT)),
            request: limit(written.request_timeout.as_ref(), None),
            max_duration: limit(common.and_then(|c| c.max_stream_duration.as_ref()), None),
        },
        routes: Arc::new(routes?),
        local_replies: local_replies?,
        access_log: AccessLog::new(captures, loggers?),
        stats: ManagerStats::new(&context.stats.scope(&prefix), &listener.scope(&prefix)),
    })
}

/// Makes the sessions of a listener depend on the settings of HTTP/3 that its clients are told: one that resumes keeps to those
/// that it was told before (RFC 9114 §7.2.4.2).
pub fn bind_settings(written: &proto::HttpConnectionManager, scope: &mut tls::Scope) {
    let limits = limits(written);
    scope.bind_number("SETTINGS_MAX_FIELD_SECTION_SIZE", limits.max_header_bytes as u64);
    scope.bind_number("SETTINGS_ENABLE_CONNECT_PROTOCOL", u64::from(limits.extended_connect));
    scope.bind_number("dynamic table of QPACK", u64::from(limits.qpack));
}

/// Remarks on what is set and has no effect where it stands.
fn no_effect(written: &proto::HttpConnectionManager, at: At<'_>) {
    use CodecType::{Auto, Http1, Http2, Http3};
    let codec = CodecType::of(written);
    let not_for = |field: &str, set: bool, codecs: &[CodecType]| {
        if set && codecs.contains(&codec) && !at.field("codec_type").is_tainted() {
            let version = match codec {
                Auto => "AUTO, which never is HTTP/3",
                Http1 => "HTTP1",
                Http2 => "HTTP2",
                Http3 => "HTTP3",
            };
            at.field(field).no_effect(format_args!("`{field}` has no effect: `codec_type` is {version}"));
        }
    };
    not_for("http_protocol_options", written.http_protocol_options.is_some(), &[Http2, Http3]);
    not_for("http2_protocol_options", written.http2_protocol_options.is_some(), &[Http1, Http3]);
    not_for("http3_protocol_options", written.http3_protocol_options.is_some(), &[Auto, Http1, Http2]);
    if written.common_http_protocol_options.as_ref().is_some_and(|common| common.max_response_headers_kb.is_some()) {
        at.field("common_http_protocol_options.max_response_headers_kb")
            .no_effect("`max_response_headers_kb` has no effect here: it is about the upstreams of a cluster");
    }
    if !written.use_remote_address.unwrap_or(false) && written.skip_xff_append {
        at.field("skip_xff_append").no_effect("`skip_xff_append` has no effect: `use_remote_address` is not set");
    }
    let preserves = written.use_remote_address.unwrap_or(false) && written.generate_request_id.unwrap_or(true);
    if written.preserve_external_request_id && !preserves {
        at.field("preserve_external_request_id").no_effect(
            "`preserve_external_request_id` has no effect: a request id is replaced only with `use_remote_address` and `generate_request_id`",
        );
    }
    let pass_through = matches!(server_header(written, at), Ok(ServerHeader::PassThrough));
    if pass_through && !written.server_name.is_empty() {
        at.field("server_name")
            .no_effect("`server_name` has no effect: `server_header_transformation` is PASS_THROUGH");
    }
}

fn routes(
    written: &proto::HttpConnectionManager,
    at: At<'_>,
    context: &Context<'_>,
) -> Result<RouteTable<Forward>, Invalid> {
    use proto::http_connection_manager::RouteSpecifier;
    let written: &RouteConfiguration = match &written.route_specifier {
        Some(RouteSpecifier::RouteConfig(routes)) => routes,
        Some(RouteSpecifier::Rds(_) | RouteSpecifier::ScopedRoutes(_)) => {
            return Err(at.not_implemented());
        }
        None => return Err(at.error("needs a `route_config`")),
    };
    // As Envoy: what is written into the file is checked unless told otherwise.
    let validate = written.validate_clusters.unwrap_or(true);
    let mut forward =
        |at: At<'_>, action: &RouteAction, _: router::Scope<'_>| Forward::build(at, action, validate, context.clusters);
    RouteTable::build(at.field("route_config"), written, &mut forward)
}

/// The filters of the chain: the router ends it, and others come with their own issues.
fn filters(written: &[proto::HttpFilter], at: At<'_>) -> Result<(), Invalid> {
    let known = at.each("http_filters", written, |at, filter| match &filter.config_type {
        Some(proto::http_filter::ConfigType::TypedConfig(any)) if type_name(&any.type_url) == ROUTER => Ok(()),
        Some(proto::http_filter::ConfigType::TypedConfig(any)) => {
            let name = type_name(&any.type_url);
            Err(at.field("typed_config").error(format_args!("holds `{name}`, which is no HTTP filter")))
        }
        Some(proto::http_filter::ConfigType::ConfigDiscovery(_)) => Err(at.field("config_discovery").not_implemented()),
        None => Err(at.error("needs a `typed_config`")),
    });
    known?;
    match written.len() {
        1 => Ok(()),
        0 => Err(at.field("http_filters").error("the chain needs the filter `envoy.filters.http.router` at its end")),
        _ => Err(at.field("http_filters").error("the router ends the chain and stands in it once")),
    }
}

fn limits(written: &proto::HttpConnectionManager) -> ServerLimits {
    let common = written.common_http_protocol_options.as_ref();
    let http2 = written.http2_protocol_options.as_ref();
    let kilobytes = written.max_request_headers_kb.unwrap_or(60);
    ServerLimits {
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
        proxy_100_continue: written.proxy_100_continue,
        qpack: !written.http3_protocol_options.as_ref().is_some_and(|http3| http3.disable_qpack),
        stream_window: http2.and_then(|http2| http2.initial_stream_window_size).unwrap_or(STREAM_WINDOW),
        connection_window: http2.and_then(|http2| http2.initial_connection_window_size).unwrap_or(CONNECTION_WINDOW),
        headers_timeout: limit(written.request_headers_timeout.as_ref(), Some(HEADERS_TIMEOUT)),
        write_timeout: limit(written.stream_idle_timeout.as_ref(), Some(STREAM_IDLE_TIMEOUT)),
    }
}

fn identity(written: &proto::HttpConnectionManager, at: At<'_>) -> Result<Identity, Invalid> {
    let via = match written.via.as_str() {
        "" => None,
        via => Some(header_value(via, at.field("via"))?),
    };
    Ok(Identity {
        use_remote_address: written.use_remote_address.unwrap_or(false),
        skip_xff_append: written.skip_xff_append,
        trusted_hops: usize::try_from(written.xff_num_trusted_hops).unwrap_or(usize::MAX),
        generate_request_id: written.generate_request_id.unwrap_or(true),
        preserve_request_id: written.preserve_external_request_id,
        via,
    })
}

fn server_header(written: &proto::HttpConnectionManager, at: At<'_>) -> Result<ServerHeader, Invalid> {
    use proto::http_connection_manager::ServerHeaderTransformation as Written;
    let name = match written.server_name.as_str() {
        "" => HeaderValue::from_static(SERVER_NAME),
        name => header_value(name, at.field("server_name"))?,
    };
    Ok(match written.server_header_transformation() {
        Written::Overwrite => ServerHeader::Overwrite(name),
        Written::AppendIfAbsent => ServerHeader::AppendIfAbsent(name),
        Written::PassThrough => ServerHeader::PassThrough,
    })
}

fn header_value(text: &str, at: At<'_>) -> Result<HeaderValue, Invalid> {
    HeaderValue::from_str(text).map_err(|_| at.error("cannot stand in a header field: visible ASCII only"))
}

/// Envoy's default `idle_timeout` of a connection.
const IDLE_TIMEOUT: Duration = Duration::from_secs(3600);

/// Envoy's default `delayed_close_timeout`.
const DELAYED_CLOSE: Duration = Duration::from_secs(1);

/// Envoy's default `stream_idle_timeout`.
const STREAM_IDLE_TIMEOUT: Duration = Duration::from_secs(300);

/// What `server` says unless `server_name` is set.
const SERVER_NAME: &str = "quicgate";

/// The filter that ends every chain.
const ROUTER: &str = "envoy.extensions.filters.http.router.v3.Router";

/// Envoy's default `max_concurrent_streams` for HTTP/2.
const MAX_STREAMS: u32 = 1024;

/// Bytes that a client may send unasked on one HTTP/2 stream. Envoy's default is 16 MiB, its advice for the edge 64 KiB;
/// ours is what a path of 100 Mbit/s and 80 ms needs.
const STREAM_WINDOW: u32 = 1 << 20;

/// The same for a whole connection: Envoy's default is 24 MiB, its advice for the edge 1 MiB.
const CONNECTION_WINDOW: u32 = 4 << 20;

/// Envoy has no limit by default; a head that dribbles must not hold a connection for ever.
const HEADERS_TIMEOUT: Duration = Duration::from_secs(10);
