//! What is counted of a cluster, under Envoy's names.

use std::sync::OnceLock;
use std::sync::atomic::AtomicU64;

use crate::observe::stats::{Counter, Gauge, Histogram, Scope};

/// `cluster.<name>.*`. Handles are resolved when the cluster is built; counting allocates and formats nothing.
#[derive(Debug)]
pub struct ClusterStats {
    /// Connections open now, counted exactly: the circuit breaker reads it.
    pub connections: AtomicU64,
    /// Exchanges on shared connections now, likewise.
    pub requests: AtomicU64,
    /// Exchanges that wait for a shared connection now, likewise.
    pub pending: AtomicU64,
    /// `upstream_cx_total`
    pub cx_total: Counter,
    /// `upstream_cx_active`
    pub cx_active: Gauge,
    /// `upstream_cx_http1_total`
    pub cx_http1_total: Counter,
    /// `upstream_cx_http2_total`
    pub cx_http2_total: Counter,
    /// `upstream_cx_http3_total`
    pub cx_http3_total: Counter,
    /// `upstream_http3_broken`
    pub http3_broken: Counter,
    /// `upstream_cx_idle_timeout`
    pub cx_idle_timeout: Counter,
    /// `upstream_cx_max_duration_reached`
    pub cx_max_duration_reached: Counter,
    /// `upstream_cx_max_requests`
    pub cx_max_requests: Counter,
    /// `http2.keepalive_timeout`
    pub keepalive_timeout: Counter,
    /// `upstream_cx_connect_fail`
    pub cx_connect_fail: Counter,
    /// `upstream_cx_connect_timeout`
    pub cx_connect_timeout: Counter,
    /// `upstream_cx_connect_ms`
    pub cx_connect_ms: Histogram,
    /// `upstream_cx_length_ms`
    pub cx_length_ms: Histogram,
    /// `upstream_cx_destroy`
    pub cx_destroy: Counter,
    /// `upstream_cx_destroy_with_active_rq`
    pub cx_destroy_with_active_rq: Counter,
    /// `upstream_cx_overflow`
    pub cx_overflow: Counter,
    /// `upstream_cx_protocol_error`
    pub cx_protocol_error: Counter,
    /// `lb_healthy_panic`
    pub healthy_panic: Counter,
    /// `upstream_cx_close_notify`
    pub cx_close_notify: Counter,
    /// `upstream_cx_destroy_local`
    pub cx_destroy_local: Counter,
    /// `upstream_cx_destroy_remote`
    pub cx_destroy_remote: Counter,
    /// `upstream_cx_none_healthy`
    pub none_healthy: Counter,
    /// `upstream_rq_total`
    pub rq_total: Counter,
    /// `upstream_rq_active`
    pub rq_active: Gauge,
    /// `upstream_rq_pending_total`
    pub rq_pending_total: Counter,
    /// `upstream_rq_pending_overflow`
    pub rq_pending_overflow: Counter,
    /// `upstream_rq_pending_failure_eject`
    pub rq_pending_failure_eject: Counter,
    /// `upstream_rq_retry`
    pub rq_retry: Counter,
    /// `upstream_rq_rx_reset`
    pub rq_rx_reset: Counter,
    /// `upstream_rq_timeout`
    pub rq_timeout: Counter,
    /// `upstream_rq_time`
    pub rq_time: Histogram,
    /// `upstream_rq_*` by response code.
    pub codes: CodeCounters,
    /// `external.upstream_rq_*` by response code.
    pub external: CodeCounters,
    /// `internal.upstream_rq_*` by response code.
    pub internal: CodeCounters,
}

