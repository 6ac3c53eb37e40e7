//! How statistics are printed: `/stats` as text and as JSON, `/stats/prometheus`.
//!
//! Each printer takes the [`Store`] and a [`Query`] (what the request asked for) and answers the whole body. Shapes are those
//! of Envoy 1.40. One deliberate difference: histograms show what was recorded up to now, not up to the last flush.

mod json;
mod prometheus;
mod text;

use regex::Regex;

pub use json::json;
pub use prometheus::prometheus;
pub use text::text;

use super::Store;
use super::histogram::{Distribution, Histogram};
use super::store::{Entry, Family};

/// What a reader of statistics asks for: the query parameters of `/stats`.
#[derive(Clone, Debug, Default)]
pub struct Query {
    /// `usedonly`: only what was ever written.
    pub used_only: bool,
    /// `filter`: a regular expression searched in the name.
    pub filter: Option<Regex>,
    /// `invert_filter`: the names that do not match.
    pub invert: bool,
    /// `type`; Prometheus takes no notice of it.
    pub kind: Kind,
    /// `histogram_buckets`.
    pub buckets: Buckets,
}

/// Which metrics are printed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Kind {
    /// Every one.
    #[default]
    All,
    /// Counters only.
    Counters,
    /// Gauges only.
    Gauges,
    /// Histograms only.
    Histograms,
    /// Texts only: there are none yet.
    TextReadouts,
}

/// How a histogram is printed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Buckets {
    /// Quantiles; for Prometheus, when asked for by name, a summary.
    Summary,
    /// The fixed buckets, each with everything at or below it.
    Cumulative,
    /// The fixed buckets, each with its own part.
    Disjoint,
    /// The bins as they are kept, and the quantiles.
    Detailed,
    /// Not asked for: quantiles in text and JSON, cumulative buckets for Prometheus.
    #[default]
    Unspecified,
}

/// A histogram as it is printed: what it held up to now, and in the last interval.
struct Printed<'a> {
    name: &'a str,
    cumulative: Distribution,
    interval: Distribution,
}

// === impl Query ===

impl Query {
    fn wants(&self, name: &str, used: bool) -> bool {
        let named = self.filter.as_ref().is_none_or(|filter| filter.is_match(name) != self.invert);
        named && (used || !self.used_only)
    }

    fn includes(&self, kind: Kind) -> bool {
        self.kind == Kind::All || self.kind == kind
    }
}

// === impl Kind ===

impl Kind {
    /// The kind a `type` parameter names, in Envoy's spelling.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        match name {
            "All" => Some(Self::All),
            "Counters" => Some(Self::Counters),
            "Gauges" => Some(Self::Gauges),
            "Histograms" => Some(Self::Histograms),
            "TextReadouts" => Some(Self::TextReadouts),
            _ => None,
        }
    }
}

// === impl Buckets ===

impl Buckets {
    /// The form a `histogram_buckets` parameter names.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        match name {
            "summary" | "none" => Some(Self::Summary),
            "cumulative" => Some(Self::Cumulative),
            "disjoint" => Some(Self::Disjoint),
            "detailed" => Some(Self::Detailed),
            _ => None,
        }
    }
}

// === impl Printed ===

impl<'a> Printed<'a> {
    fn new(name: &'a str, histogram: &Histogram) -> Self {
        Self { name, cumulative: histogram.cumulative(), interval: histogram.interval() }
    }

    /// Bound, interval, cumulative for each fixed bucket.
    fn buckets(&self, disjoint: bool) -> impl Iterator<Item = (f64, u64, u64)> {
        let mut below = (0, 0);
        BOUNDS.iter().map(move |bound| {
            let at_most = (self.interval.at_most(*bound), self.cumulative.at_most(*bound));
            let own = (at_most.0 - below.0, at_most.1 - below.1);
            below = at_most;
            let (interval, cumulative) = if disjoint { own } else { at_most };
            (*bound, interval, cumulative)
        })
    }

    /// Percentile, its value in the interval, its value up to now.
    fn percentiles(&self) -> impl Iterator<Item = (f64, f64, f64)> {
        let of = |(percentile, quantile): &(f64, f64)| {
            (*percentile, self.interval.quantile(*quantile), self.cumulative.quantile(*quantile))
        };
        PERCENTILES.iter().map(of)
    }
}

/// Counters and gauges together, as they are printed: sorted by name.
fn scalars<'a>(metrics: &'a super::store::Metrics, query: &Query) -> Vec<(&'a str, u64)> {
    let mut scalars = Vec::new();
    if query.includes(Kind::Counters) {
        let wanted = metrics.counters.iter().filter(|(name, entry)| query.wants(name, entry.metric.used()));
        scalars.extend(wanted.map(|(name, entry)| (&**name, entry.metric.value())));
    }
    if query.includes(Kind::Gauges) {
        let wanted = metrics.gauges.iter().filter(|(name, entry)| query.wants(name, entry.metric.used()));
        scalars.extend(wanted.map(|(name, entry)| (&**name, entry.metric.value())));
    }
    scalars.sort_by_key(|(name, _)| *name);
    scalars
}

fn histograms<'a>(
    family: &'a Family<Histogram>,
    query: &'a Query,
) -> impl Iterator<Item = (&'a str, &'a Entry<Histogram>)> {
    let all = family.iter().filter(|_| query.includes(Kind::Histograms));
    let wanted = all.filter(|(name, entry)| query.wants(name, entry.metric.used()));
    wanted.map(|(name, entry)| (&**name, entry))
}

/// Envoy's default upper bounds of buckets.
const BOUNDS: [f64; 19] =
    [0.5, 1.0, 5.0, 10.0, 25.0, 50.0, 100.0, 250.0, 500.0, 1e3, 2.5e3, 5e3, 1e4, 3e4, 6e4, 3e5, 6e5, 1.8e6, 3.6e6];

/// The percentiles Envoy prints, and each as a quantile.
const PERCENTILES: [(f64, f64); 10] = [
    (0.0, 0.0),
    (25.0, 0.25),
    (50.0, 0.5),
    (75.0, 0.75),
    (90.0, 0.9),
    (95.0, 0.95),
    (99.0, 0.99),
    (99.5, 0.995),
    (99.9, 0.999),
    (100.0, 1.0),
];

#[cfg(test)]
mod tests;
