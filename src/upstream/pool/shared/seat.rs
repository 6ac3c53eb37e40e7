//! A shared connection, and the place of one exchange on it.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use tokio::sync::{oneshot, watch};

use super::client::{Client, ClientStream};
use crate::codec::{Activity, Busy, h2, h3};
use crate::tls::Asked;
use crate::upstream::pool::Known;
use crate::upstream::pool::age::is_used_up;
use crate::upstream::pool::goal::Goal;
use crate::upstream::{Cluster, Limits};

/// A connection, kept by the pool and by the exchanges on it; it is closed with the last of them.
#[derive(Debug)]
pub(super) struct Connection {
    pub(super) id: u64,
    pub(super) client: Client,
    pub(super) known: Known,
    /// What it was opened for: it serves no other.
    pub(super) asked: Arc<Asked>,
    /// Exchanges that have a stream on it.
    pub(super) activity: Arc<Activity>,
    /// Exchanges on it now, and those that wait for a stream.
    active: AtomicUsize,
    /// How many there may be at once, by what was seen: at first one.
    peak: AtomicUsize,
    /// Ends when its place is free.
    pub(super) gone: watch::Receiver<()>,
    /// Dropped with the last handle, by which its work hears that nobody has it any more.
    _held: oneshot::Sender<()>,
}

/// A place of an exchange on a connection, and under the cluster's limit.
#[derive(Debug)]
pub(crate) struct Ticket {
    pub(super) seat: Seat,
    _busy: Busy,
    _request: Taken,
}

/// A place on a connection: taken before the stream is opened, so that no more wait for one than there will be.
#[derive(Debug)]
pub(super) struct Seat(Arc<Connection>);

/// One of a bounded number, given back on drop.
#[derive(Debug)]
pub(super) struct Taken {
    cluster: Arc<Cluster>,
    count: fn(&Cluster) -> &AtomicU64,
}

impl Connection {
    pub(super) fn new(
        id: u64,
        client: Client,
        known: Known,
        asked: &Arc<Asked>,
        (gone, held): (watch::Receiver<()>, oneshot::Sender<()>),
    ) -> Arc<Self> {
        Arc::new(Self {
            id,
            client,
            known,
            asked: Arc::clone(asked),
            activity: Activity::new(Instant::now()),
            active: AtomicUsize::new(0),
            peak: AtomicUsize::new(1),
            gone,
            _held: held,
        })
    }

    /// Whether it may serve who asks for that.
    pub(super) fn is_for(&self, goal: Goal<'_>) -> bool {
        self.asked == *goal.asked && self.known.version == goal.version()
    }

    /// Whether no exchange is on it.
    pub(super) fn is_idle(&self) -> bool {
        self.active() == 0
    }

    /// Exchanges on it, and those that wait for a stream.
    pub(super) fn active(&self) -> usize {
        self.active.load(Ordering::Relaxed)
    }
}

impl Ticket {
    /// For an exchange that has just got a stream.
    pub(super) fn new(seat: Seat, request: Taken) -> Self {
        Self { _busy: seat.0.activity.begin(), seat, _request: request }
    }

    pub(super) fn connection(&self) -> &Arc<Connection> {
        &self.seat.0
    }
}

impl Seat {
    pub(super) fn take(connection: &Arc<Connection>) -> Self {
        connection.active.fetch_add(1, Ordering::Relaxed);
        Self(Arc::clone(connection))
    }

    /// The stream for the exchange, if it can be had at once.
    pub(super) async fn stream(&self, limits: &Limits) -> Option<ClientStream> {
        match &self.0.client {
            Client::Http2(client) => self.stream_of_http2(client, limits).await,
            Client::Http3(_) if is_used_up(limits, &self.0.activity) => None,
            Client::Http3(client) => client.try_open().await.ok().map(|stream| self.taken(stream)),
        }
    }

    /// The stream for the exchange; `None` when there is none to be had soon.
    pub(super) async fn stream_soon(&self, limits: &Limits) -> Option<ClientStream> {
        // What HTTP/2 has no room for has been waited for already.
        let Client::Http3(client) = &self.0.client else { return None };
        let Connection { active, peak, .. } = &*self.0;
        let now = active.load(Ordering::Relaxed);
        if now > peak.load(Ordering::Relaxed) {
            return None;
        }
        // It has had so many before: the upstream is about to let one more begin.
        if let Ok(stream) = tokio::time::timeout(SOON, client.open()).await {
            let stream = stream.filter(|_| !is_used_up(limits, &self.0.activity));
            return stream.map(|stream| self.taken(stream));
        }
        // It was not: those who come next need not wait to see that.
        peak.fetch_min(now.saturating_sub(1), Ordering::Relaxed);
        None
    }

    /// RFC 9113 §5.1.2: no more streams than the upstream lets be open, which it says when the connection begins.
    async fn stream_of_http2(&self, client: &h2::Client, limits: &Limits) -> Option<ClientStream> {
        // Before that is known, one goes ahead.
        let has_room = || self.0.active() <= client.told_max_streams().unwrap_or(1);
        if !has_room() {
            // One that does not say it is as good as one that lets none be open.
            tokio::time::timeout(SOON, client.settled()).await.ok()?;
        }
        if !has_room() || is_used_up(limits, &self.0.activity) {
            return None;
        }
        client.open().map(ClientStream::Http2)
    }

    fn taken(&self, stream: h3::ClientStream) -> ClientStream {
        self.0.peak.fetch_max(self.0.active(), Ordering::Relaxed);
        ClientStream::Http3(Box::new(stream))
    }
}

impl Taken {
    /// One of `max`; `None` when there is none.
    pub(super) fn take(cluster: &Arc<Cluster>, max: u64, count: fn(&Cluster) -> &AtomicU64) -> Option<Self> {
        let add_one = |now: u64| (now < max).then_some(now + 1);
        count(cluster).fetch_update(Ordering::Relaxed, Ordering::Relaxed, add_one).ok()?;
        Some(Self { cluster: Arc::clone(cluster), count })
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        self.0.active.fetch_sub(1, Ordering::Relaxed);
    }
}

impl Drop for Taken {
    fn drop(&mut self) {
        (self.count)(&self.cluster).fetch_sub(1, Ordering::Relaxed);
    }
}

/// How long the upstream may take to let a stream begin in place of one that is over, or to say how many may be open.
const SOON: Duration = Duration::from_millis(500);
