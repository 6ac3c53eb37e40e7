//! The account of one exchange: what is counted of it and what its log line will say.

mod lines;

use std::borrow::Cow;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};

use bytes::Bytes;
use http::header::CONTENT_TYPE;
use http::request::Parts;
use http::{HeaderValue, StatusCode};
use http_body::Frame;

use crate::codec::Handler as _;
use crate::hcm::connection::Connection;
use crate::hcm::local_reply::{Asked, Form};
use crate::hcm::periodic::Periodic;
use crate::hcm::reply::{self, Reply};
use crate::hcm::sanitize::{Client, FORWARDED_PROTO, REQUEST_ID};
use crate::hcm::timeouts::Flow;
use crate::http::{Failure, Response};
use crate::observe::access_log::{Point, Record, is_grpc};
use crate::upstream::{Attempt, Cluster, Lease};

/// Kept from the first byte of a request to the last of its response.
pub(super) struct Account {
    connection: Arc<Connection>,
    flow: Arc<Flow>,
    record: Record,
    cluster: Option<Arc<Cluster>>,
    lease: Option<Lease>,
    client: Option<Client>,
    periodic: Option<Periodic>,
    answered: bool,
    origin: Origin,
    form: Form,
    /// The codec has answered by itself.
    told: bool,
    closed: bool,
}

/// Who made the response.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Origin {
    Upstream,
    Here,
}

impl Account {
    pub(super) fn open(connection: &Arc<Connection>, flow: &Arc<Flow>) -> Self {
        let manager = &connection.manager;
        manager.stats.request(connection.protocol());
        let mut record = Record::new(SystemTime::now(), Arc::clone(&connection.peer.facts));
        record.captured = manager.access_log.captures().start();
        record.times.mark(Point::RequestBegin, flow.start());
        Self {
            connection: Arc::clone(connection),
            flow: Arc::clone(flow),
            record,
            cluster: None,
            lease: None,
            client: None,
            periodic: None,
            answered: false,
            origin: Origin::Upstream,
            form: Form::Plain,
            told: false,
            closed: false,
        }
    }

    /// A request came: in what version, and whether it is gRPC.
    pub(super) fn begun(&mut self, head: &Parts) {
        self.record.protocol = Some(head.version);
        if head.headers.get(CONTENT_TYPE).is_some_and(is_grpc) {
            self.form = Form::Grpc;
        }
    }

    /// Who asks, as the trust settings see it, and the request's identity.
    pub(super) fn identify(&mut self, head: &Parts, client: Client) {
        if client.address != self.connection.peer.remote.ip() {
            self.record.remote = Some(SocketAddr::new(client.address, 0));
        }
        self.client = Some(client);
        self.record.stream_id = head.headers.get(REQUEST_ID).cloned();
    }

    /// The request's identity.
    pub(super) fn request_id(&self) -> Option<&HeaderValue> {
        self.record.stream_id.as_ref()
    }

