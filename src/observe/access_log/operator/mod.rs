//! The operators: what stands between two percent signs, compiled.
//!
//! `plain` holds those that read one fact of the record, the others here take an argument. Compiling resolves names, header
//! fields, the environment and the host's name once; answering looks nothing up.

mod certificate;
mod elsewhere;
mod header;
mod plain;
mod request;

use std::ffi::OsString;
use std::time::{Duration, Instant, SystemTime};

use jiff::tz::TimeZone;

use self::elsewhere::ELSEWHERE;
use self::header::Header;
use self::request::{Path, QueryParam, ServerName};
use super::capture::{Captures, Field, Side, Slot};
use super::certificate::Certificate;
use super::error::{FormatError, Problem, near};
use super::grpc::{GrpcStatus, Spelling, is_grpc};
use super::record::Record;
use super::syntax::Command;
use super::time_format::{LOCAL_DEFAULT, TimeFormat, UTC_DEFAULT};
use super::times::Point;
use super::value::Value;

/// A compiled operator.
#[derive(Clone, Debug)]
pub(super) enum Operator {
    /// A fact of the record.
    Plain(fn(&Record) -> Value<'_>),
    /// Known when the format was built: the environment, the host's name.
    Constant(Box<[u8]>),
    /// A header field.
    Header(Header),
    /// A moment by the wall clock.
    Time { of: fn(&Record) -> SystemTime, format: TimeFormat },
    /// A moment in the life of the client's certificate.
    CertificateTime { of: fn(&Certificate) -> SystemTime, format: TimeFormat },
    /// The time from one moment to another.
    Between { from: Point, to: Point, unit: Unit },
    /// `%RESPONSE_CODE_DETAILS%`
    Details { keep_spaces: bool },
    /// `%GRPC_STATUS%`
    Grpc { content_type: Slot, trailer: Slot, header: Slot, spelling: Spelling },
    /// `%PATH%`
    Path(Path),
    /// `%QUERY_PARAM%`
    QueryParam(QueryParam),
    /// `%QUERY_PARAMS%`
    QueryString(Slot, Option<usize>),
    /// `%REQUESTED_SERVER_NAME%`
    ServerName(ServerName),
}

/// The precision of a duration.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Unit {
    Milliseconds,
    Microseconds,
    Nanoseconds,
}

// === impl Operator ===

impl Operator {
    /// Compiles `command`, noting in `captures` the header fields it reads.
    pub(super) fn compile(command: &Command<'_>, captures: &mut Captures) -> Result<Self, FormatError> {
        Self::resolve(command, captures).map_err(|problem| FormatError::new(command.position, problem))
    }

    fn resolve(command: &Command<'_>, captures: &mut Captures) -> Result<Self, Problem> {
        if let Some(operator) = plain::operator(command.name, captures).or_else(|| certificate::operator(command.name))
        {
            return command.bare().map(|()| operator);
        }
        match command.name {
            "REQ" | "REQUEST_HEADER" => Header::compile(command, Side::Request, captures).map(Self::Header),
            "RESP" | "RESPONSE_HEADER" => Header::compile(command, Side::Response, captures).map(Self::Header),
            "TRAILER" | "RESPONSE_TRAILER" => Header::compile(command, Side::Trailers, captures).map(Self::Header),
            "REQ_WITHOUT_QUERY" => {
                Header::compile(command, Side::Request, captures).map(Header::without_query).map(Self::Header)
            }
            "START_TIME" => time(command, |record| record.start, false),
            "START_TIME_LOCAL" => time(command, |record| record.start, true),
            "EMIT_TIME" => time(command, |record| record.emitted, false),
            "EMIT_TIME_LOCAL" => time(command, |record| record.emitted, true),
            "DOWNSTREAM_PEER_CERT_V_START" => certificate::time(command, |peer| peer.valid_from),
            "DOWNSTREAM_PEER_CERT_V_END" => certificate::time(command, |peer| peer.expires),
            "COMMON_DURATION" => duration(command),
            "RESPONSE_CODE_DETAILS" => {
                command.unlimited()?;
                Ok(Self::Details { keep_spaces: command.argument == Some("ALLOW_WHITESPACES") })
            }
            "GRPC_STATUS" => grpc(command, captures),
            "GRPC_STATUS_NUMBER" => command.bare().map(|()| grpc_operator(Spelling::Number, captures)),
            "ENVIRONMENT" => environment(command),
            "PATH" => Path::compile(command, captures).map(Self::Path),
            "QUERY_PARAM" => QueryParam::compile(command, captures).map(Self::QueryParam),
            "QUERY_PARAMS" => request::query_string(command, captures),
            "REQUESTED_SERVER_NAME" => ServerName::compile(command, captures).map(Self::ServerName),
            name => Err(unknown(name)),
        }
    }

