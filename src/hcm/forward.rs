//! Forwarding: what a route's `route` action carries, and the way of one request to an upstream and back.

use std::sync::Arc;
use std::time::Duration;

use http::header::{EXPECT, HeaderName};
use http::{HeaderValue, StatusCode};
use http_body::Body as _;
use http_body_util::BodyExt as _;

use super::body::RequestBody;
use super::early_data::{EarlyDataPolicy, Way};
use super::exchange::Exchange;
use super::upgrade::RouteUpgrades;
use super::{sanitize, tunnel};
use crate::config::proto::envoy::config::route::v3 as proto;
use crate::config::proto::envoy::config::route::v3::route_action::{
    ClusterNotFoundResponseCode as NotFound, ClusterSpecifier,
};
use crate::config::values::limit;
use crate::config::{At, Invalid};
use crate::http::{AskedTunnel, Failure, Protocol, Request, Response};
use crate::upstream::{ClusterId, Lease, Pool, References};

/// A `route` action as it runs.
#[derive(Clone, Debug)]
pub struct Forward {
    /// Where to; `None` where the cluster does not exist and the table does not mind.
    cluster: Option<ClusterId>,
    cluster_not_found: StatusCode,
    timeout: Option<Duration>,
    expected_timeout: Option<HeaderValue>,
    idle_timeout: IdleTimeout,
    pub(super) early_data: EarlyDataPolicy,
    upgrades: RouteUpgrades,
}

/// The route's `idle_timeout`: absent, it is the connection manager's.
#[derive(Clone, Copy, Debug)]
enum IdleTimeout {
    Inherited,
    Own(Option<Duration>),
}

impl Forward {
    /// Builds the action.
    ///
    /// # Errors
    /// [`Invalid`] where it leads nowhere.
    pub fn build(
        at: At<'_>,
        written: &proto::RouteAction,
        validate: bool,
        clusters: &References,
    ) -> Result<Self, Invalid> {
        let cluster = match &written.cluster_specifier {
            Some(ClusterSpecifier::Cluster(name)) => match clusters.find_if_any(name) {
                None if validate => clusters.find(name, at.field("cluster")).map(Some),
                found => Ok(found),
            },
            Some(_) => Err(at.not_implemented()),
            None => Err(at.error("needs a `cluster`")),
        };
        if validate && written.cluster_not_found_response_code() != NotFound::default() {
            at.field("cluster_not_found_response_code").no_effect(
                "`cluster_not_found_response_code` has no effect: `validate_clusters` lets no cluster be missing",
            );
        }
        let early_data = EarlyDataPolicy::build(written.early_data_policy.as_ref(), at.field("early_data_policy"));
        let upgrades = RouteUpgrades::build(at, &written.upgrade_configs);
        let timeout = limit(written.timeout.as_ref(), Some(ROUTE_TIMEOUT));
        let own_idle = |written| IdleTimeout::Own(limit(Some(written), None));
        Ok(Self {
            cluster: cluster?,
            cluster_not_found: match written.cluster_not_found_response_code() {
                NotFound::ServiceUnavailable => StatusCode::SERVICE_UNAVAILABLE,
                NotFound::NotFound => StatusCode::NOT_FOUND,
                NotFound::InternalServerError => StatusCode::INTERNAL_SERVER_ERROR,
            },
            timeout,
            expected_timeout: timeout.and_then(|timeout| HeaderValue::from_str(&timeout.as_millis().to_string()).ok()),
            idle_timeout: written.idle_timeout.as_ref().map_or(IdleTimeout::Inherited, own_idle),
            early_data: early_data?,
            upgrades: upgrades?,
        })
    }

    /// Which tunnels it is for.
    pub(super) fn upgrades(&self) -> &RouteUpgrades {
        &self.upgrades
    }

    /// Gives a request its last fields.
    fn prepare(&self, mut request: Request, expects: bool) -> Request {
        let headers = request.headers_mut();
        if let Some(timeout) = &self.expected_timeout {
            headers.insert(EXPECTED_TIMEOUT, timeout.clone());
        }
        if !expects {
            // The codec has told the client to go on.
            headers.remove(EXPECT);
        }
        request
    }
}

