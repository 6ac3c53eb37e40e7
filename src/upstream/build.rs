//! Clusters as written to clusters as they run.

use std::sync::Arc;
use std::time::Duration;

use super::alternatives::Caches;
use super::cluster::HostCounts;
use super::pool::order;
use super::protocol::{Spoken, spoken};
use super::references::References;
use super::{Cluster, ClusterStats, Host, NameTaken, Versions};
use crate::config::proto::envoy::config::cluster::v3 as proto;
use crate::config::proto::envoy::config::core::v3::Address;
use crate::config::proto::envoy::config::core::v3::socket_address::Protocol;
use crate::config::proto::envoy::config::endpoint::v3::{Endpoint, LbEndpoint, LocalityLbEndpoints, lb_endpoint};
use crate::config::values::{is_name, socket_address};
use crate::config::{At, Invalid, duration};
use crate::observe::stats::Scope;
use crate::tls::{Secrets, Wanted};

/// Builds all clusters of the field `clusters` of the message at `at`. All faults are reported, and what refers to a
/// faulty cluster can be built all the same.
#[must_use]
pub fn clusters(list: &[proto::Cluster], secrets: &Secrets, at: At<'_>, stats: &Scope) -> References {
    let mut references = References::default();
    if list.is_empty() && at.field("clusters").is_tainted() {
        references.give_up();
    }
    let caches = Caches::default();
    for (at, written) in at.items("clusters", list) {
        match cluster(written, secrets, &caches, at, stats).map(|cluster| references.add(cluster)) {
            Ok(Ok(_)) => {}
            Ok(Err(NameTaken(name))) => {
                at.field("name").error(format_args!("there is another cluster named `{name}`"));
            }
            Err(_) => references.add_faulty(&written.name),
        }
    }
    references
}

fn cluster(
    written: &proto::Cluster,
    secrets: &Secrets,
    caches: &Caches,
    at: At<'_>,
    stats: &Scope,
) -> Result<Cluster, Invalid> {
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
    // Envoy's names have no colons within a part.
    let scope = stats.scope(&format!("cluster.{}", written.name.replace(':', "_")));
    let spoken = spoken(written, secrets, caches, &scope, at);
    // Names are for types of clusters that the walk refuses.
    let may_be_names = kind.is_err() || at.field("type").is_tainted();
    let versions = spoken.as_ref().ok().map(|spoken| &spoken.versions);
    let hosts = hosts(written, may_be_names, versions, at);
    let (hosts, Spoken { versions, naming, limits }) = (hosts?, spoken?);
    kind.and(policy)?;
    Ok(Cluster {
        name: Arc::from(written.name.as_str()),
        connect_timeout: written.connect_timeout.as_ref().map_or(CONNECT_TIMEOUT, duration),
        versions,
        limits,
        naming,
        max_connections: MAX_CONNECTIONS,
        max_requests: MAX_REQUESTS,
        max_pending_requests: MAX_PENDING_REQUESTS,
        stats: ClusterStats::new(&scope, hosts.len() as u64),
        hosts,
    })
}

fn hosts(
    written: &proto::Cluster,
    may_be_names: bool,
    versions: Option<&Versions>,
    at: At<'_>,
) -> Result<Vec<Arc<Host>>, Invalid> {
    let Some(assignment) = &written.load_assignment else { return Ok(Vec::new()) };
    let at = at.field("load_assignment");
    let localities = at.each("endpoints", &assignment.endpoints, |at, locality| {
        at.each("lb_endpoints", &locality.lb_endpoints, |at, endpoint| {
            host(endpoint, locality, may_be_names, versions, at)
        })
    });
    Ok(localities?.into_iter().flatten().collect())
}

fn host(
    written: &LbEndpoint,
    locality: &LocalityLbEndpoints,
    may_be_name: bool,
    versions: Option<&Versions>,
    at: At<'_>,
) -> Result<Arc<Host>, Invalid> {
    let Some(lb_endpoint::HostIdentifier::Endpoint(endpoint)) = &written.host_identifier else {
        return Err(at.error("needs an `endpoint`"));
    };
    let at = at.field("endpoint");
    let place = |written: Option<&Address>, at: At<'_>| {
        if may_be_name && is_name(written) {
            return Err(at.given_up());
        }
        let (address, protocol) = socket_address(written, at)?;
        if versions.is_some_and(Versions::is_over_tcp) && protocol != Protocol::Tcp {
            let message = "an upstream that HTTP/1.1 or HTTP/2 is spoken to is reached by TCP";
            return Err(at.field("socket_address.protocol").error(message));
        }
        Ok(address)
    };
    let address = place(endpoint.address.as_ref(), at.field("address"));
    let more = at.each("additional_addresses", &endpoint.additional_addresses, |at, additional| {
        place(additional.address.as_ref(), at.field("address"))
    });
    let (address, more) = (address?, more?);
    if !more.is_empty() && versions.is_some_and(|versions| !versions.is_over_tcp()) {
        return Err(at.beyond::<Endpoint>("additional_addresses"));
    }
    let locality = locality.locality.clone().unwrap_or_default();
    let asked = versions.and_then(Versions::tls).map(|tls| tls.asked(Wanted::default(), &endpoint.hostname));
    Ok(Arc::new(Host {
        address,
        addresses: order(address, &more),
        hostname: endpoint.hostname.clone(),
        weight: written.load_balancing_weight.unwrap_or(1),
        locality: [locality.region, locality.zone, locality.sub_zone],
        counts: HostCounts::default(),
        asked: Arc::new(asked.unwrap_or_default()),
        handshakes: Default::default(),
    }))
}

/// Envoy's default `connect_timeout`.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);

/// Envoy's default `max_connections`.
const MAX_CONNECTIONS: u64 = 1024;

/// Envoy's default `max_requests`.
const MAX_REQUESTS: u64 = 1024;

/// Envoy's default `max_pending_requests`.
const MAX_PENDING_REQUESTS: u64 = 1024;
