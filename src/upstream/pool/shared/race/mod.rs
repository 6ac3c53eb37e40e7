//! HTTP/3 beside TCP, where a host has announced it by `alt-svc`: Envoy's connectivity grid.
//!
//! A connection of HTTP/3 that stands serves. Else QUIC is dialled, and after a head start, or as soon as it fails, TCP is asked as
//! well: who stands first serves, and a connection that stands later is kept for the next request. Where QUIC failed and TCP
//! served, HTTP/3 is broken and left alone for a time; where both failed it is the host that is down.

use std::sync::Arc;
use std::time::{Duration, Instant};

use http::{StatusCode, Version};

use super::Obtained;
use crate::http::{AskedTunnel, Failure, Request, Response};
use crate::upstream::pool::goal::Goal;
use crate::upstream::pool::opening::{Fault, Opening, Outcome};
use crate::upstream::pool::{Attempt, Pool};
use crate::upstream::{Announced, Origin, Trust, Way};

/// The way that a host has announced.
pub(super) struct Beside<'a> {
    goal: Goal<'a>,
    announced: Arc<Announced>,
    /// How long TCP waits for a new connection; `None` where there is to be none.
    head_start: Option<Duration>,
}

impl Pool {
    /// What is announced for a request, where it is worth a try.
    pub(super) fn announced<'a>(&'a self, goal: Goal<'a>, request: &Request) -> Option<Beside<'a>> {
        let versions = &self.cluster.versions;
        let (alternatives, http3) = (versions.alternatives()?, versions.http3()?);
        // A request that was refused a tunnel is not sent again, and hosts that grant them over TCP need not over HTTP/3.
        if AskedTunnel::of_request(request).is_some() {
            return None;
        }
        let now = Instant::now();
        let announced = alternatives.find(&origin(goal), now)?;
        let head_start = match announced.health.trust(now) {
            Trust::Good => Some(HEAD_START),
            Trust::Doubtful => Some(Duration::ZERO),
            // It may have been another worker's, where this one has a connection that works.
            Trust::Broken => None,
        };
        let mut goal = Goal { way: Way::Http3(http3), ..goal };
        goal.address.set_port(announced.port);
        Some(Beside { goal, announced, head_start })
    }

    /// What a request goes out on, by the way that was announced or by the other; not on one of those that have `refused`.
    pub(super) async fn obtain(
        self: &Arc<Self>,
        goal: Goal<'_>,
        beside: Option<&Beside<'_>>,
        refused: &[u64],
        attempt: &mut Attempt,
    ) -> Result<Obtained, Failure> {
        let mut request = Some(self.take_request()?);
        let Some(beside) = beside else { return self.obtain_by(goal, refused, attempt, &mut request).await };
        if let Some(obtained) = self.on_standing(beside.goal, refused, &mut request).await? {
            return Ok(obtained);
        }
        let Some(head_start) = beside.head_start else {
            return self.obtain_by(goal, refused, attempt, &mut request).await;
        };
        let opening = self.opening(beside.goal);
        let mut stands = self.has_head_start(head_start, goal, &opening).await?;
        if stands && let Some(obtained) = self.on_standing(beside.goal, refused, &mut request).await? {
            return Ok(obtained);
        }
        let by_tcp = tokio::select! {
            biased;
            Ok(()) = opening.wait(), if !stands => None,
            by_tcp = self.obtain_by(goal, refused, attempt, &mut request) => Some(by_tcp),
        };
        match by_tcp {
            Some(Ok(obtained)) => {
                if opening.tcp_served() {
                    self.broken(&beside.announced);
                }
                return Ok(obtained);
            }
            // QUIC may yet stand where TCP does not.
            Some(Err(failure)) => {
                stands = !stands && opening.wait().await.is_ok();
                if !stands {
                    return Err(failure);
                }
            }
            None => {}
        }
        match self.on_standing(beside.goal, refused, &mut request).await? {
            Some(obtained) => Ok(obtained),
            // It had no room for this one.
            None => self.obtain_by(goal, refused, attempt, &mut request).await,
        }
    }

    /// Waits for QUIC, under the limit for those who wait, as long as it may be waited for alone. Whether it stands.
    async fn has_head_start(&self, time: Duration, goal: Goal<'_>, opening: &Opening) -> Result<bool, Failure> {
        let _pending = self.take_pending()?;
        let _waiting = goal.host.counts.rq_pending_active.hold();
        self.cluster.stats.rq_pending_total.inc();
        // Of the handshake, not of each request: where nothing answers, only those that came first have waited.
        let until = tokio::time::Instant::from_std(opening.began() + time);
        Ok(matches!(tokio::time::timeout_at(until, opening.wait()).await, Ok(Ok(()))))
    }

    /// Takes note of how a handshake ended, where it was over QUIC beside TCP.
    pub(super) fn raced(&self, goal: Goal<'_>, opening: &Opening, outcome: &Outcome) {
        let (Some(alternatives), Way::Http3(_)) = (self.cluster.versions.alternatives(), goal.way) else { return };
        let Some(announced) = alternatives.find(&origin(goal), Instant::now()) else { return };
        match outcome {
            Outcome::Open => announced.health.works(),
            // That says nothing of the host.
            Outcome::Pending | Outcome::Failed(Fault::Overflow) => {}
            Outcome::Failed(_) => {
                if opening.quic_failed() {
                    self.broken(&announced);
                }
            }
        }
    }

    /// Takes note of what a response of this version announces.
    pub(super) fn learn(&self, goal: Goal<'_>, version: Option<Version>, response: &Response) {
        let Some(alternatives) = self.cluster.versions.alternatives() else { return };
        let origin = origin(goal);
        if response.status() == StatusCode::MISDIRECTED_REQUEST && version == Some(Version::HTTP_3) {
            alternatives.misdirected(&origin);
            return;
        }
        alternatives.learn(&origin, response.headers(), Instant::now());
    }

    fn broken(&self, announced: &Announced) {
        if announced.health.failed(Instant::now(), rand::random()) {
            self.cluster.stats.http3_broken.inc();
        }
    }
}

/// Whom the goal speaks for, whatever way it goes.
fn origin(goal: Goal<'_>) -> Origin {
    Origin::of(goal.asked, goal.host.address)
}

/// Envoy's head start of QUIC.
const HEAD_START: Duration = Duration::from_millis(300);

#[cfg(test)]
mod tests;
