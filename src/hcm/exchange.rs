//! One exchange, from the head of its request to the last byte of its response: the spine.
//!
//! The codec calls [`run`] through `Connection`; what is read here in order is what happens: admit, sanitise, route, act on
//! the route, and on failure reply. The [`Exchange`] then travels with the content of the response: see `body`.

use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use http::header::{CONNECTION, EXPECT, HOST};
use http::request::Parts;
use http::uri::PathAndQuery;
use http::{HeaderValue, Method, StatusCode};
use http_body::{Body as _, Frame};

use super::account::Account;
use super::body::ResponseBody;
use super::connection::Connection;
use super::forward::forward;
use super::stats::ManagerStats;
use super::target::{NOT_NORMALIZED, Way};
use super::timeouts::{Flow, Look, Timeouts};
use super::tunnel::{Asks, Opened, UPGRADE_FAILED};
use super::{Worker, interim, respond, rewrite, sanitize};
use crate::codec::{Busy, Handler as _, Interims, Outbox};
use crate::http::{Body, EarlyData, Failure, Protocol, Request, Response};
use crate::router::{self, Action, Outcome, Target, over_tls};
use crate::upstream::{Attempt, Cluster, Lease};

/// One exchange on its way.
pub(super) struct Exchange {
    connection: Arc<Connection>,
    flow: Arc<Flow>,
    timeouts: Timeouts,
    account: Account,
    attempt: Attempt,
    head_only: bool,
    passes_trailers: bool,
    is_last: bool,
    outbox: Outbox,
    pub(super) tunnel: Opened,
    _busy: Busy,
}

/// Answers one request. What is said before the answer goes into `outbox`.
pub(super) async fn run(connection: Arc<Connection>, request: Request, outbox: Outbox) -> Response {
    let (head, body) = request.into_parts();
    let mut exchange = Exchange::begin(connection, &head, body.is_end_stream(), outbox);
    let answered = exchange.answer(head, body).await;
    let (response, is_heard) = answered.map_or_else(|failure| exchange.reply(&failure), |response| (response, true));
    exchange.finish(response, is_heard)
}

/// Answers a request that the codec has found something wrong with.
pub(super) fn reject(connection: Arc<Connection>, request: Request, failure: &Failure) -> Response {
    let (head, body) = request.into_parts();
    let mut exchange = Exchange::begin(connection, &head, body.is_end_stream(), Outbox::closed());
    if matches!(failure, Failure::MissingHost) {
        exchange.account.capture(&head);
    }
    exchange.is_last = !(matches!(failure, Failure::MissingHost) && exchange.survives());
    let (response, is_heard) = exchange.reply(failure);
    exchange.finish(response, is_heard)
}

/// Keeps the account of a message that never became a request.
pub(super) fn refused(connection: &Arc<Connection>, failure: &Failure) {
    let mut account = Account::open(connection, &Arc::new(Flow::new(Instant::now())));
    account.refused(failure);
    account.close(None);
}

impl Exchange {
    fn begin(connection: Arc<Connection>, head: &Parts, complete: bool, outbox: Outbox) -> Self {
        let flow = Arc::new(Flow::new(Instant::now()));
        if complete {
            flow.request_ended(flow.start());
        }
        let mut account = Account::open(&connection, &flow);
        account.begun(head);
        let manager = &connection.manager;
        Self {
            account,
            attempt: Attempt::default(),
            timeouts: manager.timeouts,
            head_only: head.method == Method::HEAD,
            passes_trailers: Protocol::from(head.version).is_multiplexed() || manager.trailers,
            is_last: false,
            outbox,
            tunnel: Opened::none(head),
            _busy: connection.activity().begin(),
            flow,
            connection,
        }
    }

