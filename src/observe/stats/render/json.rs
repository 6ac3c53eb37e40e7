//! `/stats?format=json`: counters and gauges as `{"name", "value"}`, then one object with all histograms.

use serde_json::{Number, Value, json};

use super::super::histogram::Bin;
use super::{Buckets, PERCENTILES, Printed, Query, Store, histograms, scalars};

/// The body of `/stats?format=json`.
#[must_use]
pub fn json(store: &Store, query: &Query) -> String {
    let metrics = store.metrics();
    let scalars = scalars(&metrics, query);
    let mut stats: Vec<_> = scalars.into_iter().map(|(name, value)| json!({"name": name, "value": value})).collect();
    let all = histograms(&metrics.histograms, query);
    let printed: Vec<_> = all.map(|(name, entry)| Printed::new(name, &entry.metric)).collect();
    if !printed.is_empty() {
        stats.push(json!({"histograms": all_histograms(&printed, query.buckets)}));
    }
    json!({"stats": stats}).to_string()
}

fn all_histograms(printed: &[Printed<'_>], buckets: Buckets) -> Value {
    let supported = PERCENTILES.map(|(percentile, _)| number(percentile));
    match buckets {
        Buckets::Summary | Buckets::Unspecified => json!({
            "supported_quantiles": supported,
            "computed_quantiles": printed.iter().map(|histogram| json!({
                "name": histogram.name,
                "values": percentiles(histogram),
            })).collect::<Vec<_>>(),
        }),
        Buckets::Cumulative => fixed(printed, false),
        Buckets::Disjoint => fixed(printed, true),
        Buckets::Detailed => json!({
            "supported_percentiles": supported,
            "details": printed.iter().map(|histogram| json!({
                "name": histogram.name,
                "totals": bins(histogram.cumulative.bins()),
                "intervals": bins(histogram.interval.bins()),
                "percentiles": percentiles(histogram),
            })).collect::<Vec<_>>(),
        }),
    }
}

fn fixed(printed: &[Printed<'_>], disjoint: bool) -> Value {
    let bucket = |(bound, interval, cumulative): (f64, u64, u64)| json!({"upper_bound": number(bound), "interval": interval, "cumulative": cumulative});
    let one = |histogram: &Printed<'_>| json!({"name": histogram.name, "buckets": histogram.buckets(disjoint).map(bucket).collect::<Vec<_>>()});
    printed.iter().map(one).collect()
}

fn percentiles(printed: &Printed<'_>) -> Value {
    let one = |(_, interval, cumulative)| json!({"cumulative": number(cumulative), "interval": number(interval)});
    printed.percentiles().map(one).collect()
}

fn bins(bins: &[Bin]) -> Value {
    let one = |bin: &Bin| json!({"lower_bound": bin.lower, "width": number(bin.width), "count": bin.count});
    bins.iter().map(one).collect()
}

/// A whole number without a fraction, as Envoy prints it; null for none.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "only a whole number below 2^53 is cast")]
fn number(value: f64) -> Value {
    if value.fract() == 0.0 && (0.0..9e15).contains(&value) {
        return Value::from(value as u64);
    }
    Number::from_f64(value).map_or(Value::Null, Value::Number)
}
