//! Floor 10: the admin interface: look at it.
//!
//! Served on the main thread, on loopback by default. Paths, methods, shapes and texts are Envoy's; what changes state
//! takes POST only. [`Admin`] is what there is to look at; requests that the main thread has to carry out leave as a
//! [`Command`].

mod listeners;
mod ready;

use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Instant;

use http::header::{CACHE_CONTROL, CONTENT_TYPE, X_CONTENT_TYPE_OPTIONS};
use http::{HeaderValue, Method, StatusCode};
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::TcpListener;
use tokio::sync::{Mutex, mpsc};

use crate::config::proto::envoy::config::bootstrap::v3::Bootstrap;
use crate::drain::Drain;
use crate::hcm::Worker;
use crate::http::{Body, Response};
use crate::listener::Listener;
use crate::observe::stats::{Store, render};
use crate::upstream::Clusters;

/// What there is to look at.
#[derive(Debug)]
pub struct Admin {
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
    /// When the process began.
    pub began: Instant,
    failing: AtomicBool,
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
    /// See [`Admin::bootstrap`].
    pub bootstrap: Bootstrap,
    /// See [`Admin::stats`].
    pub stats: Arc<Store>,
    /// See [`Admin::clusters`].
    pub clusters: Arc<Clusters>,
    /// See [`Admin::listeners`].
    pub listeners: Vec<(Arc<Listener>, Vec<SocketAddr>)>,
    /// See [`Admin::workers`].
    pub workers: Vec<Arc<Worker>>,
    /// See [`Admin::options`].
    pub options: serde_json::Value,
    /// See [`Admin::began`].
    pub began: Instant,
}

impl Admin {
    /// An admin interface over `parts`.
    #[must_use]
    pub fn new(parts: Parts) -> Self {
        let (sender, receiver) = mpsc::channel(COMMANDS);
        Self {
            bootstrap: parts.bootstrap,
            stats: parts.stats,
            clusters: parts.clusters,
            listeners: parts.listeners,
            workers: parts.workers,
            options: parts.options,
            began: parts.began,
            failing: AtomicBool::new(false),
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

    fn ask(&self, command: Command) {
        // A full queue holds the same commands already.
        let _ = self.commands.0.try_send(command);
    }
}

/// Serves the admin interface until the process ends.
pub async fn serve(admin: Arc<Admin>, listener: TcpListener, drain: Drain) {
    loop {
        let Ok((io, _)) = listener.accept().await else {
            // Out of descriptors, most likely: the data path has the same trouble and says so.
            tokio::task::yield_now().await;
            continue;
        };
        let admin = Arc::clone(&admin);
        drain.spawn_service("admin connection", async move {
            let service = service_fn(|request| {
                let response = answer(&admin, &request);
                async move { Ok::<_, Infallible>(response) }
            });
            let mut builder = hyper::server::conn::http1::Builder::new();
            builder.timer(TokioTimer::new());
            // A client that leaves early is no concern of ours.
            let _ = builder.serve_connection(TokioIo::new(io), service).await;
        });
    }
}

fn answer(admin: &Admin, request: &http::Request<hyper::body::Incoming>) -> Response {
    let post = request.method() == Method::POST;
    let query = request.uri().query().unwrap_or_default();
    match request.uri().path() {
        "/ready" => ready::ready(admin),
        "/stats" => {
            let used_only = query.split('&').any(|pair| pair == "usedonly");
            text(StatusCode::OK, render::text(&admin.stats, &render::Query { used_only, ..render::Query::default() }))
        }
        "/listeners" => listeners::listeners(admin, query),
        "/quitquitquit" if post => {
            admin.ask(Command::Quit);
            text(StatusCode::OK, "OK\n")
        }
        _ => text(StatusCode::NOT_FOUND, "invalid path. "),
    }
}

fn text(status: StatusCode, body: impl Into<bytes::Bytes>) -> Response {
    respond(status, "text/plain; charset=UTF-8", body)
}

fn respond(status: StatusCode, kind: &'static str, body: impl Into<bytes::Bytes>) -> Response {
    let mut response = Response::new(Body::from(body.into()));
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(kind));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-cache, max-age=0"));
    headers.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    response
}

/// Commands that may wait for the main thread.
const COMMANDS: usize = 16;