    /// The way of a request: what it may be, what it may carry, where it goes.
    async fn answer(&mut self, mut head: Parts, body: Body) -> Result<Response, Failure> {
        let connection = Arc::clone(&self.connection);
        let manager = &connection.manager;
        manager.targets.names(&mut head)?;
        self.admit(&mut head)?;
        if head.extensions.get::<EarlyData>().is_some() {
            manager.stats.rq_early_data_total.inc();
        }
        if head.headers.contains_key(EXPECT) && !manager.limits.proxy_100_continue {
            // The codec has said 100.
            manager.stats.interim();
        }
        match manager.targets.clean(&mut head, connection.local_port(), self.account.is_grpc()) {
            Ok(Way::Here) => {}
            Ok(Way::Elsewhere(location)) => {
                self.account.capture(&head);
                self.account.answered_here(NOT_NORMALIZED);
                manager.stats.rq_redirected_with_normalized_path.inc();
                return respond::redirect(StatusCode::TEMPORARY_REDIRECT, Some(location));
            }
            Err(failure) => {
                self.account.capture(&head);
                return Err(failure);
            }
        }
        let asks = Asks::of(&head);
        let client = sanitize::request(&mut head.headers, connection.origin(), &manager.identity);
        let client = client.inspect_err(|_| self.account.capture(&head))?;
        asks.show(&mut head);
        manager.client_cert.apply(&mut head.headers, connection.peer.facts.tls.as_ref(), &connection.client_cert);
        self.account.identify(&head, client);
        self.account.capture(&head);

        manager.stats.routed();
        let proto = self.account.forwarded_proto(&head);
        let scheme = connection.scheme();
        let view = request(&head, scheme, proto, client.internal);
        let route = match manager.routes.find(&view, rand::random()) {
            Outcome::Route(route) => route,
            Outcome::TlsRequired => {
                self.account.answered_directly();
                return respond::redirect(StatusCode::MOVED_PERMANENTLY, over_tls(&view));
            }
            Outcome::NoRoute(_) | Outcome::NoVirtualHost => return Err(Failure::RouteNotFound),
        };
        self.account.routed(route.name());
        self.tunnel.check(&asks, route.action(), &connection)?;
        let mut response = match route.action() {
            Action::Redirect(redirect) => {
                self.account.answered_directly();
                respond::redirect(redirect.status(), redirect.location(&view))?
            }
            Action::DirectResponse(direct) => {
                self.account.answered_directly();
                respond::direct(direct, direct.location(&view))
            }
            Action::Forward(action) => {
                route.mutate_request(&mut head.headers);
                rewrite::request(action, &mut head)?;
                let way = action.attached.early_data.way(&mut head, &body)?;
                self.account.capture(&head);
                forward(self, &action.attached, Request::from_parts(head, body), way).await?
            }
        };
        route.mutate_response(response.headers_mut());
        Ok(response)
    }

    /// The answer to what went wrong, and whether anybody is left to hear it.
    fn reply(&mut self, failure: &Failure) -> (Response, bool) {
        self.account.attempted(&self.attempt);
        // On HTTP/1, what is left of the request, or what follows it, cannot be told from the next one.
        let ends = match failure {
            Failure::Forbidden(_) | Failure::LowVersion | Failure::DownstreamProtocol(_) => true,
            Failure::MissingHost | Failure::Refused(StatusCode::BAD_REQUEST, _) => !self.survives(),
            _ => false,
        };
        self.is_last |= self.flow.request_done().is_none() || ends;
        let said = self.account.fail(failure);
        (respond::local(&said), said.status.is_some())
    }

    /// Whether HTTP/1 goes on after a request that is refused for its host or its path.
    fn survives(&self) -> bool {
        self.connection.manager.targets.survives
    }

    /// What this listener takes at all.
    fn admit(&self, head: &mut Parts) -> Result<(), Failure> {
        // RFC 9110 §15.5.22: a client that speaks HTTP/1.0 is told that it must upgrade.
        if Protocol::from(head.version) == Protocol::Http10 && !self.connection.manager.accept_http_10 {
            return Err(Failure::LowVersion);
        }
        if let Some(host) = &self.connection.manager.targets.default_host
            && Protocol::from(head.version) == Protocol::Http10
        {
            head.headers.entry(HOST).or_insert_with(|| host.clone());
        }
        let authority = head.headers.get(HOST).ok_or(Failure::MissingHost)?;
        if self.connection.is_misdirected(authority.as_bytes()) {
            return Err(Failure::Misdirected);
        }
        Ok(())
    }

    /// Gives the response its last fields and sends the exchange along with its content.
    fn finish(mut self, response: Response, is_heard: bool) -> Response {
        let mut response = if is_heard { self.account.local_reply(response, self.head_only) } else { response };
        if is_heard && self.tunnel.is_pretended_by(response.status()) {
            // No mapper is asked again: it may be the one that made this status.
            self.account.answered_here(UPGRADE_FAILED);
            self.is_last = true;
            response = respond::forbidden();
        }
        let (mut head, body) = response.into_parts();
        respond::complete(&mut head, &self.connection, self.account.request_id());
        self.account.proxy_status(&mut head);
        // RFC 9112 §9.6: what is left of the request is not read once the answer is out.
        let is_last = self.is_last || self.flow.request_done().is_none();
        if is_last && !self.connection.protocol().is_multiplexed() {
            head.headers.insert(CONNECTION, HeaderValue::from_static("close"));
        }
        if is_heard {
            self.account.response(&head);
        }
        let body = if self.head_only { Body::Empty } else { body };
        let trailers = self.passes_trailers;
        Response::from_parts(head, Body::boxed(ResponseBody::new(body, self, trailers)))
    }
}

