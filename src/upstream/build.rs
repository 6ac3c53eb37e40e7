//! Clusters as written to clusters as they run.

use std::sync::Arc;
use std::time::Duration;

use super::cluster::HostCounts;
use super::references::References;
use super::{Cluster, ClusterStats, Host, NameTaken};
use crate::config::proto::envoy::config::cluster::v3 as proto;
use crate::config::proto::envoy::config::core::v3::{TransportSocket, socket_address::Protocol, transport_socket};
use crate::config::proto::envoy::config::endpoint::v3::{LbEndpoint, LocalityLbEndpoints, lb_endpoint};
use crate::config::proto::envoy::extensions::upstreams::http::v3::HttpProtocolOptions;
use crate::config::proto::envoy::extensions::upstreams::http::v3::http_protocol_options::{
    UpstreamProtocolOptions, explicit_http_config::ProtocolConfig,
};
use crate::config::values::{is_name, socket_address};
use crate::config::{At, Invalid, duration, type_name};
use crate::observe::stats::Scope;

/// Builds all clusters of the field `clusters` of the message at `at`. All faults are reported, and what refers to a
/// faulty cluster can be built all the same.
#[must_use]
pub fn clusters(list: &[proto::Cluster], at: At<'_>, stats: &Scope) -> References {
    let mut references = References::default();
    if list.is_empty() && at.field("clusters").is_tainted() {
        references.give_up();
    }
    for (at, written) in at.items("clusters", list) {
        match cluster(written, at, stats).map(|cluster| references.add(cluster)) {
            Ok(Ok(_)) => {}
            Ok(Err(NameTaken(name))) => {
                at.field("name").error(format_args!("there is another cluster named `{name}`"));
            }
            Err(_) => references.add_faulty(&written.name),
        }
    }
    references
}

fn cluster(written: &proto::Cluster, at: At<'_>, stats: &Scope) -> Result<Cluster, Invalid> {
    use proto::cluster::{ClusterDiscoveryType, DiscoveryType, LbPolicy};
    let kind = match &written.cluster_discovery_type {
        Some(ClusterDiscoveryType::Type(kind)) if *kind != DiscoveryType::Static as i32 => {
            Err(at.field("type").not_implemented())
        }
        None | Some(ClusterDiscoveryType::Type(_)) => Ok(()),
        Some(ClusterDiscoveryType::ClusterType(_)) => Err(at.field("cluster_type").not_implemented()),
    };
    let policy = match written.lb_policy() {
        LbPolicy::RoundRobin => Ok(()),
        _ => Err(at.field("lb_policy").not_implemented()),
    };
    let transport = transport(written.transport_socket.as_ref(), at);
    let trailers = trailers(written, at);
    // Names are for types of clusters that the walk refuses.
    let hosts = hosts(written, kind.is_err() || at.field("type").is_tainted(), at);
    let (hosts, trailers) = (hosts?, trailers?);
    kind.and(policy).and(transport)?;
    // Envoy's names have no colons within a part.
    let scope = stats.scope(&format!("cluster.{}", written.name.replace(':', "_")));
    Ok(Cluster {
        name: Arc::from(written.name.as_str()),
        connect_timeout: written.connect_timeout.as_ref().map_or(CONNECT_TIMEOUT, duration),
        max_connections: MAX_CONNECTIONS,
        trailers,
        stats: ClusterStats::new(&scope, hosts.len() as u64),
        hosts,
    })
}

fn transport(socket: Option<&TransportSocket>, at: At<'_>) -> Result<(), Invalid> {
    let Some(socket) = socket else { return Ok(()) };
    let at = at.field("transport_socket");
    let Some(transport_socket::ConfigType::TypedConfig(any)) = &socket.config_type else {
        return Err(at.error("needs a `typed_config`"));
    };
    match type_name(&any.type_url) {
        RAW_BUFFER => Ok(()),
        other => {
            Err(at.field("typed_config").error(format_args!("holds `{other}`, which no cluster can connect with")))
        }
    }
}

/// Whether trailers pass: Envoy's `enable_trailers` of the cluster's HTTP/1 options, off where unset.
fn trailers(written: &proto::Cluster, at: At<'_>) -> Result<bool, Invalid> {
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
    let Some(any) = written.typed_extension_protocol_options.get(HTTP_OPTIONS) else { return Ok(false) };
    let at = at.entry("typed_extension_protocol_options", HTTP_OPTIONS);
    let options: HttpProtocolOptions = at.unpack(any)?;
    let explicit = match options.upstream_protocol_options {
        Some(UpstreamProtocolOptions::ExplicitHttpConfig(explicit)) => explicit,
        Some(_) => return Err(at.not_implemented()),
        None => return Ok(false),
    };
    match explicit.protocol_config {
        Some(ProtocolConfig::HttpProtocolOptions(http1)) => {
            if http1.accept_http_10 {
                at.field("explicit_http_config.http_protocol_options.accept_http_10")
                    .no_effect("`accept_http_10` has no effect on a cluster: it is about requests of clients");
            }
            Ok(http1.enable_trailers)
        }
        None => Ok(false),
        Some(_) => Err(at.field("explicit_http_config").not_implemented()),
    }
}

fn hosts(written: &proto::Cluster, may_be_names: bool, at: At<'_>) -> Result<Vec<Arc<Host>>, Invalid> {
    let Some(assignment) = &written.load_assignment else { return Ok(Vec::new()) };
    let at = at.field("load_assignment");
    let localities = at.each("endpoints", &assignment.endpoints, |at, locality| {
        at.each("lb_endpoints", &locality.lb_endpoints, |at, endpoint| host(endpoint, locality, may_be_names, at))
    });
    Ok(localities?.into_iter().flatten().collect())
}

fn host(
    written: &LbEndpoint,
    locality: &LocalityLbEndpoints,
    may_be_name: bool,
    at: At<'_>,
) -> Result<Arc<Host>, Invalid> {
    let Some(lb_endpoint::HostIdentifier::Endpoint(endpoint)) = &written.host_identifier else {
        return Err(at.error("needs an `endpoint`"));
    };
    let at = at.field("endpoint.address");
    if may_be_name && is_name(endpoint.address.as_ref()) {
        return Err(at.given_up());
    }
    let (address, protocol) = socket_address(endpoint.address.as_ref(), at)?;
    if protocol != Protocol::Tcp {
        return Err(at.field("socket_address.protocol").error("an HTTP/1.1 upstream is reached by TCP"));
    }
    let locality = locality.locality.clone().unwrap_or_default();
    Ok(Arc::new(Host {
        address,
        hostname: endpoint.hostname.clone(),
        weight: written.load_balancing_weight.unwrap_or(1),
        locality: [locality.region, locality.zone, locality.sub_zone],
        counts: HostCounts::default(),
    }))
}

/// The key under which a cluster holds its HTTP options.
const HTTP_OPTIONS: &str = "envoy.extensions.upstreams.http.v3.HttpProtocolOptions";

/// The transport socket that does nothing.
const RAW_BUFFER: &str = "envoy.extensions.transport_sockets.raw_buffer.v3.RawBuffer";

/// Envoy's default `connect_timeout`.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);

/// Envoy's default `max_connections`.
const MAX_CONNECTIONS: u64 = 1024;
