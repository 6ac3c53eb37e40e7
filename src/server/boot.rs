//! From a configuration to what can be started: load, build, bind. Nothing serves yet.

use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;
use std::time::Instant;

use super::cli::Serve;
use crate::admin::{self, Admin};
use crate::config::proto::envoy::config::bootstrap::v3::Bootstrap;
use crate::config::proto::envoy::config::core::v3::socket_address::Protocol;
use crate::config::values::socket_address;
use crate::config::{self, At, Invalid, Leniency, Report, Source};
use crate::hcm::{self, Worker};
use crate::listener::{self, Bound, Listener};
use crate::net::{BindError, bind_tcp};
use crate::observe::access_log::{AccessLog, Sinks};
use crate::observe::log::Logs;
use crate::observe::stats::Store;
use crate::tls::{Rotation, Secrets, SessionStore};
use crate::upstream::{self, Clusters};

/// A configuration as it can run.
#[derive(Debug)]
pub(super) struct Built {
    /// As written.
    pub bootstrap: Bootstrap,
    /// Where requests go.
    pub clusters: Arc<Clusters>,
    /// Where they come from.
    pub listeners: Vec<Arc<Listener>>,
    /// The admin interface: where, and who wrote what it did.
    pub admin: Option<(SocketAddr, Arc<AccessLog>)>,
    /// All counters.
    pub stats: Arc<Store>,
    /// All access log files.
    pub sinks: Sinks,
    /// Certificates and keys that may change.
    pub rotation: Rotation,
    /// Warnings for whoever started the program.
    pub report: Report,
}

/// Every socket of the process.
#[derive(Debug)]
pub(super) struct Sockets {
    /// For each worker, its listening sockets.
    pub workers: Vec<Vec<Bound>>,
    /// For each listener, the addresses it is bound to.
    pub addresses: Vec<Vec<SocketAddr>>,
    /// The admin interface.
    pub admin: Option<TcpListener>,
    /// What a person should know of the host.
    pub remarks: Vec<String>,
}

/// What there was before the configuration.
#[derive(Debug)]
pub(super) struct Process<'a> {
    /// When the process began.
    pub began: Instant,
    /// Its log.
    pub logs: &'a Logs,
}

/// Reads and builds a configuration: one text, or several, each over those before it. No socket is opened and no task
/// started.
///
/// # Errors
/// The report with all faults: those of the text do not keep those of its meaning from being found.
pub(super) fn build(sources: &[Source], leniency: Leniency, workers: usize) -> Result<Built, Report> {
    build_with(sources, leniency, workers, Sinks::new)
}

fn build_with(
    sources: &[Source],
    leniency: Leniency,
    workers: usize,
    sinks: impl FnOnce(&Arc<Store>) -> Sinks,
) -> Result<Built, Report> {
    let config::Loaded { bootstrap, report } = config::read(sources, leniency)?;
    let stats = Store::new();
    let sinks = sinks(&stats);
    match parts(&bootstrap, report.at(), &stats, &sinks, workers) {
        Ok(Parts { clusters, listeners, admin, rotation }) if !report.has_errors() => {
            Ok(Built { bootstrap, clusters, listeners, admin, stats, sinks, rotation, report })
        }
        Ok(_) | Err(_) => Err(report),
    }
}

/// Everything there is to say about a configuration for `workers` workers: what `--mode validate` shows. Nothing is
/// opened for writing, made or started.
#[must_use]
pub fn validate(sources: &[Source], leniency: Leniency, workers: usize) -> Report {
    build_with(sources, leniency, workers, Sinks::rehearsal).map_or_else(|report| report, |built| built.report)
}

struct Parts {
    clusters: Arc<Clusters>,
    listeners: Vec<Arc<Listener>>,
    admin: Option<(SocketAddr, Arc<AccessLog>)>,
    rotation: Rotation,
}

fn parts(
    bootstrap: &Bootstrap,
    at: At<'_>,
    stats: &Arc<Store>,
    sinks: &Sinks,
    workers: usize,
) -> Result<Parts, Invalid> {
    let written = bootstrap.static_resources.clone().unwrap_or_default();
    let resources = at.field("static_resources");
    let root = stats.scope("");
    let secrets = Secrets::build(&written.secrets, &root, resources);
    let clusters = upstream::clusters(&written.clusters, &secrets, resources, &root);
    let node = bootstrap.node.clone().unwrap_or_default();
    let http = hcm::Context { stats: &root, clusters: &clusters, sinks, workers, node: &node };
    let sessions = Arc::new(SessionStore::default());
    let context = listener::Context { http, secrets: &secrets, sessions: &sessions };
    let listeners = listener::listeners(&written.listeners, resources, &context);
    let admin = admin_interface(bootstrap, at, &http);
    let (listeners, admin) = (listeners?, admin?);
    if !at.has_errors() {
        clusters.lint(resources);
        secrets.lint(&written.secrets, resources);
    }
    Ok(Parts { clusters: clusters.into_clusters(), listeners, admin, rotation: secrets.into_rotation() })
}