    /// What the operator says of `record`.
    pub(super) fn answer<'a>(&'a self, record: &'a Record) -> Value<'a> {
        match self {
            Self::Plain(fact) => fact(record),
            Self::Constant(text) => Value::Bytes(text),
            Self::Header(header) => header.answer(&record.captured),
            Self::Time { of, format } => Value::Time(format, of(record)),
            Self::CertificateTime { of, format } => {
                certificate::peer(record).map_or(Value::Absent, |peer| Value::Time(format, of(peer)))
            }
            Self::Between { from, to, unit } => unit.value(record.at(*from), record.at(*to)),
            Self::Details { keep_spaces } => match record.details.as_ref() {
                None => Value::Absent,
                Some(details) if *keep_spaces || !has_space(details) => Value::text(Some(details)),
                Some(details) => Value::Owned(underscored(details).into_bytes()),
            },
            Self::Grpc { content_type, trailer, header, spelling } => {
                let value = |slot: &Slot| record.captured.value(*slot);
                if !value(content_type).is_some_and(is_grpc) {
                    return Value::Absent;
                }
                let said = value(trailer).or_else(|| value(header)).map(GrpcStatus::parse);
                match said.or_else(|| record.status.map(GrpcStatus::of_http)) {
                    None => Value::Absent,
                    Some(status) => spell(status, *spelling),
                }
            }
            Self::Path(path) => path.answer(&record.captured),
            Self::QueryParam(param) => param.answer(&record.captured),
            Self::QueryString(path, limit) => request::query(&record.captured, *path).cut(*limit),
            Self::ServerName(name) => name.answer(record),
        }
    }
}

// === impl Command ===

impl Command<'_> {
    /// An operator that takes neither an argument nor a length.
    fn bare(&self) -> Result<(), Problem> {
        if self.argument.is_some() || self.length.is_some() {
            return Err(Problem::ArgumentNotTaken { operator: self.name.to_owned() });
        }
        Ok(())
    }

    /// An operator that takes no length.
    fn unlimited(&self) -> Result<(), Problem> {
        match self.length {
            None => Ok(()),
            Some(_) => Err(Problem::LengthNotTaken { operator: self.name.to_owned() }),
        }
    }

    /// The argument of an operator that needs one.
    fn needed(&self, expected: &'static str) -> Result<&str, Problem> {
        let missing = || Problem::ArgumentMissing { operator: self.name.to_owned(), expected };
        self.argument.ok_or_else(missing)
    }

    fn bad(&self, argument: &str, expected: &'static str) -> Problem {
        Problem::BadArgument { operator: self.name.to_owned(), argument: argument.to_owned(), expected }
    }
}

// === impl Unit ===

impl Unit {
    /// The time between two moments, cut to whole units; none where one is missing or the second came first.
    fn value(self, from: Option<Instant>, to: Option<Instant>) -> Value<'static> {
        let between = from.zip(to).and_then(|(from, to)| to.checked_duration_since(from));
        between.map_or(Value::Absent, |between| Value::Number(self.whole(between)))
    }

    fn whole(self, duration: Duration) -> i128 {
        let units = match self {
            Self::Milliseconds => duration.as_millis(),
            Self::Microseconds => duration.as_micros(),
            Self::Nanoseconds => duration.as_nanos(),
        };
        i128::try_from(units).unwrap_or(i128::MAX)
    }
}

fn time(command: &Command<'_>, of: fn(&Record) -> SystemTime, local: bool) -> Result<Operator, Problem> {
    command.unlimited()?;
    let zone = if local { TimeZone::system() } else { TimeZone::UTC };
    let pattern = command.argument.unwrap_or(if local { LOCAL_DEFAULT } else { UTC_DEFAULT });
    let format = TimeFormat::parse(pattern, zone);
    let format = format.map_err(|_| command.bad(pattern, "a time format has strftime specifiers, %s and %3f"))?;
    Ok(Operator::Time { of, format })
}

