//! Which exchanges a log, or a mapper of local replies, is for: Envoy's access log filters.
//!
//! Built by `hcm`, asked once for each exchange when its [`Record`] is complete, or when a reply is made here. What a filter asks
//! of the request was judged while it was there: see [`RequestCondition`].

use std::sync::Arc;
use std::time::Instant;

use http::HeaderName;

use super::capture::{Answer, Captures, Field, RequestCondition, Side, Slot};
use super::flags::Flag;
use super::grpc::GrpcStatus;
use super::record::Record;
use super::times::Point;

/// Which exchanges are meant.
#[derive(Debug, Default)]
pub enum Filter {
    /// Every one.
    #[default]
    Always,
    /// Those with such a status; none counts as 0.
    Status(Comparison),
    /// Those that took so many milliseconds.
    Duration(Comparison),
    /// All but health checks. No filter answers health checks yet, so that is every one.
    NotHealthCheck,
    /// A share of them.
    Sampled(Sample),
    /// Those that meet all of these.
    All(Box<[Filter]>),
    /// Those that meet one of these.
    Any(Box<[Filter]>),
    /// Those whose request meets a condition.
    Request(RequestFilter),
    /// Those with one of these flags; where none is named, with any.
    Flags(Box<[Flag]>),
    /// Those with such a gRPC status.
    Grpc(GrpcFilter),
    /// Lines of these types, by Envoy's names.
    LogTypes {
        /// The types.
        types: Box<[&'static str]>,
        /// Whether those are meant that are of none of these.
        exclude: bool,
    },
}

/// A number to compare with.
#[derive(Clone, Copy, Debug)]
pub struct Comparison {
    /// How.
    pub operator: Operator,
    /// With what.
    pub value: u32,
}

/// How numbers are compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Operator {
    /// Equal.
    Eq,
    /// Greater or equal.
    Ge,
    /// Less or equal.
    Le,
    /// Not equal.
    Ne,
}

/// A share of the exchanges.
#[derive(Clone, Copy, Debug)]
pub struct Sample {
    /// So many
    pub numerator: u32,
    /// of so many.
    pub denominator: u32,
    /// Whether a random number decides, not the request's id, by which all proxies on its way agree.
    pub independent: bool,
}

/// A condition on the request.
#[derive(Debug)]
pub struct RequestFilter(Answer);

/// A set of gRPC statuses.
#[derive(Debug)]
pub struct GrpcFilter {
    trailer: Slot,
    header: Slot,
    statuses: Box<[i32]>,
    exclude: bool,
}

// === impl Filter ===

impl Filter {
    /// Whether the exchange is meant.
    #[must_use]
    pub fn passes(&self, record: &Record) -> bool {
        match self {
            Self::Always | Self::NotHealthCheck => true,
            Self::Status(comparison) => comparison.holds(record.status.unwrap_or(0).into()),
            Self::Duration(comparison) => took(record).is_some_and(|millis| comparison.holds(millis)),
            Self::Sampled(sample) => sample.takes(record),
            Self::All(filters) => filters.iter().all(|filter| filter.passes(record)),
            Self::Any(filters) => filters.iter().any(|filter| filter.passes(record)),
            Self::Request(filter) => record.captured.holds(filter.0),
            Self::Flags(flags) if flags.is_empty() => !record.flags.is_empty(),
            Self::Flags(flags) => flags.iter().any(|flag| record.flags.contains(*flag)),
            Self::Grpc(filter) => filter.holds(record),
            Self::LogTypes { types, exclude } => types.contains(&record.log_type.name()) != *exclude,
        }
    }
}

// === impl Comparison ===

impl Comparison {
    fn holds(self, number: u64) -> bool {
        let value = u64::from(self.value);
        match self.operator {
            Operator::Eq => number == value,
            Operator::Ge => number >= value,
            Operator::Le => number <= value,
            Operator::Ne => number != value,
        }
    }
}

// === impl Sample ===

impl Sample {
    fn takes(self, record: &Record) -> bool {
        let by_id = if self.independent { None } else { number_of(record) };
        let number = by_id.unwrap_or_else(rand::random);
        number % u64::from(self.denominator.max(1)) < u64::from(self.numerator)
    }
}

// === impl RequestFilter ===

impl RequestFilter {
    /// The condition, to be judged with the fields that `captures` reads.
    #[must_use]
    pub fn new(condition: Arc<dyn RequestCondition>, captures: &mut Captures) -> Self {
        Self(captures.ask(condition))
    }
}

// === impl GrpcFilter ===

impl GrpcFilter {
    /// These statuses, or all but these.
    #[must_use]
    pub fn new(statuses: Box<[i32]>, exclude: bool, captures: &mut Captures) -> Self {
        let status = || Field::Named(HeaderName::from_static("grpc-status"));
        let trailer = captures.slot(Side::Trailers, status());
        Self { trailer, header: captures.slot(Side::Response, status()), statuses, exclude }
    }

    /// As Envoy: without a status of its own it is the one that the HTTP status stands for, of any response.
    fn holds(&self, record: &Record) -> bool {
        let value = |slot| record.captured.value(slot).map(GrpcStatus::parse);
        let said = value(self.trailer).or_else(|| value(self.header));
        let status = said.unwrap_or_else(|| GrpcStatus::of_http(record.status.unwrap_or(0)));
        self.statuses.iter().any(|listed| status.number() == i128::from(*listed)) != self.exclude
    }
}

/// How long it took, in milliseconds; until now when it is not over.
fn took(record: &Record) -> Option<u64> {
    let end = record.at(Point::Complete).unwrap_or_else(Instant::now);
    let took = end.saturating_duration_since(record.at(Point::RequestBegin)?);
    Some(u64::try_from(took.as_millis()).unwrap_or(u64::MAX))
}