impl ClusterStats {
    /// Registers everything under `scope`, which is `cluster.<name>`.
    #[must_use]
    pub fn new(scope: &Scope, hosts: u64) -> Self {
        scope.gauge("membership_total").set(hosts);
        scope.gauge("membership_healthy").set(hosts);
        Self {
            connections: AtomicU64::new(0),
            requests: AtomicU64::new(0),
            pending: AtomicU64::new(0),
            cx_total: scope.counter("upstream_cx_total"),
            cx_active: scope.gauge("upstream_cx_active"),
            cx_http1_total: scope.counter("upstream_cx_http1_total"),
            cx_http2_total: scope.counter("upstream_cx_http2_total"),
            cx_http3_total: scope.counter("upstream_cx_http3_total"),
            http3_broken: scope.counter("upstream_http3_broken"),
            cx_idle_timeout: scope.counter("upstream_cx_idle_timeout"),
            cx_max_duration_reached: scope.counter("upstream_cx_max_duration_reached"),
            cx_max_requests: scope.counter("upstream_cx_max_requests"),
            keepalive_timeout: scope.counter("http2.keepalive_timeout"),
            cx_connect_fail: scope.counter("upstream_cx_connect_fail"),
            cx_connect_timeout: scope.counter("upstream_cx_connect_timeout"),
            cx_connect_ms: scope.histogram("upstream_cx_connect_ms"),
            cx_length_ms: scope.histogram("upstream_cx_length_ms"),
            cx_destroy: scope.counter("upstream_cx_destroy"),
            cx_destroy_with_active_rq: scope.counter("upstream_cx_destroy_with_active_rq"),
            cx_overflow: scope.counter("upstream_cx_overflow"),
            cx_protocol_error: scope.counter("upstream_cx_protocol_error"),
            healthy_panic: scope.counter("lb_healthy_panic"),
            cx_close_notify: scope.counter("upstream_cx_close_notify"),
            cx_destroy_local: scope.counter("upstream_cx_destroy_local"),
            cx_destroy_remote: scope.counter("upstream_cx_destroy_remote"),
            none_healthy: scope.counter("upstream_cx_none_healthy"),
            rq_total: scope.counter("upstream_rq_total"),
            rq_active: scope.gauge("upstream_rq_active"),
            rq_pending_total: scope.counter("upstream_rq_pending_total"),
            rq_pending_overflow: scope.counter("upstream_rq_pending_overflow"),
            rq_pending_failure_eject: scope.counter("upstream_rq_pending_failure_eject"),
            rq_retry: scope.counter("upstream_rq_retry"),
            rq_rx_reset: scope.counter("upstream_rq_rx_reset"),
            rq_timeout: scope.counter("upstream_rq_timeout"),
            rq_time: scope.histogram("upstream_rq_time"),
            codes: CodeCounters::new(scope.clone(), "upstream_rq_"),
            external: CodeCounters::new(scope.scope("external"), "upstream_rq_"),
            internal: CodeCounters::new(scope.scope("internal"), "upstream_rq_"),
        }
    }
}

impl ClusterStats {
    /// Counts a response, or what was answered for want of one, to a client that is one of our own or is not.
    pub fn count(&self, status: http::StatusCode, internal: bool) {
        self.codes.count(status);
        if internal { &self.internal } else { &self.external }.count(status);
    }
}

/// Counters by response code: one a class, and one a code that was ever seen.
#[derive(Debug)]
pub struct CodeCounters {
    scope: Scope,
    prefix: &'static str,
    completed: Counter,
    classes: [Counter; 5],
    codes: Box<[OnceLock<Counter>]>,
}

impl CodeCounters {
    /// `prefix` stands before `2xx`, `200` and `completed`.
    #[must_use]
    pub fn new(scope: Scope, prefix: &'static str) -> Self {
        let completed = scope.counter(&format!("{prefix}completed"));
        let classes = [1, 2, 3, 4, 5].map(|class| scope.counter(&format!("{prefix}{class}xx")));
        let codes = (0..CODES).map(|_| OnceLock::new()).collect();
        Self { scope, prefix, completed, classes, codes }
    }

    /// Counts a response. The first response of a code registers its counter.
    pub fn count(&self, status: http::StatusCode) {
        self.completed.inc();
        let code = usize::from(status.as_u16());
        if let Some(class) = (code / 100).checked_sub(1).and_then(|class| self.classes.get(class)) {
            class.inc();
        }
        if let Some(counter) = code.checked_sub(FIRST_CODE).and_then(|index| self.codes.get(index)) {
            counter.get_or_init(|| self.scope.counter(&format!("{}{code}", self.prefix))).inc();
        }
    }
}

/// The codes that HTTP knows: 100 to 599.
const FIRST_CODE: usize = 100;
const CODES: usize = 500;
