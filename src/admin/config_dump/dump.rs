//! The configuration as the messages of Envoy's dump.

use std::time::SystemTime;

use prost::{Message, Name};
use prost_reflect::DynamicMessage;
use prost_types::{Any, Timestamp};

use super::Names;
use crate::admin::{Admin, json};
use crate::config::proto::envoy::admin::v3 as proto;
use crate::config::proto::envoy::config::cluster::v3::Cluster;
use crate::config::proto::envoy::config::core::v3::HealthStatus;
use crate::config::proto::envoy::config::endpoint::v3::ClusterLoadAssignment;
use crate::config::proto::envoy::config::listener::v3::{Filter, Listener, filter};
use crate::config::proto::envoy::config::route::v3::RouteConfiguration;
use crate::config::proto::envoy::extensions::filters::network::http_connection_manager::v3::{
    HttpConnectionManager, http_connection_manager::RouteSpecifier,
};
use crate::config::proto::envoy::extensions::transport_sockets::tls::v3::Secret;
use crate::config::unpack;

/// All dumps, in Envoy's order, with the resources whose names are wanted.
pub(super) fn all(admin: &Admin, wanted: &Names, eds: bool) -> Vec<DynamicMessage> {
    let written = admin.bootstrap.static_resources.clone().unwrap_or_default();
    let at = Some(timestamp(admin.loaded));
    let bootstrap = proto::BootstrapConfigDump { bootstrap: Some(admin.bootstrap.clone()), last_updated: at };
    let dumps = [
        json::dynamic(&bootstrap),
        json::dynamic(&clusters(&written.clusters, wanted, at)),
        eds.then(|| json::dynamic(&endpoints(&written.clusters, wanted))).flatten(),
        json::dynamic(&listeners(&written.listeners, wanted, at)),
        json::dynamic(&proto::ScopedRoutesConfigDump::default()),
        json::dynamic(&routes(&written.listeners, wanted, at)),
        json::dynamic(&secrets(&written.secrets, wanted)),
    ];
    dumps.into_iter().flatten().collect()
}

fn clusters(written: &[Cluster], wanted: &Names, at: Option<Timestamp>) -> proto::ClustersConfigDump {
    use proto::clusters_config_dump::StaticCluster;
    let named = written.iter().filter(|cluster| wanted.take(&cluster.name));
    proto::ClustersConfigDump {
        static_clusters: named.map(|cluster| StaticCluster { cluster: pack(cluster), last_updated: at }).collect(),
        ..Default::default()
    }
}

fn endpoints(written: &[Cluster], wanted: &Names) -> proto::EndpointsConfigDump {
    use proto::endpoints_config_dump::StaticEndpointConfig;
    let assignments = written.iter().filter_map(|cluster| {
        let assignment = ClusterLoadAssignment {
            cluster_name: cluster.name.clone(),
            ..cluster.load_assignment.clone().unwrap_or_default()
        };
        wanted.take(&assignment.cluster_name).then_some(assignment)
    });
    let one = |mut assignment: ClusterLoadAssignment| {
        for endpoint in assignment.endpoints.iter_mut().flat_map(|locality| &mut locality.lb_endpoints) {
            // What is not checked is healthy.
            endpoint.health_status = HealthStatus::Healthy.into();
            endpoint.load_balancing_weight.get_or_insert(1);
        }
        StaticEndpointConfig { endpoint_config: pack(&assignment), last_updated: None }
    };
    proto::EndpointsConfigDump { static_endpoint_configs: assignments.map(one).collect(), ..Default::default() }
}

fn listeners(written: &[Listener], wanted: &Names, at: Option<Timestamp>) -> proto::ListenersConfigDump {
    use proto::listeners_config_dump::StaticListener;
    let named = written.iter().filter(|listener| wanted.take(&listener.name));
    let one = |listener: &Listener| StaticListener { listener: pack(listener), last_updated: at };
    proto::ListenersConfigDump { static_listeners: named.map(one).collect(), ..Default::default() }
}

fn routes(written: &[Listener], wanted: &Names, at: Option<Timestamp>) -> proto::RoutesConfigDump {
    use proto::routes_config_dump::StaticRouteConfig;
    let tables = written.iter().flat_map(route_tables).filter(|table| wanted.take(&table.name));
    let one = |table: RouteConfiguration| StaticRouteConfig { route_config: pack(&table), last_updated: at };
    proto::RoutesConfigDump { static_route_configs: tables.map(one).collect(), ..Default::default() }
}

/// The route tables that the connection managers of a listener hold themselves.
fn route_tables(listener: &Listener) -> Vec<RouteConfiguration> {
    let chains = listener.filter_chains.iter().chain(&listener.default_filter_chain);
    let table = |filter: &Filter| {
        let Some(filter::ConfigType::TypedConfig(any)) = &filter.config_type else { return None };
        // Of another filter, there is no table.
        let manager: HttpConnectionManager = unpack(any).ok()?;
        match manager.route_specifier? {
            RouteSpecifier::RouteConfig(table) => Some(table),
            RouteSpecifier::Rds(_) | RouteSpecifier::ScopedRoutes(_) => None,
        }
    };
    chains.flat_map(|chain| &chain.filters).filter_map(table).collect()
}

fn secrets(written: &[Secret], wanted: &Names) -> proto::SecretsConfigDump {
    use proto::secrets_config_dump::StaticSecret;
    let named = written.iter().filter(|secret| wanted.take(&secret.name));
    let one = |secret: &Secret| StaticSecret { name: secret.name.clone(), last_updated: None, secret: pack(secret) };
    proto::SecretsConfigDump { static_secrets: named.map(one).collect(), ..Default::default() }
}

fn pack<M: Message + Name>(message: &M) -> Option<Any> {
    // A message is encoded into memory that grows with it.
    Any::from_msg(message).ok()
}

/// To the millisecond, as Envoy says it.
fn timestamp(time: SystemTime) -> Timestamp {
    let since = time.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    Timestamp {
        seconds: i64::try_from(since.as_secs()).unwrap_or(i64::MAX),
        nanos: i32::try_from(since.subsec_millis() * 1_000_000).unwrap_or_default(),
    }
}
