//! `/drain_listeners`: no new connections, while the process and its exchanges go on.

use std::sync::Arc;

use super::call::Call;
use super::endpoint::{Input, Param};
use super::response::done;
use crate::http::Response;

/// What may be asked.
pub(super) const PARAMS: &[Param] = &[
    Param {
        name: "graceful",
        input: Input::Flag,
        help: "Ask connections to go first, and stop listening when the time to drain (--drain-time-s) is over",
    },
    Param {
        name: "skip_exit",
        input: Input::Flag,
        help: "Ask connections to go, but never stop listening. With it, graceful has no effect",
    },
    Param { name: "inboundonly", input: Input::Flag, help: "Stop only listeners whose traffic_direction is INBOUND" },
];

/// Stops listening, at once or when the time to drain is over. Whoever is connected is asked to go: HTTP/1.1 by
/// `connection: close`, HTTP/2 and HTTP/3 by GOAWAY.
pub(super) fn drain_listeners(call: &Call<'_>) -> Response {
    let which = if call.query.has("inboundonly") { Which::Inbound } else { Which::All };
    call.admin.ask_connections_to_go();
    if call.query.has("skip_exit") {
        return done();
    }
    if !call.query.has("graceful") {
        call.admin.stop_listeners(which);
        return done();
    }
    // Asked again while it waits, it waits no longer and no less.
    if call.admin.begin_graceful_stop() {
        let admin = Arc::clone(call.admin);
        call.drain.spawn_service("graceful stop of listeners", async move {
            tokio::time::sleep(admin.drain_time).await;
            admin.stop_listeners(which);
        });
    }
    done()
}

/// Which listeners are to stop.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Which {
    /// Every one.
    All,
    /// Those for traffic that comes to this host.
    Inbound,
}