/// The number that the id of a request stands for: its first eight digits, as Envoy takes them of a UUID.
fn number_of(record: &Record) -> Option<u64> {
    let id = record.stream_id.as_ref()?.to_str().ok()?;
    u64::from_str_radix(id.get(..8)?, 16).ok()
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, SystemTime};

    use http::{HeaderMap, HeaderValue, StatusCode};

    use super::super::capture::Head;
    use super::super::record::LogType;
    use super::*;

    fn record() -> Record {
        Record::new(SystemTime::UNIX_EPOCH, Arc::default())
    }

    #[test]
    fn numbers_are_compared_in_four_ways() {
        let holds = |operator, number| Comparison { operator, value: 500 }.holds(number);
        let of = |operator| [499, 500, 501].map(|number| holds(operator, number));
        assert_eq!(of(Operator::Eq), [false, true, false]);
        assert_eq!(of(Operator::Ge), [false, true, true]);
        assert_eq!(of(Operator::Le), [true, true, false]);
        assert_eq!(of(Operator::Ne), [true, false, true]);
    }

    #[test]
    fn no_status_is_less_than_any() {
        let filter = Filter::Status(Comparison { operator: Operator::Le, value: 100 });
        assert!(filter.passes(&record()));
        assert!(!filter.passes(&Record { status: Some(200), ..record() }));
    }

    #[test]
    fn a_time_is_in_milliseconds() {
        let mut record = record();
        let filter = Filter::Duration(Comparison { operator: Operator::Ge, value: 20 });
        assert!(!filter.passes(&record), "an exchange that never began");
        let began = Instant::now();
        record.times.mark(Point::RequestBegin, began);
        record.times.mark(Point::Complete, began + Duration::from_micros(19_999));
        assert!(!filter.passes(&record));
        record.times.mark(Point::Complete, began + Duration::from_millis(20));
        assert!(filter.passes(&record));
    }

    #[test]
    fn no_flag_named_is_any_flag() {
        let mut flagged = record();
        flagged.flags.insert(Flag::NoRouteFound);
        for (flags, expected) in
            [(vec![], true), (vec![Flag::NoRouteFound], true), (vec![Flag::UpstreamOverflow], false)]
        {
            let filter = Filter::Flags(flags.into());
            assert_eq!((filter.passes(&flagged), filter.passes(&record())), (expected, false), "{filter:?}");
        }
    }

    #[test]
    fn and_is_all_and_or_is_any() {
        let (yes, no) = (|| Filter::Always, || Filter::Flags(Box::default()));
        assert!(!Filter::All([yes(), no()].into()).passes(&record()));
        assert!(Filter::Any([no(), yes()].into()).passes(&record()));
        assert!(!Filter::Any([no(), no()].into()).passes(&record()));
    }

    #[test]
    fn a_share_is_taken_by_the_id_of_the_request() {
        let sample = |numerator| Sample { numerator, denominator: 100, independent: false };
        let stream_id = Some(HeaderValue::from_static("00000032-0000-4000-8000-000000000000"));
        let record = Record { stream_id, ..record() };
        assert!(!Filter::Sampled(sample(50)).passes(&record));
        assert!(Filter::Sampled(sample(51)).passes(&record));
        let drawn = Sample { independent: true, ..sample(0) };
        assert!(!Filter::Sampled(drawn).passes(&record));
    }

    #[test]
    fn a_grpc_status_is_said_or_stands_for_the_one_of_http() {
        let mut captures = Captures::default();
        let filter = Filter::Grpc(GrpcFilter::new([14].into(), false, &mut captures));
        let mut record = Record { status: Some(503), captured: captures.start(), ..record() };
        assert!(filter.passes(&record));
        let said = HeaderMap::from_iter([(HeaderName::from_static("grpc-status"), HeaderValue::from_static("0"))]);
        captures.trailers(&mut record.captured, &said);
        assert!(!filter.passes(&record));
        captures.trailers(&mut record.captured, &HeaderMap::new());
        captures.response(&mut record.captured, StatusCode::OK, &said);
        assert!(!filter.passes(&record));
        let others = Filter::Grpc(GrpcFilter::new([14].into(), true, &mut captures));
        assert!(others.passes(&record));
    }

    #[test]
    fn a_type_of_line_is_named_as_envoy_does() {
        let filter = |exclude| Filter::LogTypes { types: ["DownstreamEnd"].into(), exclude };
        let start = Record { log_type: LogType::DownstreamStart, ..record() };
        assert_eq!([filter(false), filter(true)].map(|filter| filter.passes(&record())), [true, false]);
        assert_eq!([filter(false), filter(true)].map(|filter| filter.passes(&start)), [false, true]);
    }

    #[derive(Debug)]
    struct HasFields;

    impl RequestCondition for HasFields {
        fn holds(&self, head: Option<&Head<'_>>) -> bool {
            head.is_some_and(|head| !head.headers.is_empty())
        }
    }

    #[test]
    fn a_condition_on_the_request_is_judged_while_it_is_there() {
        let mut captures = Captures::default();
        let filter = Filter::Request(RequestFilter::new(Arc::new(HasFields), &mut captures));
        let mut record = Record { captured: captures.start(), ..record() };
        assert!(!filter.passes(&record));
        let some = HeaderMap::from_iter([(HeaderName::from_static("a"), HeaderValue::from_static("b"))]);
        captures.request(&mut record.captured, &some, |_| None);
        assert!(filter.passes(&record));
        captures.request(&mut record.captured, &HeaderMap::new(), |_| None);
        assert!(!filter.passes(&record), "a rewritten request is judged anew");
    }
}
