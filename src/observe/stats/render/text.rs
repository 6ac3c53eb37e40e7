//! `/stats`: one line per metric, `name: value`, then the histograms.

use std::fmt::Write as _;

use super::super::histogram::Bin;
use super::{Buckets, Printed, Query, Store, histograms, scalars};

/// The body of `/stats?format=text`.
#[must_use]
pub fn text(store: &Store, query: &Query) -> String {
    let metrics = store.metrics();
    let mut out = String::new();
    for (name, value) in scalars(&metrics, query) {
        line(&mut out, format_args!("{name}: {value}"));
    }
    for (name, entry) in histograms(&metrics.histograms, query) {
        histogram(&mut out, &Printed::new(name, &entry.metric), query.buckets);
    }
    out
}

fn histogram(out: &mut String, printed: &Printed<'_>, buckets: Buckets) {
    let name = printed.name;
    match buckets {
        Buckets::Summary | Buckets::Unspecified => line(out, format_args!("{name}: {}", summary(printed))),
        Buckets::Cumulative => line(out, format_args!("{name}: {}", fixed(printed, false))),
        Buckets::Disjoint => line(out, format_args!("{name}: {}", fixed(printed, true))),
        Buckets::Detailed => {
            line(out, format_args!("{name}:"));
            line(out, format_args!("  totals={}", bins(printed.cumulative.bins())));
            line(out, format_args!("  intervals={}", bins(printed.interval.bins())));
            line(out, format_args!("  summary={}", summary(printed)));
        }
    }
}

fn summary(printed: &Printed<'_>) -> String {
    if printed.cumulative.bins().is_empty() {
        return "No recorded values".to_owned();
    }
    let one =
        |(percentile, interval, cumulative)| format!("P{percentile}({},{})", number(interval), number(cumulative));
    printed.percentiles().map(one).collect::<Vec<_>>().join(" ")
}

fn fixed(printed: &Printed<'_>, disjoint: bool) -> String {
    let one = |(bound, interval, cumulative)| format!("B{}({interval},{cumulative})", short(bound));
    printed.buckets(disjoint).map(one).collect::<Vec<_>>().join(" ")
}

fn bins(bins: &[Bin]) -> String {
    let one = |bin: &Bin| format!("{},{}:{}", bin.lower, bin.width, bin.count);
    bins.iter().map(one).collect::<Vec<_>>().join(", ")
}

fn line(out: &mut String, text: std::fmt::Arguments<'_>) {
    // Writing into a string does not fail.
    let _ = writeln!(out, "{text}");
}

/// A value as Envoy prints it: the shortest digits that say it exactly, `nan` for none.
pub(super) fn number(value: f64) -> String {
    if value.is_nan() { "nan".to_owned() } else { value.to_string() }
}

/// A bound as Envoy prints it in text: with an exponent from a million on (`1.8e+06`).
fn short(bound: f64) -> String {
    if bound >= 1e6 { format!("{}e+06", bound / 1e6) } else { bound.to_string() }
}