    /// How the client reached the edge, as trusted proxies and this one say.
    pub(super) fn forwarded_proto(&self, head: &Parts) -> &'static str {
        match head.headers.get(FORWARDED_PROTO).map(HeaderValue::as_bytes) {
            Some(told) if told.eq_ignore_ascii_case(b"https") => "https",
            Some(told) if told.eq_ignore_ascii_case(b"http") => "http",
            // Neither: a condition on it does not hold.
            Some(_) => "",
            None => self.connection.scheme(),
        }
    }

    /// The route that was found.
    pub(super) fn routed(&mut self, name: &Arc<str>) {
        self.record.route = (!name.is_empty()).then(|| Arc::clone(name));
    }

    /// The cluster that the route leads to.
    pub(super) fn cluster(&mut self, cluster: &Arc<Cluster>) {
        self.record.upstream.cluster = Some(Arc::clone(&cluster.name));
        self.record.upstream.attempts = 1;
        self.cluster = Some(Arc::clone(cluster));
        self.log_start();
    }

    /// The request goes upstream once more.
    pub(super) fn again(&mut self) {
        self.record.upstream.attempts += 1;
        if let Some(cluster) = &self.cluster {
            cluster.stats.rq_retry.inc();
        }
    }

    /// The way that the request took upstream, however it ended.
    pub(super) fn attempted(&mut self, attempt: &Attempt) {
        let upstream = &mut self.record.upstream;
        if let Some(host) = &attempt.host {
            upstream.host = Some(host.address);
        }
        upstream.remote = attempt.remote;
        upstream.local = attempt.local;
        upstream.tls = attempt.tls.as_ref().map(|tls| tls.agreed.clone());
        upstream.server_name = attempt.tls.as_ref().and_then(|tls| tls.asked.sni().cloned());
        upstream.protocol = attempt.version.filter(|_| attempt.local.is_some());
        upstream.transport_failure = attempt.transport_failure.clone().map(Cow::Owned);
        let times = &mut self.record.times;
        if let (Some(sent), Some(waited)) = (attempt.sent, attempt.pool_ready) {
            times.mark(Point::PoolWaitBegin, sent.checked_sub(waited).unwrap_or(sent));
            times.mark(Point::PoolReady, sent);
            times.mark(Point::UpstreamRequestBegin, sent);
        }
    }

    /// The upstream has begun to answer.
    pub(super) fn answered_by(&mut self, lease: Lease, status: StatusCode, service_time: Option<Duration>) {
        self.record.times.mark(Point::UpstreamResponseBegin, Instant::now());
        self.record.details = Some(Cow::Borrowed("via_upstream"));
        lease.answered(status);
        self.lease = Some(lease);
        if let Some(cluster) = &self.cluster {
            cluster.stats.count(status, self.is_internal());
            if let Some(time) = service_time {
                cluster.stats.rq_time.record(millis(time));
            }
        }
    }

    pub(super) fn is_internal(&self) -> bool {
        self.client.is_some_and(|client| client.internal)
    }

    /// Whether the request is gRPC.
    pub(super) fn is_grpc(&self) -> bool {
        self.form == Form::Grpc
    }

    /// The gateway answers by itself, before a route was found.
    pub(super) fn answered_here(&mut self, details: &'static str) {
        self.origin = Origin::Here;
        self.record.details = Some(Cow::Borrowed(details));
    }

    /// The gateway answers by itself, as a route says.
    pub(super) fn answered_directly(&mut self) {
        self.connection.manager.stats.answered_directly();
        self.log_start();
        self.answered_here("direct_response");
    }

    /// The exchange has gone wrong before its response began; returns what to answer.
    pub(super) fn fail(&mut self, failure: &Failure) -> Reply {
        let complete = self.flow.request_done().is_some();
        let transport = self.record.upstream.transport_failure.as_deref();
        let said = reply::before_response(failure, self.connection.protocol(), complete, transport);
        self.connection.manager.stats.failed(failure, false);
        if let Some(cluster) = &self.cluster {
            if matches!(failure, Failure::ResponseTimeout) {
                cluster.stats.rq_timeout.inc();
            }
            if let Some(status) = said.status.filter(|_| is_of_upstream(failure)) {
                cluster.stats.count(status, self.is_internal());
            }
        }
        if matches!(failure, Failure::RouteNotFound) {
            self.log_start();
        }
        self.note(&said);
        self.origin = Origin::Here;
        said
    }

    /// The last form of the response, if it is the gateway's own.
    pub(super) fn local_reply(&mut self, response: Response, head_only: bool) -> Response {
        if self.origin == Origin::Upstream {
            return response;
        }
        self.up_to(Instant::now());
        let manager = &self.connection.manager;
        let captures = manager.access_log.captures();
        let mut asked = Asked { record: &mut self.record, captures, form: self.form, head_only };
        manager.local_replies.apply(response, &mut asked)
    }

    /// Says in `proxy-status` what went wrong, where that is configured.
    pub(super) fn proxy_status(&self, head: &mut http::response::Parts) {
        if let Some(proxy_status) = &self.connection.manager.proxy_status {
            proxy_status.tell(head, &self.record);
        }
    }

    /// The head of the response as it goes out.
    pub(super) fn response(&mut self, response: &http::response::Parts) {
        self.answered = true;
        self.record.status = Some(response.status.as_u16());
        self.record.times.mark(Point::ResponseBegin, Instant::now());
        let captures = self.connection.manager.access_log.captures();
        captures.response(&mut self.record.captured, response.status, &response.headers);
        if let Some(periodic) = &self.periodic {
            periodic.update(&self.record);
        }
    }

    /// A frame of the response goes out.
    pub(super) fn sent(&mut self, frame: &Frame<Bytes>) {
        self.flow.moved(Instant::now());
        if let Some(data) = frame.data_ref() {
            self.flow.sent(data.len());
        } else if let Some(fields) = frame.trailers_ref() {
            self.connection.manager.access_log.captures().trailers(&mut self.record.captured, fields);
        }
    }

    /// The status of a message that the codec has answered.
    pub(super) fn refused(&mut self, failure: &Failure) {
        self.record.protocol = Some(self.connection.protocol().into());
        self.told = matches!(failure, Failure::HeadersTooLarge(_));
        let said = self.fail(failure);
        self.record.status = said.status.map(|status| status.as_u16());
    }

    /// The exchange is over. Said twice, the first counts.
    pub(super) fn close(&mut self, failure: Option<&Failure>) {
        if std::mem::replace(&mut self.closed, true) {
            return;
        }
        self.periodic = None;
        let now = Instant::now();
        match (failure, self.lease.take()) {
            (None, Some(lease)) if self.flow.request_done().is_some() => lease.finish(),
            // What is left of the request goes nowhere: its connection may never be done with it.
            (None, Some(lease)) => drop(lease),
            (Some(failure), lease) => {
                drop(lease);
                self.broke_off(failure);
            }
            (None, None) => {}
        }
        if failure.is_none() && self.flow.request_done().is_none() && self.answered {
            self.connection.manager.stats.answered_early();
        }
        let took = now.saturating_duration_since(self.flow.start());
        let status = self.record.status.and_then(|status| StatusCode::from_u16(status).ok());
        self.connection.manager.stats.ended(status, millis(took));
        self.connection.activity().ended(took, self.answered || self.told);
        self.log(now);
    }

    fn broke_off(&mut self, failure: &Failure) {
        if !self.answered {
            self.fail(failure);
            return;
        }
        self.connection.manager.stats.failed(failure, true);
        match (failure, &self.cluster) {
            (Failure::ResponseTimeout, Some(cluster)) => cluster.stats.rq_timeout.inc(),
            (Failure::UpstreamReset(_), Some(cluster)) => cluster.stats.cx_protocol_error.inc(),
            _ => {}
        }
        self.note(&reply::after_response(failure, self.connection.protocol()));
    }

    fn note(&mut self, said: &Reply) {
        if let Some(flag) = said.flag {
            self.record.flags.insert(flag);
        }
        self.record.details = Some(said.details.clone());
    }
}

/// Whether the upstream is to blame, so that the answer counts as the cluster's.
fn is_of_upstream(failure: &Failure) -> bool {
    matches!(
        failure,
        Failure::NoHealthyHost
            | Failure::Overflow
            | Failure::ConnectFailed(_)
            | Failure::ConnectTimeout
            | Failure::UpstreamReset(_)
            | Failure::ResponseTimeout
    )
}

fn millis(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}
