//! Access logs as configured, and the lines of connections that never carried a request.

mod filter;

use std::borrow::Cow;
use std::sync::Arc;
use std::time::{Instant, SystemTime};

pub(super) use self::filter::filter;
use super::Context;
use crate::config::proto::envoy::config::accesslog::v3 as proto;
use crate::config::proto::envoy::config::core::v3::{SubstitutionFormatString, substitution_format_string};
use crate::config::proto::envoy::extensions::access_loggers::file::v3::{FileAccessLog, file_access_log};
use crate::config::proto::envoy::extensions::access_loggers::stream::v3::{
    StderrAccessLog, StdoutAccessLog, stderr_access_log, stdout_access_log,
};
use crate::config::values::{data_source, json};
use crate::config::{At, Invalid, type_name};
use crate::observe::access_log::{
    AccessLog, Captures, Connection, EmptyValues, Filter, Flag, Format, FormatError, LogType, Logger, Point, Record,
    Sink,
};

/// Builds the access logs of the field `access_log` of the message at `at`.
///
/// # Errors
/// [`Invalid`] where one cannot be built; all faults are reported.
pub fn access_log(written: &[proto::AccessLog], at: At<'_>, context: &Context<'_>) -> Result<AccessLog, Invalid> {
    let mut captures = Captures::default();
    let loggers = loggers(written, at, context, &mut captures);
    Ok(AccessLog::new(captures, loggers?))
}

/// The same, whose formats share `captures` with others.
///
/// # Errors
/// [`Invalid`] where one cannot be built; all faults are reported.
pub(super) fn loggers(
    written: &[proto::AccessLog],
    at: At<'_>,
    context: &Context<'_>,
    captures: &mut Captures,
) -> Result<Vec<Logger>, Invalid> {
    at.each("access_log", written, |at, log| logger(log, at, context, captures))
}

fn logger(
    written: &proto::AccessLog,
    at: At<'_>,
    context: &Context<'_>,
    captures: &mut Captures,
) -> Result<Logger, Invalid> {
    let filter = match &written.filter {
        None => Ok(Filter::Always),
        Some(filter) => filter::filter(filter, at.field("filter"), captures),
    };
    let Some(proto::access_log::ConfigType::TypedConfig(any)) = &written.config_type else {
        return Err(at.error("needs a `typed_config`"));
    };
    let at = at.field("typed_config");
    let (sink, format) = match type_name(&any.type_url) {
        FILE => {
            let file: FileAccessLog = at.unpack(any)?;
            let format = file_format(file.access_log_format.as_ref(), at, captures);
            let sink =
                context.sinks.file(std::path::Path::new(&file.path)).map_err(|error| at.field("path").error(error));
            (sink, format)
        }
        STDOUT => {
            let stream: StdoutAccessLog = at.unpack(any)?;
            let stdout_access_log::AccessLogFormat::LogFormat(format) =
                stream.access_log_format.unwrap_or(stdout_access_log::AccessLogFormat::LogFormat(DEFAULT));
            (
                context.sinks.stdout().map_err(|error| at.error(error)),
                log_format(&format, at.field("log_format"), captures),
            )
        }
        STDERR => {
            let stream: StderrAccessLog = at.unpack(any)?;
            let stderr_access_log::AccessLogFormat::LogFormat(format) =
                stream.access_log_format.unwrap_or(stderr_access_log::AccessLogFormat::LogFormat(DEFAULT));
            (
                context.sinks.stderr().map_err(|error| at.error(error)),
                log_format(&format, at.field("log_format"), captures),
            )
        }
        other => return Err(at.error(format_args!("holds `{other}`, which is no access log"))),
    };
    let (sink, format): (Sink, Format) = (sink?, format?);
    Ok(Logger { filter: filter?, format, sink })
}

fn file_format(
    written: Option<&file_access_log::AccessLogFormat>,
    at: At<'_>,
    captures: &mut Captures,
) -> Result<Format, Invalid> {
    use file_access_log::AccessLogFormat;
    match written {
        None => log_format(&DEFAULT, at, captures),
        Some(AccessLogFormat::LogFormat(format)) => log_format(format, at.field("log_format"), captures),
        Some(AccessLogFormat::Format(text)) => {
            Format::text(text, EmptyValues::Keep, captures).map_err(|error| at.field("format").error(error))
        }
        Some(AccessLogFormat::JsonFormat(_) | AccessLogFormat::TypedJsonFormat(_)) => {
            Err(at.error("write this format as `log_format: {json_format: ...}`"))
        }
    }
}

pub(super) fn log_format(
    written: &SubstitutionFormatString,
    at: At<'_>,
    captures: &mut Captures,
) -> Result<Format, Invalid> {
    use substitution_format_string::Format as Written;
    let empty = if written.omit_empty_values { EmptyValues::Omit } else { EmptyValues::Keep };
    let located = |field: &'static str| move |error: FormatError| at.field(field).error(error);
    match &written.format {
        None => Format::envoy_default(captures).map_err(located("text_format_source")),
        Some(Written::TextFormat(text)) => Format::text(text, empty, captures).map_err(located("text_format")),
        Some(Written::TextFormatSource(source)) => {
            let (text, _) = data_source(source, at.field("text_format_source"))?;
            let text = String::from_utf8_lossy(&text);
            Format::text(&text, empty, captures).map_err(located("text_format_source"))
        }
        Some(Written::JsonFormat(tree)) => Format::json(&json(tree), empty, captures).map_err(located("json_format")),
    }
}

/// How a connection went, for the line of the listener's access log.
#[derive(Debug, Default)]
pub struct ConnectionEnd {
    /// The version that it spoke, once that was known.
    pub protocol: Option<http::Version>,
    /// Why its transport failed, when it never was one.
    pub transport_failure: Option<String>,
    /// Whether no filter chain was for it.
    pub no_filter_chain: bool,
    /// Bytes that came and went, within TLS.
    pub bytes: (u64, u64),
}

/// The account of a connection that began at `began` and is over.
#[must_use]
pub fn connection_record(connection: Arc<Connection>, began: Instant, end: ConnectionEnd) -> Record {
    let now = Instant::now();
    let emitted = SystemTime::now();
    let mut record = Record::new(emitted - now.saturating_duration_since(began), connection);
    record.times.mark(Point::RequestBegin, began);
    record.times.mark(Point::Complete, now);
    record.emitted = emitted;
    record.protocol = end.protocol;
    if end.no_filter_chain {
        record.flags.insert(Flag::NoRouteFound);
        record.details = Some(Cow::Borrowed("filter_chain_not_found"));
    }
    record.transport_failure = end.transport_failure.map(Cow::Owned);
    (record.bytes_received, record.bytes_sent) = end.bytes;
    record.log_type = LogType::NotSet;
    record
}

/// No format of one's own.
const DEFAULT: SubstitutionFormatString = SubstitutionFormatString {
    omit_empty_values: false,
    content_type: String::new(),
    formatters: Vec::new(),
    json_format_options: None,
    format: None,
};
const FILE: &str = "envoy.extensions.access_loggers.file.v3.FileAccessLog";
const STDOUT: &str = "envoy.extensions.access_loggers.stream.v3.StdoutAccessLog";
const STDERR: &str = "envoy.extensions.access_loggers.stream.v3.StderrAccessLog";
