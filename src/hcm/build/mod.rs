//! An HTTP connection manager as written to one as it runs.

mod identity;
pub(super) mod limits;
mod no_effect;
mod target;

use std::sync::Arc;

use crate::config::proto::envoy::config::core::v3::Node;
use crate::config::proto::envoy::config::route::v3::{RouteAction, RouteConfiguration};
use crate::config::proto::envoy::extensions::filters::network::http_connection_manager::v3 as proto;
use crate::config::{At, Invalid, type_name};
use crate::hcm::client_cert::ClientCert;
use crate::hcm::forward::Forward;
use crate::hcm::local_reply::LocalReplies;
use crate::hcm::log::loggers;
use crate::hcm::periodic::LogOptions;
use crate::hcm::stats::ManagerStats;
use crate::hcm::upgrade::Upgrades;
use crate::hcm::{CodecType, Manager};
use crate::observe::access_log::{AccessLog, Captures, Sinks};
use crate::observe::stats::Scope;
use crate::router::{self, RouteTable};
use crate::tls;
use crate::upstream::References;

pub use crate::hcm::log::access_log;

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
    /// What this instance says of itself.
    pub node: &'a Node,
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
    let identity = identity::identity(written, at, context);
    let targets = target::targets(written, at);
    let proxy_status = identity::proxy_status(written, at, context);
    let server = identity::server_header(written, at);
    let upgrades = Upgrades::of_manager(at, &written.upgrade_configs);
    let client_cert = ClientCert::of(written);
    if written.set_current_client_cert_details.is_some() && !client_cert.sets() {
        at.field("set_current_client_cert_details").no_effect(
            "`set_current_client_cert_details` has no effect: `forward_client_cert_details` is neither APPEND_FORWARD nor SANITIZE_SET",
        );
    }
    no_effect::tell(written, at);
    let prefix = format!("http.{}", written.stat_prefix);
    filters?;
    Ok(Manager {
        codec: CodecType::of(written),
        limits: limits::of_server(written),
        connection: limits::connection(written),
        duration_jitter: limits::duration_jitter(written),
        log_options: LogOptions::of(written),
        targets: targets?,
        identity: identity?,
        client_cert,
        server: server?,
        always_set_request_id: written.always_set_request_id_in_response,
        upgrades: upgrades?,
        accept_http_10: written.http_protocol_options.as_ref().is_some_and(|http1| http1.accept_http_10),
        // Only HTTP/1 has trailers off by default, as in Envoy.
        trailers: written.http_protocol_options.as_ref().is_some_and(|http1| http1.enable_trailers),
        timeouts: limits::timeouts(written),
        routes: Arc::new(routes?),
        local_replies: local_replies?,
        proxy_status: proxy_status?,
        access_log: AccessLog::new(captures, loggers?),
        stats: ManagerStats::new(&context.stats.scope(&prefix), &listener.scope(&prefix)),
    })
}

/// Makes the sessions of a listener depend on the settings of HTTP/3 that its clients are told: one that resumes keeps to those
/// that it was told before (RFC 9114 §7.2.4.2).
pub fn bind_settings(written: &proto::HttpConnectionManager, scope: &mut tls::Scope) {
    let limits = limits::of_server(written);
    scope.bind_number("SETTINGS_MAX_FIELD_SECTION_SIZE", limits.max_header_bytes as u64);
    scope.bind_number("SETTINGS_ENABLE_CONNECT_PROTOCOL", u64::from(limits.extended_connect));
    scope.bind_number("dynamic table of QPACK", u64::from(limits.qpack));
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

/// The filter that ends every chain.
const ROUTER: &str = "envoy.extensions.filters.http.router.v3.Router";
