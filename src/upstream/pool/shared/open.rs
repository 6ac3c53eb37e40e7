//! How shared connections come and go.

use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{oneshot, watch};

use super::dial::{Shared, Standing, Undialled};
use super::seat::Connection;
use crate::codec::Activity;
use crate::codec::h2::Ended;
use crate::http::{Failure, Protocol};
use crate::tls::Asked;
use crate::upstream::pool::age::{Over, over};
use crate::upstream::pool::goal::Goal;
use crate::upstream::pool::names::{MAX_NAMES, surplus};
use crate::upstream::pool::opening::{Fault, Opening, Outcome};
use crate::upstream::pool::place::Place;
use crate::upstream::pool::{FAREWELL, Pool, exclusive};
use crate::upstream::{Limits, Way};

impl Pool {
    /// A handshake to wait for: one on its way that has room, or a new one.
    pub(super) fn opening(self: &Arc<Self>, goal: Goal<'_>) -> Arc<Opening> {
        let mut state = self.lock();
        let version = goal.version();
        let Goal { request, address, index, .. } = goal;
        let new = Arc::new(Opening::begin(goal.asked, version));
        if let Some(host) = state.hosts.get_mut(index) {
            // No more wait for a connection than it will take.
            let known = host.shared.max_streams(goal).unwrap_or(usize::MAX).max(1);
            let max = goal.max_streams().min(known).min(self.cluster.limits.max_requests());
            let with_room = |opening: &&Arc<Opening>| opening.is_for(goal.asked, version) && opening.waiting() < max;
            if let Some(opening) = host.shared.opening.iter().find(with_room) {
                return Arc::clone(opening);
            }
            host.shared.opening.push(Arc::clone(&new));
        }
        drop(state);
        // It goes on when the exchange that asked first is given up: others may wait for it by then.
        let (pool, opening) = (Arc::clone(self), Arc::clone(&new));
        let (host, asked) = (Arc::clone(goal.host), Arc::clone(goal.asked));
        self.drain.spawn_service("upstream handshake", async move {
            let versions = &pool.cluster.versions;
            let over_quic = versions.http3().filter(|_| version == Protocol::Http3);
            let way = over_quic.map_or_else(|| versions.of(request), Way::Http3);
            let goal = Goal { request, way, asked: &asked, host: &host, address, index };
            let outcome = match pool.establish(goal).await {
                Ok(own) => {
                    if let Some(connection) = own {
                        pool.give_back(index, connection);
                    }
                    Outcome::Open
                }
                Err(fault) => Outcome::Failed(fault),
            };
            pool.raced(goal, &opening, &outcome);
            if let Some(host) = pool.lock().hosts.get_mut(index) {
                host.shared.opening.retain(|other| !Arc::ptr_eq(other, &opening));
            }
            opening.end(outcome);
        });
        new
    }

    /// Opens a connection under the cluster's limit and `connect_timeout`, and adds it to the pool. One on which HTTP/1 was
    /// agreed is returned.
    pub(super) async fn establish(self: &Arc<Self>, goal: Goal<'_>) -> Result<Option<exclusive::Connection>, Fault> {
        let Goal { asked, host, index, .. } = goal;
        self.make_room(index, Some(asked)).await;
        let place = Place::take(&self.cluster, host, goal.fixed_version()).map_err(|_| Fault::Overflow)?;
        match tokio::time::timeout(self.cluster.connect_timeout, self.dial(goal, &place)).await {
            Ok(Ok(Standing::Shared(shared))) => {
                self.keep(goal, shared, place);
                Ok(None)
            }
            Ok(Ok(Standing::Own(reached))) => {
                let connection = self.begin_http1(reached, goal, place).await.map_err(|_| Fault::Broken)?;
                self.agreed(index, Protocol::Http11);
                Ok(Some(connection))
            }
            Ok(Err(Undialled::Unreached(unreached))) => {
                let fault = Fault::refused(&unreached);
                place.failed(Failure::ConnectFailed(unreached.error));
                Err(fault)
            }
            Ok(Err(Undialled::Broken(ended))) => {
                place.ended(ended == Ended::Here);
                Err(Fault::Broken)
            }
            Err(_) => {
                place.failed(Failure::ConnectTimeout);
                Err(Fault::Timeout)
            }
        }
    }