fn admin_interface(
    bootstrap: &Bootstrap,
    at: At<'_>,
    context: &hcm::Context<'_>,
) -> Result<Option<(SocketAddr, Arc<AccessLog>)>, Invalid> {
    let Some(admin) = &bootstrap.admin else { return Ok(None) };
    let at = at.field("admin");
    let log = hcm::access_log(&admin.access_log, at, context);
    if admin.address.is_none() {
        return log.map(|_| None);
    }
    let (address, protocol) = socket_address(admin.address.as_ref(), at.field("address"))?;
    if protocol != Protocol::Tcp {
        at.field("address.socket_address.protocol").no_effect("the admin interface is on TCP in any case");
    }
    Ok(Some((address, Arc::new(log?))))
}

/// Binds every socket, so that what cannot be had is known before anything serves.
///
/// # Errors
/// The first address that cannot be had.
pub(super) fn bind(built: &Built, workers: usize) -> Result<Sockets, BindError> {
    let mut sockets = Sockets {
        workers: (0..workers).map(|_| Vec::new()).collect(),
        addresses: Vec::new(),
        admin: None,
        remarks: Vec::new(),
    };
    for listener in &built.listeners {
        let group = listener.bind(workers)?;
        for (worker, bound) in sockets.workers.iter_mut().zip(group.workers) {
            worker.extend(bound);
        }
        sockets.remarks.extend(group.missing.iter().map(|error| format!("{}: {error}", listener.name)));
        sockets.remarks.extend(group.buffers.and_then(|buffers| buffers.remark()));
        sockets.addresses.push(group.addresses);
    }
    announce(&built.listeners, &sockets.addresses);
    if let Some((address, _)) = &built.admin {
        sockets.admin = bind_tcp(*address, 1, ADMIN_BACKLOG)?.pop();
        if !address.ip().is_loopback() {
            sockets
                .remarks
                .push(format!("the admin interface on {address} is open to whoever reaches it: prefer loopback"));
        }
    }
    Ok(sockets)
}

/// What the admin interface shows of all this.
pub(super) fn admin_of(
    options: &Serve,
    built: &Built,
    sockets: &Sockets,
    workers: &[Arc<Worker>],
    process: &Process<'_>,
) -> Admin {
    let addresses = sockets.addresses.iter().cloned();
    Admin::new(admin::Parts {
        bootstrap: named(built.bootstrap.clone(), options),
        stats: Arc::clone(&built.stats),
        clusters: Arc::clone(&built.clusters),
        listeners: built.listeners.iter().map(Arc::clone).zip(addresses).collect(),
        workers: workers.to_vec(),
        options: options.to_json(),
        drain_time: options.drain_time(),
        levels: process.logs.levels().clone(),
        access_log: built.admin.as_ref().map_or_else(Arc::default, |(_, log)| Arc::clone(log)),
        began: process.began,
    })
}

/// The configuration with the names that the command line gives this instance.
fn named(mut bootstrap: Bootstrap, options: &Serve) -> Bootstrap {
    let node = bootstrap.node.get_or_insert_default();
    let names = [(&mut node.id, &options.service_node), (&mut node.cluster, &options.service_cluster)];
    for (name, given) in names {
        if let Some(given) = given {
            name.clone_from(given);
        }
    }
    if let Some(zone) = &options.service_zone {
        node.locality.get_or_insert_default().zone.clone_from(zone);
    }
    bootstrap
}

/// Tells each TCP listener whether HTTP/3 is served on its port.
fn announce(listeners: &[Arc<Listener>], addresses: &[Vec<SocketAddr>]) {
    let pairs = || listeners.iter().zip(addresses);
    let quic = pairs().filter(|(listener, _)| listener.serves_http3()).flat_map(|(_, addresses)| addresses);
    for port in quic.map(SocketAddr::port) {
        for (listener, addresses) in pairs().filter(|(listener, _)| listener.is_tls()) {
            if addresses.iter().any(|address| address.port() == port) {
                listener.announce_http3(port);
            }
        }
    }
}

/// Admin connections that may wait.
const ADMIN_BACKLOG: i32 = 128;
