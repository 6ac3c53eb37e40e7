//! What is counted of a connection manager and its listener, under Envoy's names.

use http::StatusCode;

use super::target::NOT_NORMALIZED;
use crate::http::{Failure, Protocol};
use crate::observe::stats::{Counter, Gauge, Histogram, Scope};

/// `http.<stat_prefix>.*`. Two connection managers of one prefix share their counters, as in Envoy.
#[derive(Debug)]
pub(super) struct ManagerStats {
    /// `downstream_cx_total`
    pub(super) cx_total: Counter,
    /// `downstream_cx_active`
    pub(super) cx_active: Gauge,
    /// `downstream_cx_ssl_total`
    pub(super) cx_ssl_total: Counter,
    /// `downstream_cx_http1_total`, `downstream_cx_http2_total`, `downstream_cx_http3_total`
    pub(super) cx_by_version: [Counter; 3],
    /// `downstream_cx_destroy`
    pub(super) cx_destroy: Counter,
    /// `downstream_cx_destroy_local`
    pub(super) cx_destroy_local: Counter,
    /// `downstream_cx_destroy_remote`
    pub(super) cx_destroy_remote: Counter,
    /// `downstream_cx_idle_timeout`
    pub(super) cx_idle_timeout: Counter,
    /// `downstream_cx_max_duration_reached`
    pub(super) cx_max_duration_reached: Counter,
    /// `downstream_cx_protocol_error`
    pub(super) cx_protocol_error: Counter,
    /// `downstream_cx_drain_close`
    pub(super) cx_drain_close: Counter,
    /// `downstream_rq_too_many_premature_resets`
    pub(super) rq_too_many_premature_resets: Counter,
    /// `downstream_cx_upgrades_total`: tunnels that were allowed.
    pub(super) cx_upgrades_total: Counter,
    /// `downstream_cx_upgrades_active`
    pub(super) cx_upgrades_active: Gauge,
    /// `downstream_cx_rx_bytes_total`
    pub(super) cx_rx_bytes_total: Counter,
    /// `downstream_cx_tx_bytes_total`
    pub(super) cx_tx_bytes_total: Counter,
    /// `downstream_cx_length_ms`
    pub(super) cx_length_ms: Histogram,
    rq_total: Counter,
    rq_active: Gauge,
    rq_by_version: [Counter; 3],
    rq_completed: Counter,
    rq_classes: [Counter; 5],
    rq_time: Histogram,
    rq_rx_reset: Counter,
    rq_tx_reset: Counter,
    rq_timeout: Counter,
    rq_header_timeout: Counter,
    rq_idle_timeout: Counter,
    rq_max_duration_reached: Counter,
    rq_response_before_rq_complete: Counter,
    rq_ws_on_non_ws_route: Counter,
    rq_non_relative_path: Counter,
    rq_failed_path_normalization: Counter,
    /// `downstream_rq_redirected_with_normalized_path`
    pub(super) rq_redirected_with_normalized_path: Counter,
    /// `downstream_rq_early_data_total`: requests in early data.
    pub(super) rq_early_data_total: Counter,
    /// `downstream_rq_early_data_forwarded`: those of them that went upstream at once.
    pub(super) rq_early_data_forwarded: Counter,
    /// `downstream_rq_early_data_waited`: those that went upstream with the end of the handshake.
    pub(super) rq_early_data_waited: Counter,
    /// `downstream_rq_early_data_rejected`: those that were answered 425.
    rq_early_data_rejected: Counter,
    routed: Counter,
    no_route: Counter,
    no_cluster: Counter,
    direct_response: Counter,
    listener_classes: [Counter; 5],
    listener_completed: Counter,
}

impl ManagerStats {
    /// `http` is `http.<stat_prefix>`; `listener` is `listener.<address>.http.<stat_prefix>`.
    #[must_use]
    pub(super) fn new(http: &Scope, listener: &Scope) -> Self {
        let counter = |name: &str| http.counter(name);
        let versions = |kind: &str| [1, 2, 3].map(|version| counter(&format!("downstream_{kind}_http{version}_total")));
        let classes = |scope: &Scope| [1, 2, 3, 4, 5].map(|class| scope.counter(&format!("downstream_rq_{class}xx")));
        Self {
            cx_total: counter("downstream_cx_total"),
            cx_active: http.gauge("downstream_cx_active"),
            cx_ssl_total: counter("downstream_cx_ssl_total"),
            cx_by_version: versions("cx"),
            cx_destroy: counter("downstream_cx_destroy"),
            cx_destroy_local: counter("downstream_cx_destroy_local"),
            cx_destroy_remote: counter("downstream_cx_destroy_remote"),
            cx_idle_timeout: counter("downstream_cx_idle_timeout"),
            cx_max_duration_reached: counter("downstream_cx_max_duration_reached"),
            cx_protocol_error: counter("downstream_cx_protocol_error"),
            cx_drain_close: counter("downstream_cx_drain_close"),
            rq_too_many_premature_resets: counter("downstream_rq_too_many_premature_resets"),
            cx_upgrades_total: counter("downstream_cx_upgrades_total"),
            cx_upgrades_active: http.gauge("downstream_cx_upgrades_active"),
            cx_rx_bytes_total: counter("downstream_cx_rx_bytes_total"),
            cx_tx_bytes_total: counter("downstream_cx_tx_bytes_total"),
            cx_length_ms: http.histogram("downstream_cx_length_ms"),
            rq_total: counter("downstream_rq_total"),
            rq_active: http.gauge("downstream_rq_active"),
            rq_by_version: versions("rq"),
            rq_completed: counter("downstream_rq_completed"),
            rq_classes: classes(http),
            rq_time: http.histogram("downstream_rq_time"),
            rq_rx_reset: counter("downstream_rq_rx_reset"),
            rq_tx_reset: counter("downstream_rq_tx_reset"),
            rq_timeout: counter("downstream_rq_timeout"),
            rq_header_timeout: counter("downstream_rq_header_timeout"),
            rq_idle_timeout: counter("downstream_rq_idle_timeout"),
            rq_max_duration_reached: counter("downstream_rq_max_duration_reached"),
            rq_response_before_rq_complete: counter("downstream_rq_response_before_rq_complete"),
            rq_ws_on_non_ws_route: counter("downstream_rq_ws_on_non_ws_route"),
            rq_non_relative_path: counter("downstream_rq_non_relative_path"),
            rq_failed_path_normalization: counter("downstream_rq_failed_path_normalization"),
            rq_redirected_with_normalized_path: counter("downstream_rq_redirected_with_normalized_path"),
            rq_early_data_total: counter("downstream_rq_early_data_total"),
            rq_early_data_forwarded: counter("downstream_rq_early_data_forwarded"),
            rq_early_data_waited: counter("downstream_rq_early_data_waited"),
            rq_early_data_rejected: counter("downstream_rq_early_data_rejected"),
            routed: counter("rq_total"),
            no_route: counter("no_route"),
            no_cluster: counter("no_cluster"),
            direct_response: counter("rq_direct_response"),
            listener_classes: classes(listener),
            listener_completed: listener.counter("downstream_rq_completed"),
        }
    }

