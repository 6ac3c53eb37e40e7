//! Floor 10: the admin interface: look at it.
//!
//! Served on the main thread, on loopback by default. Paths, methods, shapes and texts are Envoy's; what changes state
//! takes POST only. [`Admin`] is what there is to look at; requests that the main thread has to carry out leave as a
//! [`Command`]. `endpoint` is the table of all paths, a file each says what is answered, `server` is the HTTP around it.

mod call;
mod certs;
mod clusters;
mod config_dump;
mod drain_listeners;
mod endpoint;
mod healthcheck;
mod help;
mod home;
mod hot_restart_version;
mod html;
mod init_dump;
mod json;
mod line;
mod listeners;
mod logging;
mod logs;
mod memory;
mod node;
mod origin;
mod query;
mod quit;
mod ready;
mod response;
mod runtime;
mod server;
mod server_info;
mod server_stats;
mod stats;
mod traffic;

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant, SystemTime};

use tokio::sync::{Mutex, mpsc};

pub use hot_restart_version::VERSION as HOT_RESTART_VERSION;
pub use server::serve;

use self::drain_listeners::Which;
use self::server_stats::ServerStats;
use self::traffic::Traffic;
use crate::config::proto::envoy::admin::v3::server_info::State;
use crate::config::proto::envoy::config::bootstrap::v3::Bootstrap;
use crate::hcm::Worker;
use crate::listener::Listener;
use crate::observe::access_log::AccessLog;
use crate::observe::log::Levels;
use crate::observe::stats::Store;
use crate::upstream::Clusters;

/// What there is to look at.
#[derive(Debug)]
pub struct Admin {
    bootstrap: Bootstrap,
    stats: Arc<Store>,
    clusters: Arc<Clusters>,
    listeners: Vec<(Arc<Listener>, Vec<SocketAddr>)>,
    workers: Vec<Arc<Worker>>,
    options: serde_json::Value,
    drain_time: Duration,
    access_log: Arc<AccessLog>,
    levels: Levels,
    began: Instant,
    /// When the configuration was taken.
    loaded: SystemTime,
    server: ServerStats,
    traffic: Traffic,
    /// Health checks fail on purpose.
    failing: AtomicBool,
    /// Connections are asked to go because listeners stop.
    leaving: AtomicBool,
    /// Listeners stop when the time to drain is over.
    stopping: AtomicBool,
    /// The process has begun to stop.
    draining: AtomicBool,
    commands: (mpsc::Sender<Command>, Mutex<mpsc::Receiver<Command>>),
}

/// What the main thread is asked to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Command {
    /// Drain and end the process.
    Quit,
    /// Open the access logs again.
    ReopenLogs,
}

/// What an admin interface is made of.
#[derive(Debug)]
pub struct Parts {
    /// The configuration as written.
    pub bootstrap: Bootstrap,
    /// All counters.
    pub stats: Arc<Store>,
    /// Where requests go.
    pub clusters: Arc<Clusters>,
    /// Where they come from, with the addresses that are bound.
    pub listeners: Vec<(Arc<Listener>, Vec<SocketAddr>)>,
    /// The workers.
    pub workers: Vec<Arc<Worker>>,
    /// The command line, as `/server_info` shows it.
    pub options: serde_json::Value,
    /// How long connections have to go before listeners stop gracefully.
    pub drain_time: Duration,
    /// Where requests to the admin interface are logged.
    pub access_log: Arc<AccessLog>,
    /// The levels of the process's log.
    pub levels: Levels,
    /// When the process began.
    pub began: Instant,
}

impl Admin {
    /// An admin interface over `parts`.
    #[must_use]
    pub fn new(parts: Parts) -> Self {
        let (sender, receiver) = mpsc::channel(COMMANDS);
        let server = ServerStats::new(&parts);
        let mut bootstrap = parts.bootstrap;
        bootstrap.node = Some(node::described(bootstrap.node));
        Self {
            bootstrap,
            clusters: parts.clusters,
            listeners: parts.listeners,
            workers: parts.workers,
            options: parts.options,
            drain_time: parts.drain_time,
            access_log: parts.access_log,
            levels: parts.levels,
            began: parts.began,
            loaded: SystemTime::now(),
            server,
            traffic: Traffic::new(&parts.stats.scope("")),
            stats: parts.stats,
            failing: AtomicBool::new(false),
            leaving: AtomicBool::new(false),
            stopping: AtomicBool::new(false),
            draining: AtomicBool::new(false),
            commands: (sender, Mutex::new(receiver)),
        }
    }

    /// Waits for the next thing that the main thread is asked to do. Cancel-safe.
    pub async fn next_command(&self) -> Command {
        match self.commands.1.lock().await.recv().await {
            Some(command) => command,
            None => std::future::pending().await,
        }
    }

    /// The process has begun to stop: `/ready` and `/server_info` say so.
    pub fn begin_draining(&self) {
        self.draining.store(true, Ordering::Relaxed);
    }

    /// How the process is.
    fn state(&self) -> State {
        let is = |flag: &AtomicBool| flag.load(Ordering::Relaxed);
        if is(&self.draining) || is(&self.failing) { State::Draining } else { State::Live }
    }

    fn ask(&self, command: Command) {
        // A full queue holds the same commands already.
        let _ = self.commands.0.try_send(command);
    }

    fn refresh_stats(&self) {
        self.server.refresh(self);
    }

    fn fail_health_checks(&self, failing: bool) {
        self.failing.store(failing, Ordering::Relaxed);
        self.tell_workers();
    }

    /// Asks whoever is connected to go, for good.
    fn ask_connections_to_go(&self) {
        self.leaving.store(true, Ordering::Relaxed);
        self.tell_workers();
    }

    fn tell_workers(&self) {
        let leaving = self.failing.load(Ordering::Relaxed) || self.leaving.load(Ordering::Relaxed);
        for worker in &self.workers {
            worker.drain.leave(leaving);
        }
    }

    /// Whether listeners are now to stop gracefully, and were not before.
    fn begin_graceful_stop(&self) -> bool {
        !self.stopping.swap(true, Ordering::Relaxed)
    }

    fn stop_listeners(&self, which: Which) {
        for (listener, _) in &self.listeners {
            if (which == Which::All || listener.is_inbound()) && listener.stop() {
                self.server.listener_stopped();
            }
        }
    }
}

/// Commands that may wait for the main thread.
const COMMANDS: usize = 16;
