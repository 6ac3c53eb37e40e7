//! Tunnels through the gateway (RFC 9110 §7.8 and §9.3.6, RFC 8441, RFC 9220), and those that end in it.
//!
//! `forward` leads requests here that ask for one. The content of such a request is what the client says through the tunnel: it
//! stays unread until the upstream has granted it. From then on each direction has its own task and its own pace, and ends on
//! its own; the exchange is over with the second of them.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use http::header::{CONNECTION, CONTENT_LENGTH, UPGRADE};
use http::request::Parts;
use http::{HeaderMap, HeaderValue, Method, StatusCode};
use tokio::task::JoinHandle;

use super::body::RequestBody;
use super::connection::Connection;
use super::exchange::Exchange;
use super::forward::{Forward, received, send_as_it_is};
use super::sanitize;
use crate::http::{AskedTunnel, Body, Failure, Request, ResetReason, Response, Tunnel};
use crate::router::Action;
use crate::upstream::{Lease, Pool};

/// Whether a request asks for a tunnel.
pub(super) enum Asks {
    Nothing,
    For(AskedTunnel),
    /// For one that the codec does not take for such: nobody grants it.
    InVain,
}

impl Asks {
    pub(super) fn of(head: &Parts) -> Self {
        match AskedTunnel::of(&head.method, &head.extensions) {
            Some(asked) => Self::For(asked),
            None if asks_for_upgrade(&head.headers) => Self::InVain,
            None => Self::Nothing,
        }
    }

    /// Makes a request that asks for an upgrade look as over HTTP/1, whatever it came in: as in Envoy, whatever looks at it sees a
    /// GET with these fields.
    pub(super) fn show(&self, head: &mut Parts) {
        let Self::For(AskedTunnel::Upgrade(protocol)) = self else { return };
        if head.method == Method::CONNECT {
            head.method = Method::GET;
        }
        if let Ok(token) = HeaderValue::from_bytes(protocol.as_bytes()) {
            head.headers.insert(UPGRADE, token);
            head.headers.insert(CONNECTION, HeaderValue::from_static("upgrade"));
        }
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
    exchange.tunnel.is_open = true;
    let Some(uploading) = tunnel.upload(RequestBody::wrap(content, &exchange.flow(), false)) else { return };
    exchange.lasts();
    let task = exchange.worker().drain.spawn("client's side of a tunnel", uploading);
    exchange.tunnel.upload = Some(Upload(task));
}

/// One direction has ended: the exchange lasts until the other has.
pub(super) fn linger(mut exchange: Exchange, mut upload: Upload) {
    let drain = exchange.worker().drain.clone();
    drain.spawn("half of a tunnel", async move {
        let over = exchange.in_time(async { _ = (&mut upload.0).await }).await;
        let failure = over.err().or_else(|| exchange.flow().request_failure());
        exchange.end(failure.as_ref());
    });
}

/// Why the client's side of the tunnel broke off, where it did.
pub(super) fn poll_broken(exchange: &mut Exchange, cx: &mut Context<'_>) -> Poll<Failure> {
    let Some(upload) = &mut exchange.tunnel.upload else { return Poll::Pending };
    let _ = ready!(Pin::new(&mut upload.0).poll(cx));
    exchange.tunnel.upload = None;
    exchange.flow().request_failure().map_or(Poll::Pending, Poll::Ready)
}

/// What an exchange has of a tunnel: nothing, where it is none.
pub(super) struct Opened {
    /// Whether a 2xx says to this client that its tunnel is open.
    by_success: bool,
    is_open: bool,
    /// It is counted as one from when it was allowed.
    upgrade: Option<Upgrade>,
    upload: Option<Upload>,
}

impl Opened {
    /// None yet for this request, as it came.
    pub(super) fn none(head: &Parts) -> Self {
        // RFC 9110 §9.3.6, RFC 8441 §5: in every version, and extended or not. Only the upgrade of HTTP/1 has 101.
        Self { by_success: head.method == Method::CONNECT, is_open: false, upgrade: None, upload: None }
    }

    /// Whether this status would say that a tunnel is open, and there is none.
    pub(super) fn is_pretended_by(&self, status: StatusCode) -> bool {
        !self.is_open && self.by_success && status.is_success()
    }

    /// Whether what a request asks for may be asked for on its route.
    ///
    /// # Errors
    /// [`Failure::Forbidden`], as Envoy, where it is not configured.
    pub(super) fn check(
        &mut self,
        asks: &Asks,
        action: &Action<Forward>,
        connection: &Arc<Connection>,
    ) -> Result<(), Failure> {
        let route = match action {
            Action::Forward(action) => Some(action.attached.upgrades()),
            Action::Redirect(_) | Action::DirectResponse(_) => None,
        };
        match asks {
            Asks::Nothing => return Ok(()),
            Asks::For(asked) if connection.manager.upgrades.allows(route, asked) => {}
            Asks::For(_) | Asks::InVain => return Err(Failure::Forbidden(UPGRADE_FAILED)),
        }
        let stats = &connection.manager.stats;
        stats.cx_upgrades_total.inc();
        stats.cx_upgrades_active.inc();
        self.upgrade = Some(Upgrade(Arc::clone(connection)));
        Ok(())
    }

    /// The client's side, where it still goes on. Who takes it waits for its end.
    pub(super) fn take_upload(&mut self) -> Option<Upload> {
        self.upload.take().filter(|upload| !upload.0.is_finished())
    }
}

/// The client's side of a tunnel on its way upstream. Dropped before its end, it breaks off.
pub(super) struct Upload(JoinHandle<()>);

impl Drop for Upload {
    fn drop(&mut self) {
        self.0.abort();
    }
}

/// One of `downstream_cx_upgrades_active`.
struct Upgrade(Arc<Connection>);

impl Drop for Upgrade {
    fn drop(&mut self) {
        self.0.manager.stats.cx_upgrades_active.dec();
    }
}

/// What Envoy's log says of a request for a tunnel that nobody grants.
pub(super) const UPGRADE_FAILED: &str = "upgrade_failed";

/// Whether the request asks for another protocol (RFC 9110 §7.8). `h2c` is not one: RFC 9113 §3.1 has withdrawn it.
fn asks_for_upgrade(headers: &HeaderMap) -> bool {
    let nominated = headers.get_all(CONNECTION).iter().any(|value| sanitize::has_token(value, "upgrade"));
    nominated && headers.get(UPGRADE).is_some_and(|protocol| !sanitize::has_token(protocol, "h2c"))
}
