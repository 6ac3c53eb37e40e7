//! Lines of exchanges that are not over: Envoy's `access_log_options`.
//!
//! One goes out when a request has found its way, and one whenever an interval has passed. The latter come from a task beside
//! the exchange, which has a copy of what is known of it and ends with it.

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use tokio::sync::watch;
use tokio::time::{Instant, MissedTickBehavior, interval_at};

use super::connection::Connection;
use super::timeouts::Flow;
use crate::config::duration;
use crate::config::proto::envoy::extensions::filters::network::http_connection_manager::v3 as proto;
use crate::observe::access_log::{LogType, Point, Record};

/// Which lines there are beside the last one.
#[derive(Clone, Copy, Debug)]
pub(super) struct LogOptions {
    /// Whether a request leaves one when it has found its way.
    pub at_start: bool,
    /// How often an exchange leaves one.
    pub interval: Option<Duration>,
}

impl LogOptions {
    /// What a message asks for.
    pub(super) fn of(written: &proto::HttpConnectionManager) -> Self {
        let options = written.access_log_options.as_ref();
        Self {
            at_start: options.is_some_and(|options| options.flush_access_log_on_new_request),
            interval: options.and_then(|options| options.access_log_flush_interval.as_ref()).map(duration),
        }
    }
}

/// The lines of an exchange while it goes on.
#[derive(Debug)]
pub(super) struct Periodic(watch::Sender<Record>);

impl Periodic {
    /// Begins with what is known now.
    pub(super) fn start(connection: &Arc<Connection>, flow: &Arc<Flow>, record: &Record, interval: Duration) -> Self {
        let (sender, records) = watch::channel(record.clone());
        let lines = lines(Arc::clone(connection), Arc::clone(flow), records, interval);
        connection.worker.drain.spawn("periodic access log", lines);
        Self(sender)
    }

    /// More is known.
    pub(super) fn update(&self, record: &Record) {
        self.0.send_replace(record.clone());
    }
}

async fn lines(connection: Arc<Connection>, flow: Arc<Flow>, mut records: watch::Receiver<Record>, interval: Duration) {
    let mut ticks = interval_at(Instant::now() + interval, interval);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            biased;
            changed = records.changed() => if changed.is_err() {
                return;
            },
            _ = ticks.tick() => {
                let mut record = records.borrow().clone();
                record.log_type = LogType::DownstreamPeriodic;
                record.bytes_received = flow.request_bytes();
                record.bytes_sent = flow.response_bytes();
                record.times.mark(Point::Complete, std::time::Instant::now());
                record.emitted = SystemTime::now();
                connection.manager.access_log.log(&record);
            }
        }
    }
}
