//! The filters of access logs, and of mappers of local replies, as written to those that are asked.

use std::sync::Arc;

use http::{HeaderValue, Method};

use crate::config::proto::envoy::config::accesslog::v3 as proto;
use crate::config::proto::envoy::r#type::v3::fractional_percent::DenominatorType;
use crate::config::{At, Invalid};
use crate::observe::access_log::{
    Captures, Comparator, Comparison, Filter, Flag, GrpcFilter, Head, Pseudo, RequestCondition, RequestFilter, Sample,
};
use crate::router::{HeaderMatch, Request, Target};

/// Builds the filter at `at`; what it reads of the request and the response is noted in `captures`.
///
/// # Errors
/// [`Invalid`] where it cannot be built; all faults are reported.
pub(in crate::hcm) fn filter(
    written: &proto::AccessLogFilter,
    at: At<'_>,
    captures: &mut Captures,
) -> Result<Filter, Invalid> {
    use proto::access_log_filter::FilterSpecifier as Written;
    let Some(specifier) = &written.filter_specifier else {
        return Err(at.error("needs one of the filters, such as `status_code_filter`"));
    };
    Ok(match specifier {
        Written::StatusCodeFilter(status) => {
            Filter::Status(comparison(status.comparison.as_ref(), at.field("status_code_filter"))?)
        }
        Written::DurationFilter(duration) => {
            Filter::Duration(comparison(duration.comparison.as_ref(), at.field("duration_filter"))?)
        }
        Written::NotHealthCheckFilter(_) => Filter::NotHealthCheck,
        Written::RuntimeFilter(share) => Filter::Sampled(sample(share, at.field("runtime_filter"))?),
        Written::AndFilter(all) => Filter::All(several(&all.filters, at.field("and_filter"), captures)?),
        Written::OrFilter(any) => Filter::Any(several(&any.filters, at.field("or_filter"), captures)?),
        Written::HeaderFilter(field) => {
            let at = at.field("header_filter");
            let header = at.required("header", field.header.as_ref())?;
            let condition = HeaderMatch::build(at.field("header"), header)?;
            Filter::Request(RequestFilter::new(Arc::new(Field(condition)), captures))
        }
        Written::ResponseFlagFilter(flags) => Filter::Flags(named(&flags.flags, at.field("response_flag_filter"))?),
        Written::GrpcStatusFilter(grpc) => {
            Filter::Grpc(GrpcFilter::new(grpc.statuses.as_slice().into(), grpc.exclude, captures))
        }
        Written::LogTypeFilter(types) => {
            Filter::LogTypes { types: types.types().map(|kind| kind.as_str_name()).collect(), exclude: types.exclude }
        }
        Written::TraceableFilter(_) => return Err(at.field("traceable_filter").not_implemented()),
        Written::ExtensionFilter(_) => return Err(at.field("extension_filter").not_implemented()),
        Written::MetadataFilter(_) => return Err(at.field("metadata_filter").not_implemented()),
    })
}

fn several(written: &[proto::AccessLogFilter], at: At<'_>, captures: &mut Captures) -> Result<Box<[Filter]>, Invalid> {
    at.each("filters", written, |at, inner| filter(inner, at, captures)).map(Into::into)
}

fn comparison(written: Option<&proto::ComparisonFilter>, at: At<'_>) -> Result<Comparison, Invalid> {
    use proto::comparison_filter::Op;
    let written = at.required("comparison", written)?;
    let at = at.field("comparison");
    let value = at.required("value", written.value.as_ref())?.default_value;
    let operator = match written.op() {
        Op::Eq => Comparator::Eq,
        Op::Ge => Comparator::Ge,
        Op::Le => Comparator::Le,
        Op::Ne => Comparator::Ne,
    };
    Ok(Comparison { operator, value })
}

fn sample(written: &proto::RuntimeFilter, at: At<'_>) -> Result<Sample, Invalid> {
    let Some(share) = &written.percent_sampled else {
        return Err(at.error_with_hint(
            "lets nothing pass: without a runtime it is `percent_sampled` that counts, which is not set",
            "write `percent_sampled: {numerator: 10, denominator: HUNDRED}`",
        ));
    };
    let denominator = match DenominatorType::try_from(share.denominator) {
        Ok(DenominatorType::Hundred) => 100,
        Ok(DenominatorType::TenThousand) => 10_000,
        Ok(DenominatorType::Million) => 1_000_000,
        Err(error) => return Err(at.field("percent_sampled.denominator").error(error)),
    };
    Ok(Sample { numerator: share.numerator, denominator, independent: written.use_independent_randomness })
}

fn named(flags: &[String], at: At<'_>) -> Result<Box<[Flag]>, Invalid> {
    let flag = |at: At<'_>, name: &String| {
        let flag = Flag::ALL.iter().copied().find(|flag| flag.short() == name);
        flag.ok_or_else(|| at.dangling("response flag", name, Flag::ALL.iter().map(|flag| flag.short())))
    };
    at.each("flags", flags, flag).map(Into::into)
}

/// A condition on a field of the request.
#[derive(Debug)]
struct Field(HeaderMatch);

impl RequestCondition for Field {
    fn holds(&self, head: Option<&Head<'_>>) -> bool {
        let Some(head) = head else { return self.0.is_met_by_nothing() };
        let [method, scheme, authority, path] =
            [Pseudo::Method, Pseudo::Scheme, Pseudo::Authority, Pseudo::Path].map(head.pseudo);
        let text =
            |value: &'_ Option<HeaderValue>| value.as_ref().and_then(|value| value.to_str().ok().map(str::to_owned));
        let method = method.and_then(|value| Method::from_bytes(value.as_bytes()).ok()).unwrap_or_default();
        let [scheme, authority, path] = [&scheme, &authority, &path].map(|value| text(value).unwrap_or_default());
        self.0.is_match(&Request {
            method: &method,
            scheme: &scheme,
            forwarded_proto: &scheme,
            authority: &authority,
            target: Target::new(&path),
            headers: head.headers,
            is_internal: false,
        })
    }
}
