//! The HTTP/1.1 server of the admin interface: few connections, each with its bounds.
//!
//! A request is answered from memory at once. What a client may take its time with is bounded: the head and the form of a
//! request, reading the response, and how long it stays idle. Whoever comes when all places are taken waits in the backlog.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use bytes::Bytes;
use http::header::CONTENT_TYPE;
use http::request::Parts;
use http::{Method, StatusCode, Version};
use http_body_util::{BodyExt, Limited};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;

use super::call::Call;
use super::endpoint::Endpoint;
use super::line::Line;
use super::query::Query;
use super::response::{refused, text};
use super::{Admin, help, origin};
use crate::codec::{Activity, ConnectionLimits, Handler, Http1, Http2, Lifetime, Outbox, ServerLimits, h1};
use crate::drain::Drain;
use crate::http::{Body, Failure, Request, Response};
use crate::observe::access_log::Connection as Facts;

/// Serves the admin interface until the process ends.
pub async fn serve(admin: Arc<Admin>, listener: TcpListener, drain: Drain) {
    let places = Arc::new(Semaphore::new(CONNECTIONS));
    let numbers = AtomicU64::new(1);
    loop {
        let Ok(place) = Arc::clone(&places).acquire_owned().await else { return };
        match listener.accept().await {
            Ok((io, remote)) => {
                let id = numbers.fetch_add(1, Ordering::Relaxed);
                let connection = Connection::new(&admin, &drain, id, &io, remote);
                drain.spawn_service("admin connection", async move {
                    connection.serve(io).await;
                    drop(place);
                });
            }
            Err(error) => {
                tracing::warn!(%error, "the admin interface cannot accept: raise LimitNOFILE= or `ulimit -n`");
                tokio::time::sleep(PAUSE).await;
            }
        }
    }
}

/// One connection.
#[derive(Debug)]
struct Connection {
    admin: Arc<Admin>,
    drain: Drain,
    facts: Arc<Facts>,
    activity: Arc<Activity>,
}

impl Connection {
    fn new(admin: &Arc<Admin>, drain: &Drain, id: u64, io: &TcpStream, remote: SocketAddr) -> Arc<Self> {
        let now = Instant::now();
        let facts = Facts {
            id,
            local: io.local_addr().ok(),
            remote: Some(remote),
            began: Some(now),
            listener: Some(Arc::from("admin")),
            ..Facts::default()
        };
        let activity = Activity::new(now);
        Arc::new(Self { admin: Arc::clone(admin), drain: drain.clone(), facts: Arc::new(facts), activity })
    }

    async fn serve(self: Arc<Self>, io: TcpStream) {
        let admin = Arc::clone(&self.admin);
        let _open = admin.traffic.open();
        // Small responses must not wait for an acknowledgement.
        let _ = io.set_nodelay(true);
        let activity = Arc::clone(&self.activity);
        let lifetime = Lifetime::new(self.drain.watch(), activity, CONNECTION_LIMITS);
        // However it ended: a client that leaves early is no concern of ours.
        let _ = h1::serve(io, self, &LIMITS, lifetime).await;
    }

    async fn answer(&self, head: &Parts, body: Body, line: Option<&mut Line>) -> Response {
        if head.version == Version::HTTP_10 {
            return refused(StatusCode::UPGRADE_REQUIRED);
        }
        let Some(endpoint) = Endpoint::find(head.uri.path()) else { return help::invalid_path() };
        if !endpoint.takes(&head.method) {
            let message = format!("Method {} not allowed, POST required.", head.method);
            return text(StatusCode::METHOD_NOT_ALLOWED, message);
        }
        if endpoint.changes() && origin::is_foreign(&head.headers) {
            return text(StatusCode::FORBIDDEN, "a page of another origin may not change anything here\n");
        }
        let form = match form(head, body).await {
            Ok(form) => form,
            Err(status) => return refused(status),
        };
        if let Some(line) = line {
            line.request_done(form.as_ref().map_or(0, |form| form.len() as u64));
        }
        let query = match &form {
            Some(form) => Query::parse(&String::from_utf8_lossy(form)),
            None => Query::parse(head.uri.query().unwrap_or_default()),
        };
        (endpoint.answer)(&Call { admin: &self.admin, drain: &self.drain, query })
    }
}