fn duration(command: &Command<'_>) -> Result<Operator, Problem> {
    const EXPECTED: &str = "START:END:PRECISION, as DS_RX_BEG:DS_TX_END:us; a point is one of DS_CX_BEG DS_CX_END DS_HS_BEG \
        DS_HS_END DS_RX_BEG DS_RX_HDR_END DS_RX_END US_CX_BEG US_CX_END US_HS_END US_TX_BEG US_TX_END US_RX_BEG \
        US_RX_BODY_BEG US_RX_END DS_TX_BEG DS_TX_END, a precision ms, us or ns";
    command.unlimited()?;
    let argument = command.needed(EXPECTED)?;
    let bad = || command.bad(argument, EXPECTED);
    let (from, to, unit) = match argument.split(':').collect::<Vec<_>>().as_slice() {
        [from, to] | [from, to, "ms"] => (*from, *to, Unit::Milliseconds),
        [from, to, "us"] => (*from, *to, Unit::Microseconds),
        [from, to, "ns"] => (*from, *to, Unit::Nanoseconds),
        _ => return Err(bad()),
    };
    let point = |name| Point::named(name).ok_or_else(bad);
    Ok(Operator::Between { from: point(from)?, to: point(to)?, unit })
}

fn grpc(command: &Command<'_>, captures: &mut Captures) -> Result<Operator, Problem> {
    command.unlimited()?;
    let spelling = match command.argument {
        None | Some("CAMEL_STRING") => Spelling::Camel,
        Some("SNAKE_STRING") => Spelling::Snake,
        Some("NUMBER") => Spelling::Number,
        Some(other) => return Err(command.bad(other, "it is CAMEL_STRING, SNAKE_STRING or NUMBER")),
    };
    Ok(grpc_operator(spelling, captures))
}

fn grpc_operator(spelling: Spelling, captures: &mut Captures) -> Operator {
    let status = || Field::Named(http::HeaderName::from_static("grpc-status"));
    Operator::Grpc {
        content_type: captures.slot(Side::Request, Field::Named(http::header::CONTENT_TYPE)),
        trailer: captures.slot(Side::Trailers, status()),
        header: captures.slot(Side::Response, status()),
        spelling,
    }
}

fn spell(status: GrpcStatus, spelling: Spelling) -> Value<'static> {
    match (status.name(spelling), spelling) {
        (Some(name), _) => Value::text(Some(name)),
        (None, Spelling::Number) => Value::number(status.number()),
        (None, _) => Value::Owned(status.number().to_string().into_bytes()),
    }
}

/// The environment is that of the start; a variable that is not set reads `-`, in JSON too.
fn environment(command: &Command<'_>) -> Result<Operator, Problem> {
    let name = command.needed("the name of an environment variable")?;
    let value = std::env::var_os(name).map_or_else(|| b"-".to_vec(), OsString::into_encoded_bytes);
    let kept = command.length.and_then(|limit| value.get(..limit)).unwrap_or(&value);
    Ok(Operator::Constant(kept.into()))
}

fn unknown(name: &str) -> Problem {
    let operator = name.to_owned();
    if ELSEWHERE.contains(&name) {
        return Problem::NotImplemented { operator };
    }
    let names = plain::names().chain(certificate::names()).chain(WITH_ARGUMENT.iter().copied());
    Problem::UnknownOperator { near: near(name, names), operator }
}

fn has_space(text: &str) -> bool {
    text.bytes().any(|byte| byte.is_ascii_whitespace())
}

fn underscored(text: &str) -> String {
    text.replace(|letter: char| letter.is_ascii_whitespace(), "_")
}

/// The operators compiled above.
const WITH_ARGUMENT: &[&str] = &[
    "DOWNSTREAM_PEER_CERT_V_START",
    "DOWNSTREAM_PEER_CERT_V_END",
    "REQ",
    "REQUEST_HEADER",
    "RESP",
    "RESPONSE_HEADER",
    "TRAILER",
    "RESPONSE_TRAILER",
    "REQ_WITHOUT_QUERY",
    "START_TIME",
    "START_TIME_LOCAL",
    "EMIT_TIME",
    "EMIT_TIME_LOCAL",
    "COMMON_DURATION",
    "RESPONSE_CODE_DETAILS",
    "GRPC_STATUS",
    "GRPC_STATUS_NUMBER",
    "ENVIRONMENT",
    "PATH",
    "QUERY_PARAM",
    "QUERY_PARAMS",
    "REQUESTED_SERVER_NAME",
];

#[cfg(test)]
mod tests;