/// What `forward` and the bodies need of the exchange.
impl Exchange {
    pub(super) fn worker(&self) -> Arc<Worker> {
        Arc::clone(&self.connection.worker)
    }

    pub(super) fn flow(&self) -> Arc<Flow> {
        Arc::clone(&self.flow)
    }

    pub(super) fn timeouts(&self) -> Timeouts {
        self.timeouts
    }

    /// Whether trailers pass, which both sides must want.
    pub(super) fn passes_trailers(&mut self, upstream: bool) -> bool {
        self.passes_trailers &= upstream;
        self.passes_trailers
    }

    /// The route leads to `cluster`, and has times of its own.
    pub(super) fn routed_to(&mut self, cluster: &Arc<Cluster>, timeout: Option<Duration>, idle: Option<Duration>) {
        self.account.cluster(cluster);
        self.timeouts = Timeouts { route: timeout, idle, ..self.timeouts };
    }

    /// What takes the interim responses of one way to `cluster`.
    pub(super) fn interims(&self, cluster: &Arc<Cluster>) -> Interims {
        interim::interims(&self.connection, cluster, &self.flow, &self.outbox, self.account.is_internal())
    }

    /// Whether the word to go on is the upstream's to say.
    pub(super) fn expects_of_upstream(&self) -> bool {
        self.connection.manager.limits.proxy_100_continue
    }

    /// What is counted of its connection manager.
    pub(super) fn stats(&self) -> &ManagerStats {
        &self.connection.manager.stats
    }

    /// The request goes upstream once more, by another way.
    pub(super) fn again(&mut self) {
        self.account.again();
        self.attempt = Attempt::default();
    }

    /// Whether responses go to a version that has streams, where a tunnel is granted by 2xx.
    pub(super) fn is_multiplexed(&self) -> bool {
        self.connection.protocol().is_multiplexed()
    }

    /// RFC 9110 §9.3.6: a tunnel lasts as long as both sides want. `idle` is for progress.
    pub(super) fn lasts(&mut self) {
        self.timeouts = Timeouts { route: None, request: None, ..self.timeouts };
    }

    /// Waits for what the exchange has time for.
    pub(super) async fn in_time<T>(&self, awaited: impl Future<Output = T>) -> Result<T, Failure> {
        tokio::select! {
            biased;
            output = awaited => Ok(output),
            failure = self.timeouts.due(&self.flow) => Err(failure),
        }
    }

    /// Where the way upstream is written down as it is gone.
    pub(super) fn attempt(&mut self) -> &mut Attempt {
        &mut self.attempt
    }

    pub(super) fn answered_by(&mut self, lease: Lease, status: StatusCode, service_time: Option<Duration>) {
        self.account.answered_by(lease, status, service_time);
    }

    /// Whose fault it is when the upstream exchange broke off: a request that stopped coming is the client's.
    pub(super) fn blame(&self, failure: Failure) -> Failure {
        match (&failure, self.flow.request_failure()) {
            (Failure::UpstreamReset(_), Some(clients)) => clients,
            _ => failure,
        }
    }

    /// A frame of the response goes out.
    pub(super) fn sent(&mut self, frame: &Frame<Bytes>) {
        self.account.sent(frame);
    }

    /// Whether the exchange has taken too long.
    pub(super) fn look(&self, now: Instant) -> Look {
        self.timeouts.look(&self.flow, now)
    }

    /// Why the content was dropped before its end.
    pub(super) fn why_dropped(&self) -> Failure {
        self.connection.why_dropped()
    }

    /// The exchange is over.
    pub(super) fn end(&mut self, failure: Option<&Failure>) {
        self.account.attempted(&self.attempt);
        self.account.close(failure);
        self.flow.over();
    }
}

impl Drop for Exchange {
    /// Dropped before its end: the client has left while it waited.
    fn drop(&mut self) {
        let failure = self.connection.why_dropped();
        self.end(Some(&failure));
    }
}

/// The request as the router sees it.
fn request<'a>(head: &'a Parts, scheme: &'a str, forwarded_proto: &'a str, is_internal: bool) -> router::Request<'a> {
    let path = head.uri.path_and_query().map_or("", PathAndQuery::as_str);
    router::Request {
        method: &head.method,
        scheme,
        forwarded_proto,
        authority: head.headers.get(HOST).and_then(|host| host.to_str().ok()).unwrap_or_default(),
        target: Target::new(path),
        headers: &head.headers,
        is_internal,
    }
}
