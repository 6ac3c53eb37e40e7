//! `/stats/prometheus`: the text exposition format, names and labels by Envoy's tag rules.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use super::super::metric::{Counter, Gauge};
use super::super::store::{Entry, Family};
use super::text::number;
use super::{Buckets, Kind, PERCENTILES, Printed, Query, Store, histograms};

/// The body of `/stats/prometheus`.
#[must_use]
pub fn prometheus(store: &Store, query: &Query) -> String {
    let query = &Query { kind: Kind::All, ..query.clone() };
    let metrics = store.metrics();
    let mut out = String::new();
    for (family, members) in grouped(store, chosen(&metrics.counters, query, Counter::used)) {
        scalars(&mut out, &family, "counter", members.iter().map(|(labels, counter)| (*labels, counter.value())));
    }
    for (family, members) in grouped(store, chosen(&metrics.gauges, query, Gauge::used)) {
        scalars(&mut out, &family, "gauge", members.iter().map(|(labels, gauge)| (*labels, gauge.value())));
    }
    let summary = query.buckets == Buckets::Summary;
    for (family, members) in grouped(store, histograms(&metrics.histograms, query)) {
        let kind = if summary { "summary" } else { "histogram" };
        let _ = writeln!(out, "# TYPE {family} {kind}");
        for (labels, metric) in members {
            let printed = Printed::new(&family, metric);
            if summary { quantiles(&mut out, labels, &printed) } else { buckets(&mut out, labels, &printed) }
        }
    }
    out
}

fn chosen<'a, M>(
    family: &'a Family<M>,
    query: &'a Query,
    used: fn(&M) -> bool,
) -> impl Iterator<Item = (&'a str, &'a Entry<M>)> {
    let wanted = family.iter().filter(move |(name, entry)| query.wants(name, used(&entry.metric)));
    wanted.map(|(name, entry)| (&**name, entry))
}

/// The metrics by family. Every line of a family must stand together, and Envoy sorts families part by part.
fn grouped<'a, M: 'a>(
    store: &Store,
    metrics: impl Iterator<Item = (&'a str, &'a Entry<M>)>,
) -> impl Iterator<Item = (String, Vec<(&'a str, &'a M)>)> {
    let mut families: BTreeMap<Vec<&str>, Vec<(&str, &M)>> = BTreeMap::new();
    for (name, entry) in metrics {
        let tagged = entry.tagged(name, store.tags());
        let parts = tagged.family.split('.').collect();
        families.entry(parts).or_default().push((&tagged.labels, &entry.metric));
    }
    families.into_iter().map(|(parts, members)| (exposed(&parts.join("_")), members))
}

/// A name Prometheus accepts: `envoy_`, then letters, digits and underscores.
fn exposed(name: &str) -> String {
    let safe = |character: char| if character.is_ascii_alphanumeric() { character } else { '_' };
    "envoy_".chars().chain(name.chars().map(safe)).collect()
}

fn scalars<'a>(out: &mut String, family: &str, kind: &str, members: impl Iterator<Item = (&'a str, u64)>) {
    let _ = writeln!(out, "# TYPE {family} {kind}");
    for (labels, value) in members {
        let _ = writeln!(out, "{family}{{{labels}}} {value}");
    }
}

fn buckets(out: &mut String, labels: &str, printed: &Printed<'_>) {
    let (family, comma) = (printed.name, if labels.is_empty() { "" } else { "," });
    for (bound, _, cumulative) in printed.buckets(false) {
        let _ = writeln!(out, "{family}_bucket{{{labels}{comma}le=\"{bound}\"}} {cumulative}");
    }
    let (count, sum) = (printed.cumulative.count(), printed.cumulative.sum());
    let _ = writeln!(out, "{family}_bucket{{{labels}{comma}le=\"+Inf\"}} {count}");
    let _ = writeln!(out, "{family}_sum{{{labels}}} {sum}");
    let _ = writeln!(out, "{family}_count{{{labels}}} {count}");
}

/// A summary is of the last interval, as in Envoy.
fn quantiles(out: &mut String, labels: &str, printed: &Printed<'_>) {
    let (family, comma) = (printed.name, if labels.is_empty() { "" } else { "," });
    for (_, quantile) in PERCENTILES {
        let value = number(printed.interval.quantile(quantile));
        let _ = writeln!(out, "{family}{{{labels}{comma}quantile=\"{quantile}\"}} {value}");
    }
    let _ = writeln!(out, "{family}_sum{{{labels}}} {}", printed.interval.sum());
    let _ = writeln!(out, "{family}_count{{{labels}}} {}", printed.interval.count());
}
