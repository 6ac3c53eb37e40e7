//! The table of the admin interface: what dispatch, `/help` and `/` all read.

use http::Method;

use super::call::Call;
use super::{
    certs, clusters, config_dump, drain_listeners, healthcheck, help, home, hot_restart_version, init_dump, listeners,
    logging, logs, memory, quit, ready, runtime, server_info, stats,
};
use crate::http::Response;

/// A path that is answered.
#[derive(Debug)]
pub(super) struct Endpoint {
    /// The whole path.
    pub path: &'static str,
    /// What it does.
    pub kind: Kind,
    /// Envoy's words for it.
    pub help: &'static str,
    /// The parameters it takes.
    pub params: &'static [Param],
    /// The answer.
    pub answer: fn(&Call<'_>) -> Response,
}

/// What asking does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// It shows something: any method will do.
    Shows,
    /// It changes something: POST only.
    Changes,
}

/// A parameter of an endpoint.
#[derive(Debug)]
pub(super) struct Param {
    /// Its name.
    pub name: &'static str,
    /// What may be given.
    pub input: Input,
    /// What it is for.
    pub help: &'static str,
}

/// What may be given for a parameter.
#[derive(Clone, Copy, Debug)]
pub(super) enum Input {
    /// It is there or not.
    Flag,
    /// Any text.
    Text,
    /// One of these.
    OneOf(&'static [&'static str]),
}

// === impl Endpoint ===

impl Endpoint {
    /// The endpoint of a path.
    pub(super) fn find(path: &str) -> Option<&'static Self> {
        ENDPOINTS.iter().find(|endpoint| endpoint.path == path)
    }

    /// All of them, sorted by path.
    pub(super) fn all() -> impl Iterator<Item = &'static Self> {
        ENDPOINTS.iter()
    }

    /// Whether it changes something.
    pub(super) fn changes(&self) -> bool {
        self.kind == Kind::Changes
    }

    /// Whether a request with `method` is answered.
    pub(super) fn takes(&self, method: &Method) -> bool {
        !self.changes() || method == Method::POST
    }

    /// One that shows something, without parameters.
    const fn show(path: &'static str, help: &'static str, answer: fn(&Call<'_>) -> Response) -> Self {
        Self { path, kind: Kind::Shows, help, params: &[], answer }
    }

    /// One that changes something, without parameters.
    const fn change(path: &'static str, help: &'static str, answer: fn(&Call<'_>) -> Response) -> Self {
        Self { path, kind: Kind::Changes, help, params: &[], answer }
    }

    const fn with(self, params: &'static [Param]) -> Self {
        Self { params, ..self }
    }
}

const ENDPOINTS: &[Endpoint] = &[
    Endpoint::show("/", "Admin home page", home::home),
    Endpoint::show("/certs", "print certs on machine", certs::certs),
    Endpoint::show("/clusters", "upstream cluster status", clusters::clusters).with(clusters::PARAMS),
    Endpoint::show("/config_dump", "dump current configs", config_dump::config_dump).with(config_dump::PARAMS),
    Endpoint::change("/drain_listeners", "drain listeners", drain_listeners::drain_listeners)
        .with(drain_listeners::PARAMS),
    Endpoint::change("/healthcheck/fail", "cause the server to fail health checks", healthcheck::fail),
    Endpoint::change("/healthcheck/ok", "cause the server to pass health checks", healthcheck::ok),
    Endpoint::show("/help", "print out list of admin commands", help::help),
    Endpoint::show(
        "/hot_restart_version",
        "print the hot restart compatibility version",
        hot_restart_version::hot_restart_version,
    ),
    Endpoint::show("/init_dump", "dump what the start still waits for", init_dump::init_dump),
    Endpoint::show("/listeners", "print listener info", listeners::listeners).with(listeners::PARAMS),
    Endpoint::change("/logging", "query/change logging levels", logging::logging).with(logging::PARAMS),
    Endpoint::show("/memory", "print current allocation/heap usage", memory::memory),
    Endpoint::change("/quitquitquit", "exit the server", quit::quitquitquit),
    Endpoint::show("/ready", "print server state, return 200 if LIVE, otherwise return 503", ready::ready),
    Endpoint::change("/reopen_logs", "reopen access logs", logs::reopen_logs),
    Endpoint::change("/reset_counters", "reset all counters to zero", stats::reset_counters),
    Endpoint::show("/runtime", "print runtime values", runtime::runtime),
    Endpoint::show("/server_info", "print server version/status information", server_info::server_info),
    Endpoint::show("/stats", "print server stats", stats::stats).with(stats::PARAMS),
    Endpoint::show("/stats/prometheus", "print server stats in prometheus format", stats::prometheus)
        .with(stats::PROMETHEUS_PARAMS),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_sorted_and_each_stands_once() {
        assert!(ENDPOINTS.is_sorted_by(|one, next| one.path < next.path));
    }

    #[test]
    fn only_post_changes_anything() {
        let quit = Endpoint::find("/quitquitquit").unwrap();
        let takes: Vec<_> =
            [Method::GET, Method::HEAD, Method::PUT, Method::POST].iter().map(|method| quit.takes(method)).collect();
        assert_eq!(takes, [false, false, false, true]);
        assert!(Endpoint::find("/ready").unwrap().takes(&Method::POST));
        assert!(Endpoint::find("/stats/").is_none());
    }
}
