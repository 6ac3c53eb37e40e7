//! Where metrics are registered and found by name.
//!
//! A [`Store`] holds every metric of the process, a [`Scope`] is a place in its tree of dotted names. Both are used while a
//! configuration is built and when statistics are read; the handles they give are used in between. A metric stays until the
//! process ends. To forget the metrics of a removed cluster, a scope that is dropped would take the range of its prefix out
//! of the three maps, keeping each metric whose handle is still held elsewhere (`Arc::strong_count`).

use std::collections::BTreeMap;
use std::sync::{Arc, OnceLock, PoisonError, RwLock, RwLockReadGuard};

use super::histogram::Histogram;
use super::metric::{Counter, Gauge};
use super::tags::{Tagged, Tags};

/// Every metric of the process.
#[derive(Debug, Default)]
pub struct Store {
    metrics: RwLock<Metrics>,
    tags: OnceLock<Tags>,
}

/// A prefix under which metrics are registered: `cluster.web`.
#[derive(Clone, Debug)]
pub struct Scope {
    store: Arc<Store>,
    prefix: Arc<str>,
}

#[derive(Debug, Default)]
pub(super) struct Metrics {
    pub(super) counters: Family<Counter>,
    pub(super) gauges: Family<Gauge>,
    pub(super) histograms: Family<Histogram>,
}

/// The metrics of one kind, sorted by name as they are printed.
pub(super) type Family<M> = BTreeMap<Box<str>, Entry<M>>;

/// A metric and what its name means as labels, worked out when it is first asked for.
#[derive(Debug, Default)]
pub(super) struct Entry<M> {
    pub(super) metric: M,
    tagged: OnceLock<Tagged>,
}

// === impl Store ===

impl Store {
    /// An empty store.
    #[must_use]
    pub fn new() -> Arc<Self> {
        Arc::default()
    }

    /// The place of all names that begin with `prefix`.
    #[must_use]
    pub fn scope(self: &Arc<Self>, prefix: &str) -> Scope {
        Scope { store: Arc::clone(self), prefix: sanitized(prefix).into() }
    }

    /// Sets every counter to zero, as `/reset_counters` does; gauges and histograms stay.
    pub fn reset_counters(&self) {
        self.metrics().counters.values().for_each(|entry| entry.metric.reset());
    }

    /// Ends the interval of every histogram. Called once per `stats_flush_interval`.
    pub fn latch(&self) {
        self.metrics().histograms.values().for_each(|entry| entry.metric.latch());
    }

    pub(super) fn metrics(&self) -> RwLockReadGuard<'_, Metrics> {
        self.metrics.read().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn tags(&self) -> &Tags {
        self.tags.get_or_init(Tags::envoy)
    }

    fn register<M: Clone + Default>(&self, family: fn(&mut Metrics) -> &mut Family<M>, name: String) -> M {
        let mut metrics = self.metrics.write().unwrap_or_else(PoisonError::into_inner);
        family(&mut metrics).entry(name.into_boxed_str()).or_default().metric.clone()
    }
}

// === impl Scope ===

impl Scope {
    /// The scope `name` below this one.
    #[must_use]
    pub fn scope(&self, name: &str) -> Self {
        Self { store: Arc::clone(&self.store), prefix: self.name(&sanitized(name)).into() }
    }

    /// The counter `name`: the same one each time.
    #[must_use]
    pub fn counter(&self, name: &str) -> Counter {
        self.store.register(|metrics| &mut metrics.counters, self.name(name))
    }

    /// The gauge `name`: the same one each time.
    #[must_use]
    pub fn gauge(&self, name: &str) -> Gauge {
        self.store.register(|metrics| &mut metrics.gauges, self.name(name))
    }

    /// The histogram `name`: the same one each time.
    #[must_use]
    pub fn histogram(&self, name: &str) -> Histogram {
        self.store.register(|metrics| &mut metrics.histograms, self.name(name))
    }

    /// The whole prefix, without a dot at its end.
    #[must_use]
    pub fn prefix(&self) -> &str {
        &self.prefix
    }

    fn name(&self, name: &str) -> String {
        if self.prefix.is_empty() { name.to_owned() } else { format!("{}.{name}", self.prefix) }
    }
}

// === impl Entry ===

impl<M> Entry<M> {
    pub(super) fn tagged(&self, name: &str, tags: &Tags) -> &Tagged {
        self.tagged.get_or_init(|| tags.extract(name))
    }
}

/// As Envoy: a colon in a name given by configuration (an address, a URL) becomes an underscore, a dot at the end is dropped.
fn sanitized(prefix: &str) -> String {
    prefix.trim_end_matches('.').replace("://", "_").replace(":/", "_").replace([':', '\0'], "_")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_name_is_the_same_metric() {
        let store = Store::new();
        let cluster = store.scope("cluster.").scope("web");
        cluster.counter("upstream_rq_total").inc();
        store.scope("cluster.web").counter("upstream_rq_total").add(2);
        assert_eq!(cluster.counter("upstream_rq_total").value(), 3);
        cluster.gauge("upstream_rq_active").set(7);
        assert_eq!(store.scope("").gauge("cluster.web.upstream_rq_active").value(), 7);
    }

    #[test]
    fn a_name_from_configuration_is_sanitised() {
        let store = Store::new();
        assert_eq!(store.scope("listener").scope("127.0.0.1:443").prefix(), "listener.127.0.0.1_443");
        assert_eq!(store.scope("listener.[::1]:443").prefix(), "listener.[__1]_443");
        assert_eq!(store.scope("cluster").scope("https://x").prefix(), "cluster.https_x");
    }

    #[test]
    fn reset_takes_counters_and_leaves_the_rest() {
        let store = Store::new();
        let scope = store.scope("http.in");
        let (counter, gauge, histogram) = (scope.counter("a"), scope.gauge("b"), scope.histogram("c"));
        counter.inc();
        gauge.inc();
        histogram.record(4);
        store.reset_counters();
        assert_eq!((counter.value(), gauge.value(), histogram.cumulative().count()), (0, 1, 1));
    }
}
