//! Statistics of the process itself, under Envoy's names: `server.*`, `listener_manager.*`, `cluster_manager.*`.
//!
//! What changes is brought up to date when statistics are asked for, not on a clock.

use std::time::SystemTime;

use super::memory::Memory;
use super::{Admin, Parts, certs, node};
use crate::config::proto::envoy::admin::v3::server_info::State;
use crate::listener::count_drops;
use crate::observe::stats::{Counter, Gauge, Scope};

/// What is counted of the process.
#[derive(Debug)]
pub(super) struct ServerStats {
    live: Gauge,
    state: Gauge,
    uptime: Gauge,
    memory_allocated: Gauge,
    memory_heap_size: Gauge,
    memory_physical_size: Gauge,
    total_connections: Gauge,
    days_until_first_cert_expiring: Gauge,
    listener_stopped: Counter,
}

impl ServerStats {
    /// Registers everything; what does not change any more is set.
    pub(super) fn new(parts: &Parts) -> Self {
        let root = parts.stats.scope("");
        let server = root.scope("server");
        server.gauge("concurrency").set(parts.workers.len() as u64);
        server.gauge("version").set(node::version_number());
        // There is no hot restart: this is the first epoch of the process, and no parent has connections.
        server.gauge("hot_restart_epoch").set(0);
        listeners(&root, parts);
        clusters(&root, parts);
        Self {
            live: server.gauge("live"),
            state: server.gauge("state"),
            uptime: server.gauge("uptime"),
            memory_allocated: server.gauge("memory_allocated"),
            memory_heap_size: server.gauge("memory_heap_size"),
            memory_physical_size: server.gauge("memory_physical_size"),
            total_connections: server.gauge("total_connections"),
            days_until_first_cert_expiring: server.gauge("days_until_first_cert_expiring"),
            listener_stopped: root.counter("listener_manager.listener_stopped"),
        }
    }

    /// A listener has stopped accepting.
    pub(super) fn listener_stopped(&self) {
        self.listener_stopped.inc();
    }

    /// Brings everything up to date.
    pub(super) fn refresh(&self, admin: &Admin) {
        let state = admin.state();
        self.live.set(u64::from(state == State::Live));
        self.state.set(u64::try_from(i32::from(state)).unwrap_or_default());
        self.uptime.set(admin.began.elapsed().as_secs());
        let memory = Memory::of_process();
        self.memory_allocated.set(memory.anonymous);
        self.memory_heap_size.set(memory.data);
        self.memory_physical_size.set(memory.resident);
        let connections = admin.listeners.iter().map(|(listener, _)| listener.active_connections());
        self.total_connections.set(connections.sum());
        count_drops(admin.listeners.iter().map(|(listener, _)| &**listener));
        // Without a certificate, Envoy says the greatest number that it has.
        let days = certs::first_expiry(admin, SystemTime::now());
        self.days_until_first_cert_expiring.set(days.unwrap_or(u32::MAX.into()));
    }
}

fn listeners(root: &Scope, parts: &Parts) {
    let manager = root.scope("listener_manager");
    let (listeners, workers) = (parts.listeners.len() as u64, parts.workers.len() as u64);
    manager.counter("listener_added").add(listeners);
    manager.counter("listener_create_success").add(listeners * workers);
    manager.gauge("total_listeners_active").set(listeners);
    manager.gauge("workers_started").set(1);
}

fn clusters(root: &Scope, parts: &Parts) {
    let manager = root.scope("cluster_manager");
    let clusters = parts.clusters.iter().count() as u64;
    manager.counter("cluster_added").add(clusters);
    manager.gauge("active_clusters").set(clusters);
    manager.gauge("warming_clusters").set(0);
}
