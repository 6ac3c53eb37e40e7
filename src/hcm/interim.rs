//! Interim responses (1xx) of upstreams: which go on to the client, with which fields, and what is counted of them.
//!
//! Early hints (103) always go on: they are what makes a page of an edge gateway faster. The others do with
//! `proxy_100_continue`, as in Envoy 1.40, which without it passes none at all, and with it the first.

use std::sync::Arc;
use std::time::Instant;

use http::StatusCode;
use http::header::CONTENT_LENGTH;

use super::connection::Connection;
use super::sanitize;
use super::timeouts::Flow;
use crate::codec::{Interim, Interims, Outbox};
use crate::upstream::Cluster;

/// What takes those of one way to `cluster`; `internal` tells whether the client is one of our own.
pub(super) fn interims(
    connection: &Arc<Connection>,
    cluster: &Arc<Cluster>,
    flow: &Arc<Flow>,
    outbox: &Outbox,
    internal: bool,
) -> Interims {
    let (connection, cluster, flow) = (Arc::clone(connection), Arc::clone(cluster), Arc::clone(flow));
    let outbox = outbox.clone();
    Interims::new(move |Interim { status, mut headers }| {
        if !KNOWN.contains(&status.as_u16()) {
            return;
        }
        cluster.stats.count(status, internal);
        flow.moved(Instant::now());
        let manager = &connection.manager;
        if status != StatusCode::EARLY_HINTS && !manager.limits.proxy_100_continue {
            return;
        }
        sanitize::hop_by_hop(&mut headers);
        // RFC 9110 §8.6: there is none in an interim response.
        headers.remove(CONTENT_LENGTH);
        if outbox.put(Interim { status, headers }) {
            manager.stats.interim();
        }
    })
}

/// Those that Envoy knows: Continue, Processing, Early Hints, Upload Resumption Supported.
const KNOWN: [u16; 4] = [100, 102, 103, 104];
