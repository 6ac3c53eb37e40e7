//! A record of a connection's packets: a file in the format of qlog for each connection that is sampled.
//!
//! Configured by `quicgate.extensions.quic.qlog.v1.Qlog` in `connection_debug_visitor_config`. quinn writes its events into a
//! [`Trace`], which hands whole records to one thread a listener ([`writer`]): a slow disk delays no connection. What finds that
//! thread's queue full is dropped and counted. A download that is recorded takes a quarter more of the processor; what others
//! take is as without all this (1.52 s a GiB). draft-ietf-quic-qlog-main-schema, JSON text sequences (RFC 7464).

mod trace;
mod writer;

use std::path::{Path, PathBuf};
use std::sync::OnceLock;
use std::time::{Instant, SystemTime, UNIX_EPOCH};

use prost_types::Any;
use quinn::{ConnectionId, QlogConfig, QlogStream};
use rustix::fs::{Access, access};

use self::trace::Trace;
use self::writer::Writer;
use crate::config::proto::envoy::r#type::v3::FractionalPercent;
use crate::config::proto::envoy::r#type::v3::fractional_percent::DenominatorType;
use crate::config::proto::quicgate::extensions::quic::qlog::v1::Qlog as Message;
use crate::config::{At, Invalid};
use crate::observe::stats::{Counter, Scope};

/// The records of a listener's connections.
#[derive(Debug)]
pub(super) struct Qlog {
    directory: PathBuf,
    sampled: Sampled,
    stats: Stats,
    /// Started with the first record.
    writer: OnceLock<Option<Writer>>,
}

/// So many of so many connections.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Sampled {
    of: u32,
    taken: u32,
}

/// `listener.<address>.quic.qlog.*`
#[derive(Clone, Debug)]
struct Stats {
    /// Connections that are recorded.
    traces: Counter,
    /// Parts of records that were dropped: the disk does not keep up, or a record is as large as it may become.
    dropped: Counter,
    /// Parts that the system refused to write.
    failed: Counter,
}

impl Qlog {
    /// Builds it; `at` stands on the `typed_config`, `listener` is the listener's scope.
    ///
    /// # Errors
    /// [`Invalid`] where nothing can be written to the directory.
    pub(super) fn build(any: &Any, at: At<'_>, listener: &Scope) -> Result<Self, Invalid> {
        let message: Message = at.unpack(any)?;
        let directory = PathBuf::from(message.directory);
        writable(&directory).map_err(|fault| at.field("directory").error(fault))?;
        let sampled = message.sampled.map_or(Sampled { of: 1, taken: 1 }, Sampled::new);
        Ok(Self { directory, sampled, stats: Stats::new(listener), writer: OnceLock::new() })
    }

    /// Where quinn writes what happens on a connection, if that is one of those to be recorded.
    pub(super) fn record(&self, id: ConnectionId) -> Option<QlogStream> {
        if !self.sampled.draw() {
            return None;
        }
        let writer = self.writer.get_or_init(|| Writer::start(self.stats.clone())).as_ref()?;
        let path = self.directory.join(file_name(SystemTime::now(), id));
        let mut config = QlogConfig::default();
        config.start_time(Instant::now()).title(Some(format!("{id}"))).writer(Box::new(Trace::new(
            path,
            writer.queue(),
            self.stats.clone(),
        )));
        let stream = config.into_stream()?;
        self.stats.traces.inc();
        Some(stream)
    }
}

impl Sampled {
    fn new(percent: FractionalPercent) -> Self {
        let of = match percent.denominator() {
            DenominatorType::Hundred => 100,
            DenominatorType::TenThousand => 10_000,
            DenominatorType::Million => 1_000_000,
        };
        Self { of, taken: percent.numerator }
    }

    fn draw(self) -> bool {
        self.taken >= self.of || rand::random_range(0..self.of) < self.taken
    }
}

impl Stats {
    fn new(listener: &Scope) -> Self {
        let scope = listener.scope("quic.qlog");
        Self {
            traces: scope.counter("traces"),
            dropped: scope.counter("write_dropped"),
            failed: scope.counter("write_failed"),
        }
    }
}

/// Why nothing can be written to a directory, and what to do about it.
fn writable(directory: &Path) -> Result<(), String> {
    let fault = match std::fs::metadata(directory) {
        Err(error) => format!("{error}; create the directory first"),
        Ok(metadata) if !metadata.is_dir() => "it is no directory; name one".to_owned(),
        Ok(_) => match access(directory, Access::WRITE_OK | Access::EXEC_OK) {
            Ok(()) => return Ok(()),
            Err(error) => format!("{error}; let the user the gateway runs as write there"),
        },
    };
    Err(format!("cannot write records of connections to {}: {fault}", directory.display()))
}

/// The time of the first packet, so that files sort, and the id that the client chose for the connection then: endpoints and
/// tools name a connection by that.
fn file_name(now: SystemTime, id: ConnectionId) -> String {
    let now = now.duration_since(UNIX_EPOCH).unwrap_or_default();
    format!("{}.{:06}-{id}.sqlog", now.as_secs(), now.subsec_micros())
}

#[cfg(test)]
mod tests;
