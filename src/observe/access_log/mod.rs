//! Access logs: one line for each exchange or connection, in Envoy's format language.
//!
//! When a configuration is built, each `log_format` becomes a [`Format`]; all formats of one place share a [`Captures`], the
//! list of header fields they read, and stand in an [`AccessLog`] with the [`Sink`] each line goes to. While an exchange
//! runs, `hcm` keeps the captured fields ([`Captured`]: references, no copies) and the facts of a [`Record`]; at its end it
//! calls [`AccessLog::log`]. Nothing is captured, formatted or looked up by name when no log asks for it.
//!
//! The language and what each operator prints are those of Envoy 1.40, checked against the release binary.

mod capture;
mod certificate;
mod error;
mod filter;
mod flags;
mod format;
mod grpc;
mod json;
mod operator;
mod record;
mod sink;
mod syntax;
mod time_format;
mod times;
mod value;

pub use capture::{Captured, Captures, Head, Pseudo, RequestCondition, Side};
pub use certificate::{Certificate, Link};
pub use error::{FormatError, Problem};
pub use filter::{Comparison, Filter, GrpcFilter, Operator as Comparator, RequestFilter, Sample};
pub use flags::{Flag, ResponseFlags};
pub use format::{DEFAULT_FORMAT, EmptyValues, Format};
pub use grpc::{GrpcStatus, is_grpc};
pub use record::{CloseType, Connection, LogType, Record, Tls, Upstream};
pub use sink::{OpenError, Sink, Sinks};
pub use times::{Point, Times};

/// The access logs of one place: an HTTP connection manager, a TCP proxy, a listener.
#[derive(Debug, Default)]
pub struct AccessLog {
    captures: Captures,
    loggers: Box<[Logger]>,
}

/// One access log: for which exchanges, in what form, where to.
#[derive(Debug)]
pub struct Logger {
    /// Which exchanges are logged.
    pub filter: Filter,
    /// What a line says.
    pub format: Format,
    /// Where lines go.
    pub sink: Sink,
}

// === impl AccessLog ===

impl AccessLog {
    /// The logs `loggers`, whose formats were all built with `captures`.
    #[must_use]
    pub fn new(captures: Captures, loggers: Vec<Logger>) -> Self {
        Self { captures, loggers: loggers.into_boxed_slice() }
    }

    /// Whether there is nothing to log, so that no record need be kept.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.loggers.is_empty()
    }

    /// The header fields the logs read.
    #[must_use]
    pub fn captures(&self) -> &Captures {
        &self.captures
    }

    /// Writes a line to each log whose filter lets it pass. Never waits: a sink that cannot keep up drops the line and counts it.
    pub fn log(&self, record: &Record) {
        for logger in self.loggers.iter().filter(|logger| logger.filter.passes(record)) {
            let mut line = Vec::with_capacity(LINE_CAPACITY);
            logger.format.write(record, &mut line);
            logger.sink.write(line);
        }
    }
}

/// Bytes a line is given at first; the default format fits.
const LINE_CAPACITY: usize = 384;

#[cfg(test)]
mod tests;