    /// Keeps a connection for whoever asks for the same, and keeps it going.
    fn keep(self: &Arc<Self>, goal: Goal<'_>, shared: Shared, place: Place) {
        let Shared { client, mut work, known } = shared;
        let (id, index) = (self.number(), goal.index);
        let (told, version) = (client.told_to_go(), known.version);
        let (ends, gone) = watch::channel(());
        let (held, mut left) = oneshot::channel();
        let connection = Connection::new(id, client, known, goal.asked, (gone, held));
        let activity = Arc::clone(&connection.activity);
        self.agreed(index, version);
        self.add(index, connection);
        let pool = Arc::clone(self);
        self.drain.spawn_service("upstream connection", async move {
            let mut told = pin!(told);
            let (stats, limits) = (&pool.cluster.stats, &pool.cluster.limits);
            let (mut was_told, mut is_over, mut wait) = (false, false, Duration::ZERO);
            let ended = loop {
                tokio::select! {
                    biased;
                    ended = &mut work => break ended,
                    // An upstream that does not read may hear of it never.
                    _ = &mut left => break tokio::time::timeout(FAREWELL, &mut work).await.unwrap_or(Ended::Here),
                    () = &mut told, if !was_told => {
                        was_told = true;
                        stats.cx_close_notify.inc();
                        pool.leave(index, id);
                    }
                    over = over_after(wait, limits, &activity), if !is_over && !was_told => {
                        // One that was taken at the last moment is idle no more: its stream is about to be opened.
                        is_over = over == Over::Old || pool.is_unused(index, id);
                        wait = AGAIN;
                        if is_over {
                            over.count(stats);
                            pool.leave(index, id);
                        }
                    }
                }
            };
            match ended {
                Ended::Told if !was_told => stats.cx_close_notify.inc(),
                Ended::Silent => stats.keepalive_timeout.inc(),
                Ended::Here | Ended::Told | Ended::There => {}
            }
            pool.leave(index, id);
            place.ended(matches!(ended, Ended::Here | Ended::Silent));
            drop(ends);
        });
    }

    /// Takes note of what a handshake has agreed on; over QUIC there is no choice.
    fn agreed(&self, host: usize, version: Protocol) {
        if version != Protocol::Http3
            && let Some(host) = self.lock().hosts.get_mut(host)
        {
            host.agreed = Some(version);
        }
    }

    /// Adds a connection. Where requests choose names, those that nobody uses any more are left, the oldest first, when there
    /// are too many names.
    fn add(&self, host: usize, connection: Arc<Connection>) {
        let mut state = self.lock();
        let Some(host) = state.hosts.get_mut(host) else { return };
        host.shared.open.push(connection);
        if !self.cluster.naming.is_by_request() {
            return;
        }
        let idle = host.shared.open.iter().filter(|connection| connection.is_idle());
        let names: Vec<_> = idle.map(|connection| &connection.asked).collect();
        let mut too_many = surplus(names.into_iter(), MAX_NAMES);
        let left: Vec<_> = host
            .shared
            .open
            .extract_if(.., |connection| {
                let leaves = too_many > 0 && connection.is_idle();
                too_many -= usize::from(leaves);
                leaves
            })
            .collect();
        // Dropping the last handle closes a connection, which is not done under the lock.
        drop(state);
        drop(left);
    }

    /// Leaves the oldest connection to the host that nobody uses and that is for other names, and waits until its place is
    /// free.
    pub(in crate::upstream::pool) async fn leave_another(&self, host: usize, asked: Option<&Arc<Asked>>) {
        let other = {
            let mut state = self.lock();
            let Some(host) = state.hosts.get_mut(host) else { return };
            let open = &mut host.shared.open;
            let other = open.iter().position(|connection| Some(&connection.asked) != asked && connection.is_idle());
            other.map(|other| open.remove(other))
        };
        let Some(other) = other else { return };
        let mut gone = other.gone.clone();
        drop(other);
        // An upstream that keeps it open has no more time than one that is connected to.
        drop(tokio::time::timeout(self.cluster.connect_timeout, gone.changed()).await);
    }

    /// A connection takes no more exchanges.
    pub(super) fn leave(&self, host: usize, id: u64) {
        let mut state = self.lock();
        let Some(host) = state.hosts.get_mut(host) else { return };
        let left = host.shared.open.iter().position(|connection| connection.id == id);
        let left = left.map(|index| host.shared.open.swap_remove(index));
        // Dropping the last handle closes the connection, which is not done under the lock.
        drop(state);
        drop(left);
    }

    /// Leaves all connections, and waits until those that nobody uses are over.
    pub(in crate::upstream::pool) async fn leave_all(&self) {
        let left: Vec<_> = self.lock().hosts.iter_mut().flat_map(|host| host.shared.open.drain(..)).collect();
        let gone: Vec<_> =
            left.iter().filter(|connection| connection.is_idle()).map(|left| left.gone.clone()).collect();
        drop(left);
        for mut gone in gone {
            // The sender is dropped then, which is no change.
            let _ = gone.changed().await;
        }
    }

    /// Whether a connection waits for exchanges and has none.
    fn is_unused(&self, host: usize, id: u64) -> bool {
        let state = self.lock();
        let Some(host) = state.hosts.get(host) else { return false };
        host.shared.open.iter().any(|connection| connection.id == id && connection.is_idle())
    }
}

/// The same as [`over`], looked at first after some time.
async fn over_after(wait: Duration, limits: &Limits, activity: &Activity) -> Over {
    tokio::time::sleep(wait).await;
    over(limits, activity).await
}

/// After which a connection that was idle for long enough, and then was taken, is looked at again.
const AGAIN: Duration = Duration::from_secs(1);
