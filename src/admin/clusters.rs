//! `/clusters`: where requests go, and what each host has been through.

use std::fmt::Write as _;

use http::StatusCode;
use regex::Regex;

use super::call::Call;
use super::endpoint::{Input, Param};
use super::json::{self, Defaults};
use super::listeners::address;
use super::response::{self, text};
use crate::config::proto::envoy::admin::v3 as proto;
use crate::config::proto::envoy::admin::v3::simple_metric::Type;
use crate::config::proto::envoy::config::cluster::v3::CircuitBreakers;
use crate::config::proto::envoy::config::cluster::v3::circuit_breakers::Thresholds;
use crate::config::proto::envoy::config::core::v3::{HealthStatus, Locality, RoutingPriority};
use crate::http::Response;
use crate::upstream::{Cluster, Host};

/// What may be asked.
pub(super) const PARAMS: &[Param] = &[
    Param { name: "filter", input: Input::Text, help: "Regular expression for filtering clusters by name" },
    Param { name: "format", input: Input::OneOf(&["text", "json"]), help: "Format to use" },
];

/// A line a fact, or Envoy's JSON for `format=json`.
pub(super) fn clusters(call: &Call<'_>) -> Response {
    let Ok(filter) = call.query.value("filter").map(Regex::new).transpose() else {
        return text(StatusCode::BAD_REQUEST, "Invalid re2 regex");
    };
    let named =
        |cluster: &&std::sync::Arc<Cluster>| filter.as_ref().is_none_or(|filter| filter.is_match(&cluster.name));
    let clusters = call.admin.clusters.iter().filter(named);
    if call.query.value("format") == Some("json") {
        let shown = proto::Clusters { cluster_statuses: clusters.map(|cluster| status(cluster)).collect() };
        return response::json(json::pretty(&json::value(&shown, Defaults::Omitted)));
    }
    let mut out = String::new();
    for cluster in clusters {
        lines(&mut out, cluster);
    }
    text(StatusCode::OK, out)
}

// === text ===

fn lines(out: &mut String, cluster: &Cluster) {
    let name = &cluster.name;
    let mut line = |fact: std::fmt::Arguments<'_>| {
        // Writing into a string does not fail.
        let _ = writeln!(out, "{name}::{fact}");
    };
    line(format_args!("observability_name::{name}"));
    for priority in ["default_priority", "high_priority"] {
        for (limit, value) in limits(cluster) {
            line(format_args!("{priority}::{limit}::{value}"));
        }
    }
    line(format_args!("added_via_api::false"));
    for host in &cluster.hosts {
        let address = host.address;
        let mut numbers: Vec<_> = counters(host).into_iter().chain(gauges(host)).collect();
        numbers.sort_unstable();
        for (count, value) in numbers {
            line(format_args!("{address}::{count}::{value}"));
        }
        let [region, zone, sub_zone] = &host.locality;
        line(format_args!("{address}::hostname::{}", host.hostname));
        line(format_args!("{address}::health_flags::healthy"));
        line(format_args!("{address}::weight::{}", host.weight));
        line(format_args!("{address}::region::{region}"));
        line(format_args!("{address}::zone::{zone}"));
        line(format_args!("{address}::sub_zone::{sub_zone}"));
        line(format_args!("{address}::canary::false"));
        line(format_args!("{address}::priority::0"));
        // Without outlier detection there is no rate.
        line(format_args!("{address}::success_rate::-1"));
        line(format_args!("{address}::local_origin_success_rate::-1"));
    }
}

// === JSON ===

fn status(cluster: &Cluster) -> proto::ClusterStatus {
    proto::ClusterStatus {
        name: cluster.name.to_string(),
        host_statuses: cluster.hosts.iter().map(|host| host_status(host)).collect(),
        circuit_breakers: Some(CircuitBreakers {
            thresholds: [RoutingPriority::Default, RoutingPriority::High].map(|p| thresholds(cluster, p)).to_vec(),
            ..CircuitBreakers::default()
        }),
        observability_name: cluster.name.to_string(),
        ..proto::ClusterStatus::default()
    }
}

fn host_status(host: &Host) -> proto::HostStatus {
    let metric = |kind: Type| {
        move |(name, value): (&str, u64)| proto::SimpleMetric { r#type: kind.into(), value, name: name.to_owned() }
    };
    let counters = counters(host).into_iter().map(metric(Type::Counter));
    let gauges = gauges(host).into_iter().map(metric(Type::Gauge));
    let [region, zone, sub_zone] = host.locality.clone();
    proto::HostStatus {
        address: Some(address(host.address)),
        stats: counters.chain(gauges).collect(),
        health_status: Some(proto::HostHealthStatus {
            eds_health_status: HealthStatus::Healthy.into(),
            ..proto::HostHealthStatus::default()
        }),
        weight: host.weight,
        hostname: host.hostname.clone(),
        locality: Some(Locality { region, zone, sub_zone }),
        ..proto::HostStatus::default()
    }
}

fn thresholds(cluster: &Cluster, priority: RoutingPriority) -> Thresholds {
    let [connections, pending, requests, retries] =
        limits(cluster).map(|(_, limit)| Some(u32::try_from(limit).unwrap_or(u32::MAX)));
    Thresholds {
        priority: priority.into(),
        max_connections: connections,
        max_pending_requests: pending,
        max_requests: requests,
        max_retries: retries,
        ..Thresholds::default()
    }
}

// === what both say ===

/// The limits of a cluster. A request upstream has a connection of its own (HTTP/1.1): what may wait or run is bounded by
/// the connections. Nothing is retried yet, which keeps Envoy's default limit.
fn limits(cluster: &Cluster) -> [(&'static str, u64); 4] {
    [
        ("max_connections", cluster.max_connections),
        ("max_pending_requests", cluster.max_connections),
        ("max_requests", cluster.max_connections),
        ("max_retries", MAX_RETRIES),
    ]
}

fn counters(host: &Host) -> [(&'static str, u64); 6] {
    let counts = &host.counts;
    [
        ("cx_connect_fail", counts.cx_connect_fail.value()),
        ("cx_total", counts.cx_total.value()),
        ("rq_error", counts.rq_error.value()),
        ("rq_success", counts.rq_success.value()),
        ("rq_timeout", counts.rq_timeout.value()),
        ("rq_total", counts.rq_total.value()),
    ]
}

fn gauges(host: &Host) -> [(&'static str, u64); 3] {
    let counts = &host.counts;
    [
        ("cx_active", counts.cx_active.value()),
        ("rq_active", counts.rq_active.value()),
        ("rq_pending_active", counts.rq_pending_active.value()),
    ]
}

/// Envoy's default.
const MAX_RETRIES: u64 = 3;
