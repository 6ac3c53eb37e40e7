//! Connections that serve many exchanges at a time: HTTP/2 and HTTP/3. And where the handshake agrees on the version: whatever
//! comes of it.
//!
//! `race` tries HTTP/3 beside TCP where a host has announced it. `seat` is the place of an exchange on a connection, `open` how connections come and go, `dial` the way to the host, `client`
//! the two codecs.

mod client;
mod dial;
mod open;
mod race;
mod seat;

use std::sync::Arc;
use std::time::Instant;

use self::client::ClientStream;
use self::seat::{Connection, Seat, Taken};
use super::age::is_used_up;
use super::goal::Goal;
use super::opening::{Fault, Opening};
use super::untrailed::untrailed;
use super::{Attempt, Lease, Pool, exclusive};
use crate::codec::SendError;
use crate::http::{Failure, Protocol, Request, ResetReason, Response};
use crate::upstream::Way;

pub(super) use self::seat::Ticket;

/// The shared connections to one host.
#[derive(Debug, Default)]
pub(super) struct Connections {
    open: Vec<Arc<Connection>>,
    opening: Vec<Arc<Opening>>,
}

impl Connections {
    /// How many streams the host lets be open on a connection, where it has said so.
    fn max_streams(&self, goal: Goal<'_>) -> Option<usize> {
        let like_it = self.open.iter().filter(|connection| connection.is_for(goal));
        like_it.filter_map(|connection| connection.client.max_streams()).max()
    }
}

/// What a request goes out on.
enum Obtained {
    /// A stream of a shared connection.
    Stream(ClientStream, Ticket),
    /// A connection of HTTP/1.
    Own(exclusive::Connection),
}

impl Pool {
    pub(super) async fn send_shared(
        self: &Arc<Self>,
        goal: Goal<'_>,
        mut request: Request,
        attempt: &mut Attempt,
    ) -> Result<(Response, Lease), Failure> {
        let asked = Instant::now();
        // Connections that did nothing for it.
        let mut refused = Vec::new();
        let mut failure = Failure::UpstreamReset(ResetReason::RemoteRefused);
        let mut announced = self.announced(goal, &request);
        for _ in 0..MAX_TURNS {
            let sent = match self.obtain(goal, announced.as_ref(), &refused, attempt).await? {
                Obtained::Stream(stream, ticket) => {
                    attempt.ready(&ticket.connection().known, asked);
                    let id = ticket.connection().id;
                    let lease = Lease::shared(Arc::clone(self), goal.index, goal.host, ticket);
                    match stream.send(request).await {
                        Ok(response) => Ok((response, lease)),
                        Err(SendError::Failed(failure)) => Err(SendError::Failed(lease.failed(failure))),
                        // RFC 9113 §8.7, RFC 9114 §4.1.1: another one may take it.
                        Err(unsent) => {
                            self.cluster.stats.rq_rx_reset.inc();
                            refused.push(id);
                            Err(unsent)
                        }
                    }
                }
                Obtained::Own(connection) => {
                    attempt.ready(connection.known(), asked);
                    failure = Failure::UpstreamReset(ResetReason::ConnectionTermination);
                    self.exchange_own(goal, connection, request).await
                }
            };
            match sent {
                Ok(answered) => {
                    self.learn(goal, attempt.version, &answered.0);
                    return Ok(answered);
                }
                Err(SendError::Unsent(given_back)) => {
                    request = *given_back;
                    // What HTTP/3 gave back goes the way that is there in any case.
                    announced = None;
                }
                Err(SendError::Failed(failure)) => {
                    attempt.broken();
                    return Err(failure);
                }
            }
        }
        Err(failure)
    }

    /// An exchange on a connection of HTTP/1, on which was agreed.
    async fn exchange_own(
        self: &Arc<Self>,
        goal: Goal<'_>,
        connection: exclusive::Connection,
        request: Request,
    ) -> Result<(Response, Lease), SendError> {
        let trailers = matches!(goal.way, Way::Agreed(http1, _) if http1.trailers);
        if trailers {
            return self.exchange(goal, connection, request).await;
        }
        let (response, lease) = self.exchange(goal, connection, request.map(untrailed)).await?;
        Ok((response.map(untrailed), lease))
    }

