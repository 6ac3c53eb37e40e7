//! What comes to the admin interface, counted under Envoy's names: `listener.admin.*`, `http.admin.*`.

use http::StatusCode;

use crate::observe::stats::{Counter, Gauge, Held, Scope};

/// Connections and requests.
#[derive(Debug)]
pub(super) struct Traffic {
    listener: Connections,
    http: Connections,
    rq_total: Counter,
    rq_active: Gauge,
    rq_completed: Counter,
    classes: [Counter; 4],
}

#[derive(Debug)]
struct Connections {
    total: Counter,
    active: Gauge,
    destroy: Counter,
}

/// One connection, counted as open until it is dropped.
#[derive(Debug)]
pub(super) struct Open<'a> {
    traffic: &'a Traffic,
    _held: [Held; 2],
}

impl Traffic {
    /// Registers everything.
    pub(super) fn new(root: &Scope) -> Self {
        let http = root.scope("http.admin");
        Self {
            listener: Connections::new(&root.scope("listener.admin")),
            http: Connections::new(&http),
            rq_total: http.counter("downstream_rq_total"),
            rq_active: http.gauge("downstream_rq_active"),
            rq_completed: http.counter("downstream_rq_completed"),
            classes: [2, 3, 4, 5].map(|class| http.counter(&format!("downstream_rq_{class}xx"))),
        }
    }

    /// A connection was accepted.
    pub(super) fn open(&self) -> Open<'_> {
        let held = [&self.listener, &self.http].map(|connections| {
            connections.total.inc();
            connections.active.hold()
        });
        Open { traffic: self, _held: held }
    }

    /// A request has come; it is in flight until the answer is dropped.
    pub(super) fn request(&self) -> Held {
        self.rq_total.inc();
        self.rq_active.hold()
    }

    /// It was answered.
    pub(super) fn answered(&self, status: StatusCode) {
        self.rq_completed.inc();
        let class = usize::from(status.as_u16() / 100).checked_sub(2);
        if let Some(counter) = class.and_then(|class| self.classes.get(class)) {
            counter.inc();
        }
    }
}

impl Connections {
    fn new(scope: &Scope) -> Self {
        Self {
            total: scope.counter("downstream_cx_total"),
            active: scope.gauge("downstream_cx_active"),
            destroy: scope.counter("downstream_cx_destroy"),
        }
    }
}

impl Drop for Open<'_> {
    fn drop(&mut self) {
        self.traffic.listener.destroy.inc();
        self.traffic.http.destroy.inc();
    }
}
