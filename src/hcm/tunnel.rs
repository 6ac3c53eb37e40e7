//! Tunnels through the gateway (RFC 9110 §7.8 and §9.3.6, RFC 8441, RFC 9220), and those that end in it.
//!
//! `forward` leads requests here that ask for one. The content of such a request is what the client says through the tunnel: it
//! stays unread until the upstream has granted it. From then on each direction has its own task and its own pace, and ends on
//! its own; the exchange is over with the second of them.

use std::sync::Arc;

use http::header::{CONNECTION, CONTENT_LENGTH, UPGRADE};
use http::request::Parts;
use http::{HeaderValue, Method, StatusCode};
use tokio::task::JoinHandle;

use super::body::RequestBody;
use super::connection::Connection;
use super::exchange::Exchange;
use super::forward::{received, send_as_it_is};
use crate::http::{AskedTunnel, Body, ConnectProtocol, Failure, Request, ResetReason, Response, Tunnel};
use crate::upstream::{Lease, Pool};

/// Makes a request that asks for an upgrade look as over HTTP/1, whatever it came in: as in Envoy, whatever looks at it sees a GET
/// with these fields.
pub(super) fn as_in_http1(head: &mut Parts, protocol: &ConnectProtocol) {
    if head.method == Method::CONNECT {
        head.method = Method::GET;
    }
    if let Ok(token) = HeaderValue::from_bytes(protocol.as_bytes()) {
        head.headers.insert(UPGRADE, token);
        head.headers.insert(CONNECTION, HeaderValue::from_static("upgrade"));
    }
}

/// Asks the upstream for the tunnel. An answer that does not grant it is one like any other.
pub(super) async fn pass(
    exchange: &mut Exchange,
    pool: &Arc<Pool>,
    request: Request,
    asked: &AskedTunnel,
) -> Result<Response, Failure> {
    let (head, content) = request.into_parts();
    let (mut response, lease) = send_as_it_is(exchange, pool, Request::from_parts(head, Body::Empty)).await?;
    if let Some(tunnel) = response.extensions_mut().remove::<Tunnel>() {
        open(exchange, &mut response, &tunnel, content);
    } else if response.status().is_success() && matches!(asked, AskedTunnel::Upgrade(_)) && exchange.is_multiplexed() {
        // RFC 8441 §5: to this client it would say that the tunnel is open.
        let reason = ResetReason::ProtocolError("upgrade_answered_without_it".to_owned());
        return Err(Failure::UpstreamReset(reason));
    }
    received(exchange, &mut response, lease);
    Ok(response)
}

/// The tunnel ends here: what comes out of it goes to a host of the cluster as it is, and back.
pub(super) async fn end(exchange: &mut Exchange, pool: &Arc<Pool>, request: Request) -> Result<Response, Failure> {
    let (head, content) = request.into_parts();
    let (flow, timeouts) = (exchange.flow(), exchange.timeouts());
    let outcome = tokio::select! {
        biased;
        outcome = pool.connect(&head.headers, exchange.attempt()) => outcome,
        failure = timeouts.due(&flow) => Err(failure),
    };
    let (body, tunnel, lease): (Body, Tunnel, Lease) = outcome?;
    let mut response = Response::new(body);
    open(exchange, &mut response, &tunnel, content);
    exchange.answered_by(lease, StatusCode::OK, None);
    Ok(response)
}

fn open(exchange: &mut Exchange, response: &mut Response, tunnel: &Tunnel, content: Body) {
    // RFC 9110 §8.6: a tunnel has no length.
    response.headers_mut().remove(CONTENT_LENGTH);
    if let Some(uploading) = tunnel.upload(RequestBody::wrap(content, &exchange.flow(), false)) {
        exchange.open_tunnel(uploading);
    }
}

/// The client's side of a tunnel on its way upstream. Dropped before its end, it breaks off.
pub(super) struct Upload(pub(super) JoinHandle<()>);

impl Drop for Upload {
    fn drop(&mut self) {
        self.0.abort();
    }
}

/// A tunnel that may be asked for, as it is counted.
pub(super) struct Upgrade(Arc<Connection>);

impl Upgrade {
    pub(super) fn begin(connection: &Arc<Connection>) -> Self {
        let stats = &connection.manager.stats;
        stats.cx_upgrades_total.inc();
        stats.cx_upgrades_active.inc();
        Self(Arc::clone(connection))
    }
}

impl Drop for Upgrade {
    fn drop(&mut self) {
        self.0.manager.stats.cx_upgrades_active.dec();
    }
}