    /// A stream on a connection that stands, or on a new one; not on one of those that have `refused`.
    async fn obtain_by(
        self: &Arc<Self>,
        goal: Goal<'_>,
        refused: &[u64],
        attempt: &mut Attempt,
        request: &mut Option<Taken>,
    ) -> Result<Obtained, Failure> {
        for _ in 0..MAX_OPENINGS {
            if matches!(goal.way, Way::Agreed(..))
                && let Some(connection) = self.take_idle(goal.index, goal.asked)
            {
                return Ok(Obtained::Own(connection));
            }
            if let Some(obtained) = self.on_standing(goal, refused, request).await? {
                return Ok(obtained);
            }
            let known = self.lock().hosts.get(goal.index).and_then(|host| host.shared.max_streams(goal));
            if known == Some(0) {
                break;
            }
            if let Some(connection) = self.another(goal, attempt).await? {
                return Ok(Obtained::Own(connection));
            }
        }
        // Whatever is opened has no room, or others are faster each time.
        Err(Failure::UpstreamReset(ResetReason::RemoteRefused))
    }

    /// A stream on a connection that stands.
    async fn on_standing(
        &self,
        goal: Goal<'_>,
        refused: &[u64],
        request: &mut Option<Taken>,
    ) -> Result<Option<Obtained>, Failure> {
        let limits = &self.cluster.limits;
        let mut passed_over = 0;
        while let Some(seat) = self.seat(goal, refused, passed_over) {
            if let Some(stream) = seat.stream(limits).await {
                return self.obtained(goal.index, stream, seat, request).map(Some);
            }
            passed_over += 1;
        }
        // None has room at once: one of them may have it soon.
        passed_over = 0;
        while let Some(seat) = self.seat(goal, refused, passed_over) {
            if let Some(stream) = seat.stream_soon(limits).await {
                return self.obtained(goal.index, stream, seat, request).map(Some);
            }
            passed_over += 1;
        }
        Ok(None)
    }

    /// Waits for another connection, under the limit for those who wait. One that is for this exchange alone is returned.
    async fn another(
        self: &Arc<Self>,
        goal: Goal<'_>,
        attempt: &mut Attempt,
    ) -> Result<Option<exclusive::Connection>, Failure> {
        let _pending = self.take_pending()?;
        let _waiting = goal.host.counts.rq_pending_active.hold();
        self.cluster.stats.rq_pending_total.inc();
        let agreed = self.lock().hosts.get(goal.index).and_then(|host| host.agreed);
        let opened = if agreed == Some(Protocol::Http11) {
            // What will serve one at a time is opened by each for itself.
            self.establish(goal).await.map(|own| own.map(exclusive::Connection::taken))
        } else {
            self.opening(goal).wait().await.map(|()| None)
        };
        opened.map_err(|fault| {
            if let Fault::Refused(_, _, words) = &fault {
                attempt.transport_failure = words.as_deref().map(str::to_owned);
            }
            fault.into()
        })
    }

    fn obtained(
        &self,
        host: usize,
        stream: ClientStream,
        seat: Seat,
        request: &mut Option<Taken>,
    ) -> Result<Obtained, Failure> {
        let request = request.take().ok_or(Failure::Overflow)?;
        let ticket = Ticket::new(seat, request);
        let connection = ticket.connection();
        if is_used_up(&self.cluster.limits, &connection.activity) {
            self.cluster.stats.cx_max_requests.inc();
            self.leave(host, connection.id);
        }
        Ok(Obtained::Stream(stream, ticket))
    }

    /// A place on a connection that may take one more exchange, after some that were passed over.
    fn seat(&self, goal: Goal<'_>, refused: &[u64], passed_over: usize) -> Option<Seat> {
        let mut state = self.lock();
        let host = state.hosts.get_mut(goal.index)?;
        host.shared.open.retain(|connection| !connection.client.is_over());
        let max = goal.max_streams();
        let with_room = |connection: &&Arc<Connection>| {
            connection.is_for(goal) && connection.active() < max && !refused.contains(&connection.id)
        };
        host.shared.open.iter().filter(with_room).nth(passed_over).map(Seat::take)
    }

    fn take_request(&self) -> Result<Taken, Failure> {
        let taken = Taken::take(&self.cluster, self.cluster.max_requests, |cluster| &cluster.stats.requests);
        self.or_overflow(taken)
    }

    fn take_pending(&self) -> Result<Taken, Failure> {
        let taken = Taken::take(&self.cluster, self.cluster.max_pending_requests, |cluster| &cluster.stats.pending);
        self.or_overflow(taken)
    }

    fn or_overflow(&self, taken: Option<Taken>) -> Result<Taken, Failure> {
        if taken.is_none() {
            self.cluster.stats.rq_pending_overflow.inc();
        }
        taken.ok_or(Failure::Overflow)
    }
}

/// Connections that may one after the other be found to be leaving before a request is given up.
const MAX_TURNS: usize = 3;

/// Connections that are waited for one after the other.
const MAX_OPENINGS: usize = 8;