impl Handler for Connection {
    async fn handle(self: Arc<Self>, request: Request, _: Outbox) -> Response {
        let _busy = self.activity.begin();
        let _active = self.admin.traffic.request();
        let (head, body) = request.into_parts();
        let log = &self.admin.access_log;
        let mut line = Line::begin(log, &self.facts, &head);
        let response = self.answer(&head, body, line.as_mut()).await;
        self.admin.traffic.answered(response.status());
        if let Some(line) = line {
            line.end(log, &response, head.method == Method::HEAD);
        }
        response
    }

    async fn reject(self: Arc<Self>, _: Request, _: Failure) -> Response {
        let _busy = self.activity.begin();
        let response = refused(StatusCode::BAD_REQUEST);
        self.admin.traffic.answered(response.status());
        response
    }

    fn refused(self: &Arc<Self>, _: &Failure) {}

    fn lost(&self) {}

    fn resetting(&self, _: bool) {}

    fn activity(&self) -> &Arc<Activity> {
        &self.activity
    }
}

/// The form that a POST carries; none where it has a query, or no form.
///
/// # Errors
/// The status to answer with where the form is too large, or does not come.
async fn form(head: &Parts, body: Body) -> Result<Option<Bytes>, StatusCode> {
    let kind = head.headers.get(CONTENT_TYPE).and_then(|kind| kind.to_str().ok()).unwrap_or_default();
    let kind = kind.split(';').next().unwrap_or_default().trim();
    let queried = head.uri.query().is_some_and(|query| !query.is_empty());
    if queried || head.method != Method::POST || !kind.eq_ignore_ascii_case(FORM) {
        return Ok(None);
    }
    match tokio::time::timeout(PATIENCE, Limited::new(body, FORM_SIZE).collect()).await {
        Ok(Ok(form)) => Ok(Some(form.to_bytes())),
        Ok(Err(error)) if error.is::<http_body_util::LengthLimitError>() => Err(StatusCode::PAYLOAD_TOO_LARGE),
        Ok(Err(_)) => Err(StatusCode::BAD_REQUEST),
        Err(_) => Err(StatusCode::REQUEST_TIMEOUT),
    }
}

/// Connections at once.
const CONNECTIONS: usize = 64;

/// How long the head of a request may take, then its form, and how long a client may leave a response unread.
const PATIENCE: Duration = Duration::from_secs(10);

/// Bytes of a form.
const FORM_SIZE: usize = 64 * 1024;

/// How a form is encoded.
const FORM: &str = "application/x-www-form-urlencoded";

/// How long accepting pauses when descriptors are used up.
const PAUSE: Duration = Duration::from_millis(50);

/// HTTP/2 is not spoken here: what is only about it is zero.
const LIMITS: ServerLimits = ServerLimits {
    http1: Http1 { keeps_absolute_form: false, proper_case: false },
    http2: Http2 { table_size: None, keep_alive: None },
    max_header_bytes: 64 * 1024,
    max_header_count: 100,
    max_concurrent_streams: 0,
    extended_connect: false,
    proxy_100_continue: false,
    qpack: true,
    stream_window: 0,
    connection_window: 0,
    headers_timeout: Some(PATIENCE),
    write_timeout: Some(PATIENCE),
};

/// How long a connection may be idle.
const CONNECTION_LIMITS: ConnectionLimits = ConnectionLimits {
    idle_timeout: Some(Duration::from_secs(60)),
    max_duration: None,
    max_requests: None,
    delayed_close: Duration::from_secs(1),
};