/// Sends a sanitised request to the route's cluster and brings the response back, its content still to come.
pub(super) async fn forward(
    exchange: &mut Exchange,
    route: &Forward,
    request: Request,
    way: Way,
) -> Result<Response, Failure> {
    let worker = exchange.worker();
    let pool = route.cluster.and_then(|cluster| worker.pools.pool(cluster));
    let pool = pool.ok_or(Failure::ClusterNotFound(route.cluster_not_found))?;
    let cluster = pool.cluster();
    let idle = match route.idle_timeout {
        IdleTimeout::Inherited => exchange.timeouts().idle,
        IdleTimeout::Own(own) => own,
    };
    exchange.routed_to(cluster, route.timeout, idle);
    let early = way.go(exchange).await?;
    // RFC 9110 §10.1.1: what a client of HTTP/1.0 expects is ignored.
    let expects = exchange.expects_of_upstream() && Protocol::from(request.version()) != Protocol::Http10;
    let request = route.prepare(request, expects);
    let asked = AskedTunnel::of_request(&request);
    if route.upgrades.ends_here(asked.as_ref(), request.method()) {
        return tunnel::end(exchange, pool, request).await;
    }
    if let Some(asked) = asked {
        return tunnel::pass(exchange, pool, request, &asked).await;
    }
    let again = early.and_then(|early| early.again(&request));
    let (mut response, mut lease) = send(exchange, pool, request).await?;
    if response.status() == StatusCode::TOO_EARLY
        && let Some(again) = again
    {
        discard(exchange, response, lease).await?;
        let request = again.when_complete(exchange).await?;
        (response, lease) = send(exchange, pool, request).await?;
    }
    received(exchange, &mut response, lease);
    Ok(response)
}

/// A response has come: what it may carry to the client, and who sent it.
pub(super) fn received(exchange: &mut Exchange, response: &mut Response, lease: Lease) {
    sanitize::hop_by_hop(response.headers_mut());
    let service_time = exchange.flow().request_done().map(|done| done.elapsed());
    if let Some(time) = service_time {
        response
            .headers_mut()
            .insert(SERVICE_TIME, HeaderValue::from(u64::try_from(time.as_millis()).unwrap_or(u64::MAX)));
    }
    exchange.answered_by(lease, response.status(), service_time);
}

/// One way to the cluster and back, within the times of the exchange.
async fn send(exchange: &mut Exchange, pool: &Arc<Pool>, request: Request) -> Result<(Response, Lease), Failure> {
    let flow = exchange.flow();
    let trailers = exchange.passes_trailers(pool.cluster().versions.pass_trailers(request.version()));
    let request = request.map(|body| RequestBody::wrap(body, &flow, trailers));
    send_as_it_is(exchange, pool, request).await
}

/// The same with content that nobody looks at.
pub(super) async fn send_as_it_is(
    exchange: &mut Exchange,
    pool: &Arc<Pool>,
    mut request: Request,
) -> Result<(Response, Lease), Failure> {
    let (flow, timeouts) = (exchange.flow(), exchange.timeouts());
    request.extensions_mut().insert(exchange.interims(pool.cluster()));
    let outcome = tokio::select! {
        biased;
        outcome = pool.send(request, exchange.attempt()) => outcome,
        failure = timeouts.due(&flow) => Err(failure),
    };
    outcome.map_err(|failure| exchange.blame(failure))
}

/// Reads a response that nobody wants, if it is short: its connection can serve the next request then.
async fn discard(exchange: &Exchange, response: Response, lease: Lease) -> Result<(), Failure> {
    lease.answered(response.status());
    let mut body = response.into_body();
    if body.size_hint().upper().is_none_or(|length| length > SHORT) {
        return Ok(());
    }
    let rest = async {
        while let Some(frame) = body.frame().await {
            if frame.is_err() {
                return;
            }
        }
        lease.finish();
    };
    exchange.in_time(rest).await
}

pub(super) const SERVICE_TIME: HeaderName = HeaderName::from_static("x-envoy-upstream-service-time");
const EXPECTED_TIMEOUT: HeaderName = HeaderName::from_static("x-envoy-expected-rq-timeout-ms");

/// Envoy's default `timeout` of a route.
const ROUTE_TIMEOUT: Duration = Duration::from_secs(15);

/// Bytes that are worth reading to keep a connection.
const SHORT: u64 = 16 << 10;