    /// A connection turned out to speak that version.
    pub(super) fn connection(&self, protocol: Protocol, tls: bool) {
        self.cx_total.inc();
        self.cx_active.inc();
        Self::of_version(&self.cx_by_version, protocol);
        if tls {
            self.cx_ssl_total.inc();
        }
    }

    /// A request began.
    pub(super) fn request(&self, protocol: Protocol) {
        self.rq_total.inc();
        self.rq_active.inc();
        Self::of_version(&self.rq_by_version, protocol);
    }

    /// An interim response went out (1xx).
    pub(super) fn interim(&self) {
        for classes in [&self.rq_classes, &self.listener_classes] {
            if let Some(counter) = classes.first() {
                counter.inc();
            }
        }
        self.rq_completed.inc();
        self.listener_completed.inc();
    }

    /// The response was complete before the request was.
    pub(super) fn answered_early(&self) {
        self.rq_response_before_rq_complete.inc();
        self.rq_rx_reset.inc();
    }

    /// A request was handed to the router.
    pub(super) fn routed(&self) {
        self.routed.inc();
    }

    /// A route answered by itself.
    pub(super) fn answered_directly(&self) {
        self.direct_response.inc();
    }

    /// An exchange is over: `status` is what was answered, `millis` how long it took.
    pub(super) fn ended(&self, status: Option<StatusCode>, millis: u64) {
        self.rq_active.dec();
        let Some(status) = status else { return };
        let class = usize::from(status.as_u16() / 100).checked_sub(1);
        self.rq_completed.inc();
        self.listener_completed.inc();
        for classes in [&self.rq_classes, &self.listener_classes] {
            if let Some(counter) = class.and_then(|class| classes.get(class)) {
                counter.inc();
            }
        }
        self.rq_time.record(millis);
    }

    /// An exchange went wrong.
    pub(super) fn failed(&self, failure: &Failure, began: bool) {
        match failure {
            Failure::RouteNotFound => self.no_route.inc(),
            Failure::ClusterNotFound(_) => self.no_cluster.inc(),
            Failure::RequestTimeout => self.rq_timeout.inc(),
            Failure::RequestHeadersTimeout => self.rq_header_timeout.inc(),
            Failure::StreamIdle => self.rq_idle_timeout.inc(),
            Failure::MaxStreamDuration => self.rq_max_duration_reached.inc(),
            Failure::TooEarly => self.rq_early_data_rejected.inc(),
            Failure::Refused(_, NOT_NORMALIZED) => self.rq_failed_path_normalization.inc(),
            Failure::Refused(StatusCode::NOT_FOUND, _) => self.rq_non_relative_path.inc(),
            Failure::Forbidden(_) => self.rq_ws_on_non_ws_route.inc(),
            Failure::DownstreamClosed | Failure::DownstreamReset => self.rq_rx_reset.inc(),
            Failure::DownstreamProtocol(_) | Failure::HeadersTooLarge(_) | Failure::LowVersion => {
                self.cx_protocol_error.inc();
            }
            Failure::MissingHost
            | Failure::Misdirected
            | Failure::Refused(..)
            | Failure::NoHealthyHost
            | Failure::Overflow
            | Failure::ConnectFailed(_)
            | Failure::ConnectTimeout
            | Failure::UpstreamReset(_)
            | Failure::ResponseTimeout
            | Failure::Closing => {}
        }
        if began && !matches!(failure, Failure::DownstreamClosed | Failure::DownstreamReset) {
            self.rq_rx_reset.inc();
            self.rq_tx_reset.inc();
        }
    }

    fn of_version(counters: &[Counter; 3], protocol: Protocol) {
        let [http1, http2, http3] = counters;
        match protocol {
            Protocol::Http10 | Protocol::Http11 => http1.inc(),
            Protocol::Http2 => http2.inc(),
            Protocol::Http3 => http3.inc(),
        }
    }
}
